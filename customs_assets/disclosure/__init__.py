"""What may be shown of the declarations: nothing that rests on fewer than ``k`` importers.

The ``k`` rule and its means belong here: goods and codes that may be shown as declared (``safe_groups``), amounts drawn within
bands (``bands``), and new identities composed from several of the source's (``identities``).
"""

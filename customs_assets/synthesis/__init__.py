"""From anonymized months to synthetic ones.

What makes rows belongs here: a month as the model sees it (``codec``, ``encodings``), the steps one by one (``steps``,
``month``) and all of them in order (``synthesize``). How good the rows are is measured elsewhere. Sections 4.2 and 4.3
of the paper.
"""

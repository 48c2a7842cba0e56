"""Whether a month is like the months before it: what it is measured by, the bounds that its history gives, and the verdict.

What belongs here compares a source with itself over time. It changes no declaration and stops nothing: a fault of a source is
told, and a person decides. Whether single rows keep the form says ``source``; what may be shown of a month says ``disclosure``.
"""

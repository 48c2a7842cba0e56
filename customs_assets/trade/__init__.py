"""Patterns of trade: who trades with whom, through whom and where, on the source and on the release side by side.

What one set of declarations is like (``patterns``), how near the release is to the source (``claims``), and what is drawn of it
(``pictures``) belong here. Of the source nothing is drawn that fewer than ``k`` importers stand behind. How a page shows it
stands in ``report``.
"""

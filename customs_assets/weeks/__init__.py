"""Weeks of inspection: what a customs office finds that inspects a share of each week and learns from what it found.

What is declared in which week (``stream``), how declarations are chosen (``strategies``), what learns from inspections
(``learner``), how far a week is from those before it (``transport``), the weeks one after the other (``simulation``), and what
follows from all of it (``comparison``) belong here. No part of `customs run`: `customs weeks` makes it. One split of the months
stands in ``benchmark``.
"""

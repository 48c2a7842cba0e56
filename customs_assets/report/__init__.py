"""The evidence, laid out for people: what is claimed of the synthetic declarations, what was measured, and whether it holds.

What belongs here puts measures beside what they are read by and sets them on a page. The measures themselves come from
``quality`` and ``benchmark``; judging a partition, so that a run stops, is the work of ``expectations``.
"""

"""How near the synthetic declarations are to their source, and what they give away.

What belongs here compares two frames and returns numbers or pictures; judging those numbers is the work of
``expectations``, and laying them out on a page that of ``report``.
"""

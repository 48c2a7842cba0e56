"""The evidence for people: every claim with its measure and verdict, the paper's tables and figures, what was run.

What belongs here lays measures out. ``fidelity``, ``benchmark`` and ``privacy`` measure; ``expectations`` judges.
"""

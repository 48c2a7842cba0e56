"""How like their source the synthetic declarations are.

What belongs here compares two tables and returns numbers, claims or figures. ``expectations`` judges them; ``report`` lays them
out.
"""

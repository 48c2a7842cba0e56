"""What the synthetic declarations give away: attacks on them, the rules that their rows keep, and the gate that goes by both.

Every attack takes the same three tables: ``synthetic`` rows, the source's rows that these were made from (``training``), and
rows of other importers of the same source (``control``). What an attack finds out about control too is knowledge of the world.
What it finds out about training alone has leaked.

The importer is protected, as the ``k`` rule counts importers. So control is split off by importer (``references.in_control``).
A release draws all tokens anew, so attacks on rows leave identities out. Only ``linkage`` asks who a synthetic importer is.
"""

from __future__ import annotations


class CannotBeMeasured(ValueError):
    """There are too few rows or importers for this attack. The message says of what."""


class NothingToAttack(ValueError):
    """Nobody is where this attack could strike, such as where no importer dominates any trade. The message says so.

    The risk is 0 then. Where somebody is there and nothing to compare with, it is :class:`CannotBeMeasured`.
    """

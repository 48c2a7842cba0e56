"""What the synthetic declarations give away: attacks on them, and the account of the ``k`` rule.

An attack takes the synthetic rows, the rows that they were made from (training) and rows that were held out (control). What works
against control too is knowledge of the world; what works better against training leaked.

The importer is what is protected, as the ``k`` rule counts importers. Control is therefore split off by importer
(``references.in_control``). An attacker on a release knows no token, since all tokens are drawn anew; attacks on rows leave
identities out, and ``linkage`` alone asks who is behind a synthetic importer.
"""

from __future__ import annotations


class CannotBeMeasured(ValueError):
    """There are too few rows or importers for this attack; the message says of what, in plain words."""

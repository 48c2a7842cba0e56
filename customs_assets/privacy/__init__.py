"""What the synthetic declarations give away: attacks on them, each in a module of its own, and the account of the ``k`` rule.

Every attack takes the synthetic rows, the rows that they were made from (training) and rows that were held out (control). What
works against training no better than against control is knowledge of the world; the difference is what leaked.

The unit that is protected is the importer, as the ``k`` rule counts importers: the control half is split off by importer
(``references.in_control``), so that nothing of a control importer has been seen. Identities are compared in the pipeline's own
token space, which the release leaves behind by drawing all tokens anew; an attacker on the release knows no token. So attacks on
rows leave identities out unless asked, and who is behind a synthetic importer is the subject of ``linkage`` alone.
"""

from __future__ import annotations


class CannotBeMeasured(ValueError):
    """There are too few rows or importers for this attack; the message says of what, in plain words."""

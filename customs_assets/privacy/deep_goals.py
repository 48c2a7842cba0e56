"""The claims of the deep attacks (``shadows``), each with its goal and its limit, and the reason for both.

They take long, so they are made on demand and no part of ``goals.REQUIRED``: the gate releases without them, and publishing asks
for them. They have a rate of false alarms of their own.

Goals are those of ``membership``, for all importers: an AUC of 0.53, and the true positives at one false positive in a hundred
that chance alone exceeds once in twenty times; the measure brings that number. So are the limits. Whoever stands furthest from
all others may be no worse off than anybody may be, although whoever attacks here knows more than any outsider: the whole
pipeline, all declarations of the target and of everybody else, and for each target sixteen worlds with it and as many without. At
the limit of 0.10 one target in ten is found, and ten guesses are right for one that is wrong.
"""

from __future__ import annotations

import math

from customs_assets.claims import Claim, Subject

_WHOM = "Membership of the most exposed importers, by shadow models"
_TITLES = {
    "deep_membership": f"{_WHOM}: AUC of the strongest attack",
    "deep_membership_tpr": f"{_WHOM}: true positives at one false positive in a hundred",
}

# Not yet measured. Each: what guessing reaches, goal, limit.
_NUMBERS = {"deep_membership": (0.5, 0.53, 0.60), "deep_membership_tpr": (0.01, 0.01, 0.10)}

DEEP_CLAIMS: dict[str, Claim] = {
    key: Claim(key, Subject.PRIVACY, _TITLES[key], math.nan, ceiling=guessing, at_most=goal, limit=limit)
    for key, (guessing, goal, limit) in _NUMBERS.items()
}
DEEP: tuple[str, ...] = tuple(DEEP_CLAIMS)

# The same of importers with many declarations. It has the goal and no limit. A release that shows truly how much is traded shows
# more of a trade when somebody with dozens of declarations is in it, as an official statistic does; nothing is copied for that.
# So nobody is kept from publishing. The page says that the goal is missed, and by how much.
LARGE_CLAIM = Claim(
    "deep_membership_large",
    Subject.PRIVACY,
    "The same of importers with many declarations: AUC of the strongest attack",
    math.nan,
    ceiling=0.5,
    at_most=0.53,
)

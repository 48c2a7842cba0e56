"""The suites over the deep attacks: that they are whole, and which goals they miss.

A claim past its limit fails no suite: it keeps the release from being published, and its document has to stand to say so.
"""

from __future__ import annotations

import math

import pandas as pd

from customs_assets.claims import from_json
from customs_assets.expectations.evidence_suites import expected_of_claims
from customs_assets.expectations.expect import Examined, between, in_set, suite
from customs_assets.expectations.validation import Piece
from customs_assets.privacy.deep_goals import DEEP
from customs_assets.privacy.shadows.exposed import Exposed
from customs_assets.privacy.shadows.shadow import SCORES

_AGAIN = "Run `customs deep-attacks --force`; if it stays, report it with the run's log."
_LOOK = "Read the evidence report before publishing: it says which attack finds whom, and how much chance alone finds."


@suite("exposed_importers", "in_half_of_the_shadows", remedy=_AGAIN, key="target")
def _halves(examined: Examined) -> Piece:
    """Every target is in half of the shadows, and no importer is a target twice."""
    targets = Exposed.from_json(examined.lake.read_json(examined.asset))
    half = examined.settings.shadows // 2
    twice = pd.Series(targets.importers, dtype=object).duplicated().sum()
    rows = pd.DataFrame({"target": range(len(targets.importers)), "shadows": targets.members.sum(axis=1)})
    rows = pd.concat([rows, pd.DataFrame({"target": ["all"], "shadows": [half], "twice": [int(twice)]})])
    return rows.fillna({"twice": 0}).astype({"target": str}), [
        between("shadows", half, half, f"every target is in {half} of {2 * half} shadows"),
        between("twice", None, 0, "no importer is a target twice"),
    ]


@suite("shadow_scores", "every_target_scored", remedy=_AGAIN, key="score")
def _scored(examined: Examined) -> Piece:
    """A shadow has every score of every target, or says why it has none."""
    made = examined.lake.read_json(examined.asset, examined.partition)
    targets = len(examined.lake.read_json("exposed_importers")["importers"])
    whole = {
        name: len(made["scores"].get(name, [])) == targets and all(map(math.isfinite, made["scores"][name]))
        for name in SCORES
    }
    rows = pd.DataFrame({"score": list(whole), "there": ["yes" if there else "no" for there in whole.values()]})
    if made["reason"]:
        rows["there"] = "no, and why"
    return rows, [in_set("there", ["yes", "no, and why"], "every target has a finite score of each kind")]


@suite("deep_attacks", "complete", remedy=_AGAIN, key="claim")
def _complete(examined: Examined) -> Piece:
    """Every claim of the deep attacks is there, measured or with the reason why it was not."""
    claims = {claim.key: claim for claim in from_json(examined.lake.read_json(examined.asset)["claims"])}
    told = [
        "yes" if key in claims and (math.isfinite(claims[key].measured) or claims[key].note) else "no" for key in DEEP
    ]
    return pd.DataFrame({"claim": list(DEEP), "there": told}), [
        in_set("there", ["yes"], "every claim that publishing goes by is there, measured or not")
    ]


@suite("deep_attacks", "goals", remedy=_LOOK, level="warning", key="claim")
def _goals(examined: Examined) -> Piece:
    """The deep attacks stay within their goals."""
    return expected_of_claims(from_json(examined.lake.read_json(examined.asset)["claims"]))


DEEP_SUITES = (_halves, _scored, _complete, _goals)

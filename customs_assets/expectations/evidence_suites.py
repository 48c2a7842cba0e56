"""The suites over the evidence: which claims must hold for a run to succeed, and which are worth a look.

Level ``error``: no row is copied, every tariff tuple is lawful, no name stands in the release, every attack was measured, and
none exceeds its limit by more than chance, and the release is of use. Level ``warning``: every other claim, and attacks that miss
their goal. The gate's reasons and the use are checked on the page, so that the page is there before the run fails.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import pandas as pd

from customs_assets.anonymization.business_numbers import read_business_numbers
from customs_assets.anonymization.names_alike import number_alike
from customs_assets.claims import Claim, Subject, from_json
from customs_assets.declaration import IDENTITIES
from customs_assets.expectations.expect import Examined, between, expect, in_set, not_missing, suite
from customs_assets.expectations.validation import Piece
from customs_assets.lake import LakeError
from customs_assets.law.reading import stated_origin
from customs_assets.privacy.gate import CANDIDATE, claimed_keys, reasons_of_measures
from customs_assets.privacy.goals import REQUIRED, RULES
from customs_assets.release.names import names_in

_REMAKE = "Nothing of this may be published. Materialize the month again; if it stays, report it with the run's log."
_LEAK = (
    "Do not publish. A name of seven characters met by chance goes away with another release secret; anything else is a leak: "
    "report it."
)
_WITHHELD = (
    "Nothing is released. Where an attack succeeds, raise CUSTOMS_MIN_GROUP and make the months again: the report says which "
    "attack succeeds and on what. Where one was not measured, it says why: more importers or more months are needed. Fewer than "
    "a few hundred importers cannot be protected at this k."
)
_USELESS = (
    "The release is safe to publish and of little use. A smaller CUSTOMS_MIN_GROUP, CUSTOMS_DOMINANCE_ONE and "
    "CUSTOMS_DOMINANCE_TWO nearer to 1, more months, or a tariff (CUSTOMS_TARIFF) show more; more CUSTOMS_EPOCHS make better "
    "drafts."
)
_LOOK = (
    "Read the evidence report before publishing: it shows each score beside its ceiling and floor, and month by month."
)


def _claims(examined: Examined) -> list[Claim]:
    return from_json(examined.lake.read_json(examined.asset, examined.partition)["claims"])


def expected_claims(claims: Iterable[Claim]) -> Piece:
    """One row of measures, and the expectation that each claim holds.

    A privacy claim that was not measured fails. Other claims that were not measured are left out; the page shows them.
    """
    judged = [claim for claim in claims if claim.holds is not None]
    expected = []
    for claim in judged:
        if math.isnan(claim.measured):
            # A missing value breaks no bounds, so it needs an expectation of its own.
            expected.append(not_missing(claim.key, f"{claim.title} is measured ({claim.note or 'it was not'})"))
            continue
        note = f" ({claim.note})" if claim.note and not claim.holds else ""
        sentence = f"{claim.title} is {claim.goal}{note}"
        expected.append(between(claim.key, claim.at_least, claim.at_most, sentence))
    return pd.DataFrame([{claim.key: claim.measured for claim in judged}]).astype(float), expected


@suite("privacy_report", "nothing_copied", remedy=_REMAKE, key="claim")
def _copies_of_a_month(examined: Examined) -> Piece:
    """No synthetic row equals a row of the month's source in everything but key and date."""
    return expected_claims(claim for claim in _claims(examined) if claim.key in RULES)


@suite("release_privacy", "complete", remedy=_REMAKE, key="claim")
def _complete(examined: Examined) -> Piece:
    """Every privacy claim that a release is judged by is there, measured or with the reason why it was not."""
    claimed = claimed_keys(_claims(examined))
    rows = pd.DataFrame({"claim": list(REQUIRED), "there": ["yes" if key in claimed else "no" for key in REQUIRED]})
    return rows, [in_set("there", ["yes"], "every claim that the gate goes by is there, measured or not")]


@suite("release_evidence", "lawful", remedy=_REMAKE, key="claim")
def _law(examined: Examined) -> Piece:
    """Every tariff tuple of the synthetic months is one that the source's law allows."""
    return expected_claims(claim for claim in _claims(examined) if claim.subject is Subject.LAW)


@suite("release_evidence", "goals", remedy=_LOOK, level="warning", key="claim")
def _fidelity_and_utility(examined: Examined) -> Piece:
    """Fidelity, relations, detection and utility reach their goals."""
    return expected_claims(claim for claim in _claims(examined) if claim.subject in (Subject.FIDELITY, Subject.UTILITY))


@suite("release_privacy", "goals", remedy=_LOOK, level="warning", key="claim")
def _privacy(examined: Examined) -> Piece:
    """Every attack stays within its goal, interval included."""
    return expected_claims(c for c in _claims(examined) if c.subject is Subject.PRIVACY and c.key not in RULES)


@suite(CANDIDATE, "nobody_named", remedy=_LEAK, key="place")
def _names(examined: Examined) -> Piece:
    """No name or business number of the source and no token of the anonymized tables stands anywhere in the release."""
    places = names_in(
        examined.lake.read_folder(examined.asset), _names_and_tokens(examined), _business_numbers(examined)
    )
    rows = pd.DataFrame({"place": [f"{p.file}, {p.place}" for p in places], "names": [p.names for p in places]})
    nobody = "no name or business number of the source and no token of the anonymized tables stands in any file of the release"
    return rows.astype({"place": object, "names": "int64"}), [
        expect("TableRowCountToEqual", nobody, value=0),
        between("names", None, 0, "no place of a file holds any of them"),
    ]


def _names_and_tokens(examined: Examined) -> set[str]:
    """Every name and every token of the source, over all months in the lake."""
    names: set[str] = set()
    for asset in ("labelled_declarations", "anonymized_declarations"):
        for month in examined.lake.partitions(asset):
            try:
                table = examined.lake.read_table(asset, month).select(list(IDENTITIES))
            except LakeError:
                continue
            for role in IDENTITIES:
                names |= {name for name in table.column(role).unique().to_pylist() if name}
    return names


def _business_numbers(examined: Examined) -> set[str]:
    """Every business number of the labelled rows, as declared and made alike. The check fails where they cannot be read."""
    numbers: set[str] = set()
    if columns := examined.settings.business_numbers:
        for month in examined.lake.partitions("anonymized_declarations"):
            frame = read_business_numbers(examined.lake, month, columns)
            declared = {number for role in frame.columns for number in frame[role].dropna().unique()}
            numbers |= declared | {number_alike(number) for number in declared}
    return numbers


@suite("evidence_report", "attacks", remedy=_WITHHELD, key="claim")
def _attacks(examined: Examined) -> Piece:
    """Nothing withholds the release: every privacy claim was measured, and none goes past its limit by more than chance."""
    reasons = reasons_of_measures(examined.lake, examined.lake.partitions("privacy_report", "json"))
    # One row: a 1 for each reason, and the number of reasons. All should be 0.
    row = {**{f"reason {number}": 1 for number in range(1, len(reasons) + 1)}, "reasons": len(reasons)}
    nothing = "every privacy claim was measured and none blocks the release, so that nothing withholds it"
    expected = [between(column, None, 0, sentence) for column, sentence in zip(row, [*reasons, nothing], strict=True)]
    return pd.DataFrame([row]), expected


@suite("evidence_report", "use", remedy=_USELESS, key="claim")
def _use(examined: Examined) -> Piece:
    """The release is of use: it shows what most declarations are about, and not every row can be told from the source's."""
    claims = from_json(examined.lake.read_json("release_evidence")["claims"])
    limited = [claim for claim in claims if claim.subject is Subject.FIDELITY and claim.limit is not None]
    useless = [claim for claim in limited if claim.blocks_release]
    cost = f": {_cost_of_disclosure(examined)}" if useless else ""
    return pd.DataFrame([{claim.key: claim.lower_bound for claim in limited}]).astype(float), [
        between(
            claim.key,
            None,
            claim.limit,
            f"{claim.title} is at most {claim.limit:g}"
            + (f", but it is {claim.measured:.3g} ({claim.note}){cost}" if claim in useless else ""),
        )
        for claim in limited
    ]


def _cost_of_disclosure(examined: Examined) -> str:
    """What disclosure by parts costs this source, and which setting would help."""
    from customs_assets.disclosure.cost import cost_in_words
    from customs_assets.disclosure.dominance import Dominance
    from customs_assets.disclosure.population import Population

    lake, settings = examined.lake, examined.settings
    months = lake.partitions("synthetic_declarations")
    return cost_in_words(
        Population.of(lake, months),
        lake.read_frames("anonymized_declarations", months),
        settings.min_group,
        Dominance(settings.dominance_one, settings.dominance_two),
        stated_origin(lake.read_table("tariff")),
    )


def expected_of_claims(claims: Iterable[Claim]) -> Piece:
    """One row of measures, and the expectation that each claim holds, for other suites on claims."""
    return expected_claims(claims)


EVIDENCE_SUITES = (_copies_of_a_month, _complete, _law, _fidelity_and_utility, _privacy, _names, _attacks, _use)

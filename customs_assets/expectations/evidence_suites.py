"""The suites over the evidence: which claims must hold for a run to succeed, and which are worth a look.

Error-level: no row is copied, every tariff tuple is lawful, no name stands in what would be released, every attack was
measured, and none goes past its limit by more than chance. Warning-level: every other claim, and attacks that miss their
goal. What the gate withholds for (``privacy/gate.py``) is judged on the page, so that the page is made before the run fails.
Suites that judge tables are in ``suites``.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from functools import partial

import pandas as pd

from customs_assets.anonymization.business_numbers import read_business_numbers
from customs_assets.anonymization.names_alike import number_alike
from customs_assets.claims import Claim, Subject, from_json
from customs_assets.declaration import IDENTITIES
from customs_assets.expectations.expect import between, expect, in_set, not_missing
from customs_assets.expectations.suites import Examined, Suite
from customs_assets.expectations.validation import Piece
from customs_assets.lake import LakeError
from customs_assets.privacy.gate import CANDIDATE, claimed_keys, reasons_of_measures
from customs_assets.privacy.goals import REQUIRED, RULES
from customs_assets.release.names import names_in


def _claims(examined: Examined) -> list[Claim]:
    return from_json(examined.lake.read_json(examined.asset, examined.partition)["claims"])


def _expected(claims: Collection[Claim]) -> Piece:
    """One row of measures, and the expectation that each claim holds.

    A claim of privacy that was not measured fails; of any other subject it is left out, and stays visible on the page.
    """
    judged = [claim for claim in claims if claim.holds is not None]
    expected = []
    for claim in judged:
        if math.isnan(claim.measured):
            # A missing value breaks no bounds, so it is asked for by itself.
            expected.append(not_missing(claim.key, f"{claim.title} is measured ({claim.note or 'it was not'})"))
            continue
        said = f"{claim.title} is {claim.goal}" + (f" ({claim.note})" if claim.note and not claim.holds else "")
        expected.append(between(claim.key, claim.at_least, claim.at_most, said))
    return pd.DataFrame([{claim.key: claim.measured for claim in judged}]).astype(float), expected


def _copies_of_a_month(examined: Examined) -> Piece:
    return _expected([claim for claim in _claims(examined) if claim.key in RULES])


def _law(examined: Examined) -> Piece:
    return _expected([claim for claim in _claims(examined) if claim.subject is Subject.LAW])


def _goals(subjects: Collection[Subject], examined: Examined) -> Piece:
    return _expected([c for c in _claims(examined) if c.subject in subjects and c.key not in RULES])


def _complete(examined: Examined) -> Piece:
    """A row for each claim that the gate goes by: the gate judges what was found, here it is asked that it is there."""
    there = claimed_keys(_claims(examined))
    rows = pd.DataFrame({"claim": list(REQUIRED), "there": ["yes" if key in there else "no" for key in REQUIRED]})
    return rows, [in_set("there", ["yes"], "every claim that the gate goes by is there, measured or not")]


def _attacks(examined: Examined) -> Piece:
    """One row: for each reason that withholds a 1, which should be 0; and how many there are."""
    lake = examined.lake
    reasons = reasons_of_measures(lake, lake.partitions("privacy_report", "json"))
    asked = {f"reason {number}": (1, reason) for number, reason in enumerate(reasons, 1)}
    nothing = "every privacy claim was measured and none blocks the release, so that nothing withholds it"
    asked["reasons"] = len(reasons), nothing
    expected = [between(column, None, 0, said) for column, (_, said) in asked.items()]
    return pd.DataFrame([{column: count for column, (count, _) in asked.items()}]), expected


def _names(examined: Examined) -> Piece:
    found = names_in(examined.lake.read_folder(examined.asset), _identifying(examined), _business_numbers(examined))
    rows = pd.DataFrame({"place": [f"{f.file}, {f.place}" for f in found], "names": [f.names for f in found]})
    nobody = "no name or business number of the source and no token of the anonymized tables stands in any file of the release"
    return rows.astype({"place": object, "names": "int64"}), [
        expect("TableRowCountToEqual", nobody, value=0),
        between("names", None, 0, "no place of a file holds any of them"),
    ]


def _identifying(examined: Examined) -> set[str]:
    """Every name of the source and every token of it, over the months at hand."""
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
    """Every business number of the labelled rows, as written and made alike; where they cannot be read nothing is passed."""
    numbers: set[str] = set()
    if columns := examined.settings.business_numbers:
        for month in examined.lake.partitions("anonymized_declarations"):
            read = read_business_numbers(examined.lake, month, columns)
            written = {number for role in read.columns for number in read[role].dropna().unique()}
            numbers |= written | {number_alike(number) for number in written}
    return numbers


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
_LOOK = (
    "Read the evidence report before publishing: it shows each score beside its ceiling and floor, and month by month."
)

EVIDENCE_SUITES: tuple[Suite, ...] = (
    Suite(
        "privacy_report",
        "nothing_copied",
        _copies_of_a_month,
        "No synthetic row equals a row of the month's source in everything but key and date.",
        _REMAKE,
        key="claim",
    ),
    Suite(
        "release_privacy",
        "complete",
        _complete,
        "Every privacy claim that a release is judged by is there, measured or with the reason why it was not.",
        _REMAKE,
        key="claim",
    ),
    Suite(
        "release_evidence",
        "lawful",
        _law,
        "Every tariff tuple of the synthetic months is one that the source's law allows.",
        _REMAKE,
        key="claim",
    ),
    Suite(
        "release_evidence",
        "goals",
        partial(_goals, [Subject.FIDELITY, Subject.UTILITY]),
        "Fidelity, relations, detection and utility reach their goals.",
        _LOOK,
        "warning",
        key="claim",
    ),
    Suite(
        "release_privacy",
        "goals",
        partial(_goals, [Subject.PRIVACY]),
        "Every attack stays within its goal, interval included.",
        _LOOK,
        "warning",
        key="claim",
    ),
    Suite(
        CANDIDATE,
        "nobody_named",
        _names,
        "No name or business number of the source and no token of the anonymized tables stands anywhere in the release.",
        _LEAK,
        key="place",
    ),
    Suite(
        "evidence_report",
        "attacks",
        _attacks,
        "Nothing withholds the release: every privacy claim was measured, and none goes past its limit by more than chance.",
        _WITHHELD,
        key="claim",
    ),
)

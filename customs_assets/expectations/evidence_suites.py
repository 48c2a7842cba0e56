"""The suites over the evidence: which claims must hold for a run to succeed, and which are worth a look.

Error-level: nobody's row is copied, every tariff tuple rests on ``k`` importers and is lawful, no name stands in what would be
released, every attack was measured, and none goes past its limit by more than chance. Warning-level: every other claim, and
attacks that miss their goal. What the gate withholds for (``privacy/gate.py``) hangs on the page, so that the page that says what
was found is made before the run fails. Suites that judge tables are in ``suites.py``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

import pandas as pd

from customs_assets.anonymization.business_numbers import read_business_numbers
from customs_assets.anonymization.names_alike import number_alike
from customs_assets.claims import Claim, Subject, from_json
from customs_assets.declaration import IDENTITIES
from customs_assets.expectations.suites import Examined, Suite
from customs_assets.lake import LakeError
from customs_assets.privacy.gate import CANDIDATE, REQUIRED, RULES, claims_against, judged_keys, other_rows
from customs_assets.release.names import names_in

if TYPE_CHECKING:
    from great_expectations.expectations import Expectation

LAW = ("lawful_tuples",)


def _claims(examined: Examined, assets: Collection[str], partition: str = "") -> list[Claim]:
    """The claims of some JSON artifacts."""
    found: list[Claim] = []
    for asset in assets:
        found += from_json(examined.lake.read_json(asset, partition)["claims"])
    return found


def _expected(claims: Collection[Claim]) -> tuple[pd.DataFrame, list[Expectation]]:
    """One row of measures, and the expectation that each claim holds.

    A claim of privacy that was not measured fails; of any other subject it is left out, and stays visible on the page.
    """
    import great_expectations.expectations as gxe

    judged = [claim for claim in claims if claim.holds is not None]
    frame = pd.DataFrame([{claim.key: claim.measured for claim in judged}]).astype(float)
    expected: list[Expectation] = []
    for claim in judged:
        if math.isnan(claim.measured):
            # A missing value breaks no bounds, so it is asked for by itself.
            said = f"{claim.title} is measured ({claim.note or 'it was not'})"
            expected.append(gxe.ExpectColumnValuesToNotBeNull(column=claim.key, description=said))
            continue
        said = f"{claim.title} is {claim.goal}" + (f" ({claim.note})" if claim.note and not claim.holds else "")
        expected.append(
            gxe.ExpectColumnValuesToBeBetween(
                column=claim.key, min_value=claim.at_least, max_value=claim.at_most, description=said
            )
        )
    return frame, expected


def _copies_of_a_month(examined: Examined) -> tuple[pd.DataFrame, list[Expectation]]:
    return _expected([c for c in _claims(examined, [examined.asset], examined.partition) if c.key in RULES])


def _law(examined: Examined) -> tuple[pd.DataFrame, list[Expectation]]:
    return _expected([c for c in _claims(examined, [examined.asset]) if c.key in LAW])


def _complete(examined: Examined) -> tuple[pd.DataFrame, list[Expectation]]:
    """A row for each claim that the gate goes by: what was found is the gate's to judge, that it is there is asked here."""
    import great_expectations.expectations as gxe

    there = judged_keys(_claims(examined, [examined.asset]))
    rows = pd.DataFrame({"claim": list(REQUIRED), "there": ["yes" if key in there else "no" for key in REQUIRED]})
    return rows, [
        gxe.ExpectColumnValuesToBeInSet(
            column="there", value_set=["yes"], description="every claim that the gate goes by is there, measured or not"
        )
    ]


def _attacks(examined: Examined) -> tuple[pd.DataFrame, list[Expectation]]:
    """One row: for each reason that withholds a 1, which should be 0; and how many there are."""
    import great_expectations.expectations as gxe

    lake = examined.lake
    reasons = [*claims_against(lake, lake.partitions("privacy_report", "json")), *other_rows(lake)]
    asked = {f"reason {number}": (1, reason) for number, reason in enumerate(reasons, 1)}
    asked["reasons"] = len(reasons), "no privacy claim is unmeasured or convicts, so that nothing withholds the release"
    expected: list[Expectation] = [
        gxe.ExpectColumnValuesToBeBetween(column=column, max_value=0, description=said)
        for column, (_, said) in asked.items()
    ]
    return pd.DataFrame([{column: count for column, (count, _) in asked.items()}]), expected


def _goals(
    subjects: Collection[Subject], assets: Collection[str]
) -> Callable[[Examined], tuple[pd.DataFrame, list[Expectation]]]:
    def examine(examined: Examined) -> tuple[pd.DataFrame, list[Expectation]]:
        claims = [c for c in _claims(examined, assets) if c.subject in subjects and c.key not in (*RULES, *LAW)]
        return _expected(claims)

    return examine


def _names(examined: Examined) -> tuple[pd.DataFrame, list[Expectation]]:
    import great_expectations.expectations as gxe

    found = names_in(examined.lake.read_folder(examined.asset), _identifying(examined), _business_numbers(examined))
    rows = pd.DataFrame({"place": [f"{f.file}, {f.place}" for f in found], "names": [f.names for f in found]})
    return rows.astype({"place": object, "names": "int64"}), [
        gxe.ExpectTableRowCountToEqual(
            value=0,
            description="no name or business number of the source and no token of the anonymized tables stands in any file of "
            "the release",
        ),
        gxe.ExpectColumnValuesToBeBetween(
            column="names", max_value=0, description="no place of a file holds any of them"
        ),
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
            said = {number for role in read.columns for number in read[role].dropna().unique()}
            numbers |= said | {number_alike(number) for number in said}
    return numbers


_REMAKE = "Nothing of this may be published. Materialize the month again; if it stays, report it with the run's log."
_WITHHELD = (
    "Nothing is released. Where a claim convicts, raise CUSTOMS_MIN_GROUP and make the months again: the report says which "
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
        "error",
        "No synthetic row equals a row of the month's source in everything but key and date.",
        _REMAKE,
        _copies_of_a_month,
        key="claim",
    ),
    Suite(
        "release_privacy",
        "complete",
        "error",
        "Every privacy claim that a release is judged by is there, measured or with the reason why it was not.",
        _REMAKE,
        _complete,
        key="claim",
    ),
    Suite(
        "release_evidence",
        "lawful",
        "error",
        "Every tariff tuple of the synthetic months is one that the source's law allows.",
        _REMAKE,
        _law,
        key="claim",
    ),
    Suite(
        "release_evidence",
        "goals",
        "warning",
        "Fidelity, relations, detection and utility reach their goals.",
        _LOOK,
        _goals([Subject.FIDELITY, Subject.UTILITY], ["release_evidence"]),
        key="claim",
    ),
    Suite(
        "release_privacy",
        "goals",
        "warning",
        "Every attack stays within its goal, interval included.",
        _LOOK,
        _goals([Subject.PRIVACY], ["release_privacy"]),
        key="claim",
    ),
    Suite(
        CANDIDATE,
        "nobody_named",
        "error",
        "No name or business number of the source and no token of the anonymized tables stands anywhere in the release.",
        "Do not publish. A name of seven characters met by chance goes away with another release secret; anything else is a "
        "leak: report it.",
        _names,
        key="place",
    ),
    Suite(
        "evidence_report",
        "attacks",
        "error",
        "Nothing withholds the release: every privacy claim was measured, and none goes past its limit by more than chance.",
        _WITHHELD,
        _attacks,
        key="claim",
    ),
)

"""Which parts of the evidence page may leave the house, and in which form.

The page has two forms. The inside form, ``evidence_report``, shows everything and stays. The outside form, ``public_evidence``,
is published with the release. ``PARTS`` is the rule for it, part by part; ``release/rounding.py`` is the rule for its numbers.
What belongs here applies both to the documents that the page is made from. So a figure is drawn of rounded numbers, and nothing
else is embedded in the page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from customs_assets.fidelity.table_two import MetricScore
from customs_assets.release.rounding import Rounding


class Part(NamedTuple):
    """One part of the page, and whether it leaves the house.

    Attributes:
        leaves: whether the outside form has it.
        why: the reason.
    """

    leaves: bool
    why: str


PARTS: dict[str, Part] = {
    "summary": Part(True, "of each question only the strongest attack's measure, rounded"),
    "claims": Part(True, "measures over all months, rounded"),
    "notes": Part(False, "a note has counts, some of single rows or importers"),
    "table-2": Part(True, "scores over all months, rounded; coverage and boundary more coarsely still"),
    "library-reports": Part(True, "scores over all rows, rounded"),
    "library-columns": Part(False, "a column's validity tells how many rows have values that the source has not"),
    "table-3": Part(True, "precisions, in steps that k of the rows at the top do not pass; deviations stay"),
    "ranking": Part(True, "shares of pairs of detectors, and differences of precisions, rounded"),
    "at-stake": Part(False, "the duty at stake in the test months may rest on few importers"),
    "networks": Part(False, "they are measured after this page, with the duty at stake in the test months"),
    "inspected-at-random": Part(False, "few declarations may have been inspected at random"),
    "figure-3": Part(True, "frequent values that k importers of the source stand behind"),
    "figure-4": Part(True, "bars that k importers of the source stand behind; any other is 0"),
    "figure-5": Part(True, "similarity of pairs over all rows, rounded"),
    "figure-6": Part(True, "shares of a model's splits, rounded"),
    "figure-7": Part(True, "the mean contribution of an attribute over many synthetic rows"),
    "figure-7-decision": Part(False, "it shows one row"),
    "second-task": Part(True, "shares over all test rows, rounded"),
    "privacy": Part(True, "the bounds that the verdicts rest on, rounded"),
    "membership": Part(True, "two measures for each attack, rounded"),
    "roc": Part(False, "its left end tells of single importers"),
    "deep-attacks": Part(
        False, "they are made after this page, of a few importers; who signs has their measures in the record"
    ),
    "law": Part(True, "rules and settings; requests are counted in tens"),
    "source": Part(True, "rows over all months, by form, reason and kind of mending, rounded"),
    "source-columns": Part(False, "headers, files and examples of cells are the administration's own"),
    "trade": Part(
        True, "ratios and shares over all months, rounded, that k traders stand behind; hubs of the release's own rows"
    ),
    "trade-months": Part(False, "a month has few traders, and months can be subtracted from each other"),
    "months-compared": Part(False, "a month has few importers, and months can be subtracted from each other"),
    "drift": Part(False, "it tells what a source's single months are like, inspected or not"),
    "inspection-weeks": Part(
        False,
        "a week has few declarations, and the duty at stake may rest on few importers; it is made after this page",
    ),
    "run": Part(True, "months, settings, versions, and the checksums of what is published"),
    "provenance": Part(False, "a checksum of a confidential table proves a guess at its content"),
    "signed": Part(False, "signatures are made after this page, of this page; they stand beside it"),
}


def outside_evidence(evidence: Mapping[str, Any], rounding: Rounding) -> dict[str, Any]:
    """The document of all measures but privacy's, rounded and without what stays; claims are left as they are.

    Figures are None where no share may be told.
    """
    at_top = int(evidence["rows"]["test"] * _least_rate(evidence["partly_labelled"]))
    may_be_told = rounding.step() is not None
    figure_seven = evidence["figure_7"] if may_be_told else None
    return {
        **evidence,
        "figure_3": _figure_three(evidence["figure_3"], rounding) if may_be_told else {},
        "figure_4": _figure_four(evidence["figure_4"], rounding) if may_be_told else None,
        "figure_6": _rounded(evidence["figure_6"], rounding) if may_be_told else None,
        "figure_7": figure_seven and {"summary": _rounded(figure_seven["summary"], rounding)},
        "days": None,
        "product_codes": [
            {**row, **{name: rounding.share(row[name]) for name in ("from_synthetic", "from_source", "blind")}}
            for row in evidence["product_codes"]
        ],
        "partly_labelled": [
            {**row, "precision_mean": rounding.share(row["precision_mean"], at_top), "precision_std": None}
            for row in evidence["partly_labelled"]
        ],
    }


def outside_scores(scores: Sequence[MetricScore], rounding: Rounding) -> list[MetricScore]:
    """Scores of Table 2 with rounded columns; the score itself is rounded where it is told."""
    nothing = float("nan")
    told = [{name: rounding.share(value) for name, value in score.columns.items()} for score in scores]
    return [
        MetricScore(
            score.metric, score.score, {name: nothing if value is None else value for name, value in columns.items()}
        )
        for score, columns in zip(scores, told, strict=True)
    ]


def _least_rate(partly_labelled: Sequence[Mapping[str, Any]]) -> float:
    return min((row["inspection_rate"] for row in partly_labelled), default=1.0)


def _figure_three(explored: Mapping[str, Any], rounding: Rounding) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    for name, shares in explored.items():
        told = [
            (value, rounding.share(source), rounding.share(synthetic))
            for value, source, synthetic, importers in zip(
                *(shares[of] for of in ("values", "source", "synthetic", "importers")), strict=True
            )
            if importers >= rounding.min_group and rounding.share(source)
        ]
        columns = list(zip(*told, strict=True)) or [(), (), ()]
        shown[name] = dict(zip(("values", "source", "synthetic"), map(list, columns), strict=True))
    return shown


def _figure_four(shares: Mapping[str, Any], rounding: Rounding) -> dict[str, Any]:
    importers = shares["importers"]

    def source(name: str, bars: Sequence[float]) -> list[float | None]:
        behind = zip(bars, importers[name], strict=True)
        return [rounding.share(bar if count >= rounding.min_group else 0.0) for bar, count in behind]

    told: dict[str, Any] = {}
    for name in ("tax_rate", "net_mass", "critical_fraud"):
        told[name] = {
            **shares[name],
            "source": source(name, shares[name]["source"]),
            "synthetic": [rounding.share(bar) for bar in shares[name]["synthetic"]],
        }
    zero = shares["net_mass"]["zero"]
    told["net_mass"]["zero"] = {
        "source": source("zero", [zero["source"]])[0],
        "synthetic": rounding.share(zero["synthetic"]),
    }
    return told


def _rounded(document: Any, rounding: Rounding) -> Any:
    """The same document with every number in it rounded as a share."""
    if isinstance(document, Mapping):
        return {name: _rounded(value, rounding) for name, value in document.items()}
    return rounding.share(document) if isinstance(document, float) else document

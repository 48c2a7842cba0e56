"""The league's page: one HTML file without a network, with both tables, two figures and what they come to in words."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from customs_assets.figures import rendered
from customs_assets.generator.synthesizer import SYNTHESIZERS

# What the page is called in the lake.
PAGE = "league"

# Columns of the tables: heading, where the number stands, decimals, and what it means.
_Column = tuple[str, str, str, int, str]
_DISTANCE = "median distance to the nearest source row, as a multiple of that between source rows"
_NEARER = "of a model of half of the importers: share of drafts that are nearer to that half; 0.5: nothing was learned by heart"
_PRECISION = "of a detector trained on these rows and tested on the source's last days of the month"

DRAFT: tuple[_Column, ...] = (
    ("AUC, trees", "draft", "auc_trees", 3, "how well boosted trees tell drafts from source rows; 0.5: not at all"),
    (
        "AUC, logistic",
        "draft",
        "auc_logistic",
        3,
        "the same by logistic regression, which sees no relation between columns",
    ),
    ("KS", "draft", "ks", 3, "KSComplement, mean over numbers"),
    ("TV", "draft", "tv", 3, "TVComplement, mean over codes"),
    ("pairs", "draft", "pairs", 3, "ContingencySimilarity, mean over all pairs of columns"),
    ("precision@5%", "draft", "precision", 3, _PRECISION),
    ("lawful", "draft", "lawful", 3, "share of decoded drafts with a lawful tariff tuple"),
    ("distance", "draft", "distance_share", 2, _DISTANCE),
    ("copies", "draft", "copies", 0, "drafts that are a source row"),
    ("nearer to training", "draft", "nearer_to_training", 3, _NEARER),
)
POLISHED: tuple[_Column, ...] = (
    ("KS", "polished", "KSComplement", 3, "Table 2"),
    ("TV", "polished", "TVComplement", 3, "Table 2"),
    ("correlation", "polished", "CorrelationSimilarity", 3, "Table 2"),
    ("contingency", "polished", "ContingencySimilarity", 3, "Table 2"),
    ("range", "polished", "RangeCoverage", 3, "Table 2"),
    ("categories", "polished", "CategoryCoverage", 3, "Table 2"),
    ("boundary", "polished", "BoundaryAdherence", 3, "Table 2"),
    ("new rows", "polished", "NewRowSynthesis", 3, "Table 2"),
    (
        "AUC, trees",
        "polished",
        "auc_trees",
        3,
        "how well boosted trees tell finished rows from source rows, identities left out",
    ),
    ("AUC, logistic", "polished", "auc_logistic", 3, "the same by logistic regression"),
    ("precision@5%", "polished", "precision", 3, _PRECISION),
    ("lawful", "polished", "lawful", 3, "share of rows with a lawful tariff tuple"),
    ("distance", "polished", "distance_share", 2, _DISTANCE),
    (
        "copied goods",
        "polished",
        "copied_goods",
        0,
        "rows that are a source row in everything but key, date and identities",
    ),
    ("copies", "polished", "copies", 0, "rows that are a source row in everything but key and date"),
)
COSTS: tuple[_Column, ...] = (
    ("fit, s", "costs", "fit_seconds", 1, "seconds to fit one month"),
    ("fit, core s", "costs", "fit_core_seconds", 1, "seconds that fitting kept a core busy"),
    ("sample, s", "costs", "sample_seconds", 1, "seconds to draw as many rows as the month has"),
    (
        "memory, MiB",
        "costs",
        "peak_mebibytes",
        0,
        "the most memory that the process held, Python and libraries with it",
    ),
    ("file, KiB", "costs", "file_kibibytes", 0, "size of the model's file"),
)

_WIDTH, _HEIGHT, _MARGIN = 520, 320, 56


@dataclass(frozen=True)
class Standing:
    """A synthesizer's numbers, means over the months that it was measured on.

    Attributes:
        name: its name.
        months: how many months that is.
        device: what it was trained on.
        numbers: by part and score; NaN where no month has it.
        reasons: why months have no model.
    """

    name: str
    months: int
    device: str
    numbers: Mapping[tuple[str, str], float]
    reasons: tuple[str, ...]

    def number(self, part: str, score: str) -> float:
        """One number, NaN where there is none."""
        return self.numbers.get((part, score), math.nan)


def standings(entries: Sequence[Mapping[str, Any]]) -> list[Standing]:
    """The numbers of each synthesizer, in the order of the registry, from entries of :func:`cell.cell`."""
    found = []
    for name in SYNTHESIZERS:
        own = [entry for entry in entries if entry["synthesizer"] == name]
        made = [_with_shares(entry) for entry in own if not entry["reason"]]
        if not own:
            continue
        keys = {(part, score) for entry in made for part in ("costs", "draft", "polished") for score in entry[part]}
        numbers = {
            (part, score): _mean([entry[part].get(score) for entry in made])
            for part, score in keys
            if score != "device"
        }
        devices = sorted({entry["costs"]["device"] for entry in made})
        reasons = tuple(f"{entry['month']}: {entry['reason']}" for entry in own if entry["reason"])
        found.append(Standing(name, len(made), ", ".join(devices), numbers, reasons))
    return found


def _with_shares(entry: Mapping[str, Any]) -> dict[str, Any]:
    """An entry with distances as a multiple of the source's own, and its file's size in KiB."""
    parts = {part: dict(entry[part]) for part in ("costs", "draft", "polished")}
    for part in ("draft", "polished"):
        own = parts[part].get("source_distance")
        parts[part]["distance_share"] = parts[part]["distance"] / own if own else None
    parts["costs"]["file_kibibytes"] = parts["costs"]["file_bytes"] / 1024
    return {**entry, **parts}


def _mean(values: Sequence[float | None]) -> float:
    defined = [value for value in values if value is not None and not math.isnan(value)]
    return math.fsum(defined) / len(defined) if defined else math.nan


def page(entries: Sequence[Mapping[str, Any]], min_group: int) -> bytes:
    """The page, from entries of :func:`cell.cell`.

    Raises:
        ValueError: there is no entry.
    """
    if not entries:
        raise ValueError("the league has no entry")
    standing = standings(entries)
    months = sorted({entry["month"] for entry in entries})
    figures = [
        _scatter(
            standing, ("costs", "fit_core_seconds"), "Seconds of a core to fit a month (logarithmic)", logarithmic=True
        ),
        _scatter(standing, ("draft", "nearer_to_training"), "Share of drafts nearer to training than to control"),
    ]
    return rendered(
        "league/page.html",
        months=months,
        rows=sorted({int(entry["rows"]) for entry in entries}),
        epochs=sorted({int(entry["epochs"]) for entry in entries}),
        min_group=min_group,
        tables=[
            ("Costs", "one model of one month, in a process of its own, on one thread", *_table(standing, COSTS, True)),
            ("Drafts", "the model's own rows, before anything is selected or polished", *_table(standing, DRAFT)),
            (
                "Finished rows",
                "the same after selection and polish, as a release would have them",
                *_table(standing, POLISHED),
            ),
        ],
        meanings=[("Drafts", DRAFT), ("Finished rows", POLISHED), ("Costs", COSTS)],
        figures=figures,
        sentences=in_words(standing, len(months)),
        reasons=[f"{of.name}, {reason}" for of in standing for reason in of.reasons],
    )


def in_words(standing: Sequence[Standing], months: int) -> list[str]:
    """What the tables come to, in sentences that follow from their numbers."""
    drafts = [of for of in standing if not math.isnan(of.number("draft", "auc_trees"))]
    if len(drafts) < 2:
        return ["One synthesizer alone cannot be compared: name at least two."]
    sentences = [_of_detection(drafts), _of_the_floor(drafts), _of_polish(drafts), _of_memory(drafts)]
    extent = "one month" if months == 1 else f"{months} months"
    sentences.append(
        f"All of this is {extent} under one secret. Differences of some hundredths in AUC and of a tenth in precision@5% are "
        "chance. Precision is measured on days that the models have seen, so it compares and does not predict. None of it is a "
        "proof of privacy: that is what the attacks of the evidence page are for."
    )
    return [sentence for sentence in sentences if sentence]


def _of_detection(drafts: Sequence[Standing]) -> str:
    ordered = sorted(drafts, key=lambda of: abs(of.number("draft", "auc_trees") - 0.5))
    best, worst = ((of.name, of.number("draft", "auc_trees")) for of in (ordered[0], ordered[-1]))
    return (
        f"Boosted trees find it hardest to tell the drafts of {best[0]} from the source (AUC {best[1]:.2f}) and easiest those of "
        f"{worst[0]} ({worst[1]:.2f}). An AUC under 0.5 is no better than 0.5: rows have near twins then."
    )


def _of_the_floor(drafts: Sequence[Standing]) -> str:
    floor = next((of for of in drafts if of.name == "independent"), None)
    if floor is None:
        return ""
    by_trees, by_regression = floor.number("draft", "auc_trees"), floor.number("draft", "auc_logistic")
    worse = [of.name for of in drafts if of is not floor and of.number("draft", "auc_trees") > by_trees]
    return (
        f"Independent columns, which know no relation, are told apart with {by_trees:.2f} by trees and {by_regression:.2f} "
        "by logistic regression, so the trees count. "
        + (f"Worse than independent columns: {', '.join(worse)}." if worse else "No other draft is worse.")
    )


def _of_polish(drafts: Sequence[Standing]) -> str:
    finished = [of.number("polished", "auc_trees") for of in drafts]
    finished = [auc for auc in finished if not math.isnan(auc)]
    if len(finished) < 2:
        return ""
    first = [of.number("draft", "auc_trees") for of in drafts]
    return (
        f"Before the polish the AUC spans {max(first) - min(first):.2f}, after it {max(finished) - min(finished):.2f} "
        f"(from {min(finished):.2f} to {max(finished):.2f}): "
        + (
            "the polish forgets most of where it started, and the choice of synthesizer decides little of what is released."
            if max(finished) - min(finished) < (max(first) - min(first)) / 2
            else "the draft can still be seen in the finished rows."
        )
    )


def _of_memory(drafts: Sequence[Standing]) -> str:
    known = [of for of in drafts if not math.isnan(of.number("draft", "nearer_to_training"))]
    if len(known) < 2:
        return ""
    ordered = sorted(known, key=lambda of: of.number("draft", "nearer_to_training"))
    most, least = ((of.name, of.number("draft", "nearer_to_training")) for of in (ordered[-1], ordered[0]))
    return (
        f"The drafts of {most[0]} keep most of the rows that they were made from ({most[1]:.2f} of them are nearer to training "
        f"than to control), those of {least[0]} least ({least[1]:.2f})."
    )


def _table(
    standing: Sequence[Standing], columns: Sequence[_Column], with_device: bool = False
) -> tuple[list[str], list[list[str]]]:
    """Heading and rows of a table."""
    head = ["synthesizer", *(heading for heading, *_ in columns), *(["device"] if with_device else [])]
    rows = [
        [
            of.name,
            *(_text(of.number(part, score), decimals) for _, part, score, decimals, _ in columns),
            *([of.device or "–"] if with_device else []),
        ]
        for of in standing
    ]
    return head, rows


def _text(value: float, decimals: int) -> str:
    return "–" if math.isnan(value) else f"{value:,.{decimals}f}"


def _scatter(
    standing: Sequence[Standing], horizontal: tuple[str, str], title: str, logarithmic: bool = False
) -> dict[str, Any]:
    """A figure: the draft's AUC upwards, something else to the right; a point for each synthesizer that has both."""
    points = [(of.name, of.number(*horizontal), of.number("draft", "auc_trees")) for of in standing]
    points = [(name, x, y) for name, x, y in points if not (math.isnan(x) or math.isnan(y))]
    if not points:
        return {"title": title, "points": [], "ticks": [], "levels": []}

    def scale(value: float) -> float:
        return math.log10(max(value, 0.01)) if logarithmic else value

    low, high = min(scale(x) for _, x, _ in points), max(scale(x) for _, x, _ in points)
    pad = max((high - low) * 0.12, 0.05 if logarithmic else 0.005)
    low, high = low - pad, high + pad
    bottom, top = min(0.4, *(y for *_, y in points)) - 0.02, max(1.0, *(y for *_, y in points))

    def across(x: float) -> float:
        return _MARGIN + (scale(x) - low) / (high - low) * (_WIDTH - 2 * _MARGIN)

    def down(y: float) -> float:
        return _HEIGHT - _MARGIN - (y - bottom) / (top - bottom) * (_HEIGHT - 2 * _MARGIN)

    marks = (
        [10.0**power for power in range(math.ceil(low), math.floor(high) + 1)]
        if logarithmic
        else [low + pad + (high - low - 2 * pad) * part / 3 for part in range(4)]
    )
    return {
        "title": title,
        "points": _labelled([(name, across(x), down(y)) for name, x, y in points]),
        "ticks": [(f"{mark:g}" if logarithmic else f"{mark:.2f}", round(across(mark), 1)) for mark in marks],
        "levels": [(f"{level:.1f}", round(down(level), 1)) for level in (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)],
    }


def _labelled(points: Sequence[tuple[str, float, float]]) -> list[dict[str, Any]]:
    """Points with the place of each name, moved down where it would lie on another, and to the left of points at the right."""
    placed: list[dict[str, Any]] = []
    for name, x, y in sorted(points, key=lambda point: point[2]):
        left = x > _WIDTH * 0.68
        label = y + 4
        while any(abs(other["label"] - label) < 12 and abs(other["x"] - x) < 130 for other in placed):
            label += 12
        placed.append({"name": name, "x": round(x, 1), "y": round(y, 1), "label": round(label, 1), "left": left})
    return placed

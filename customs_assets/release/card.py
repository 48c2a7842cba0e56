"""The dataset card: what the release is, how it was made, how like its source it is, and what it is not for."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import pandas as pd

from customs_assets.benchmark.split import ChronologicalSplit, span
from customs_assets.fidelity.fidelity import MetricScore, as_published, table_two
from customs_assets.settings import Settings

# What each score of Table 2 says to somebody who does not know the metric.
_IN_PLAIN_WORDS: dict[str, str] = {
    "KSComplement": "A number (tax rate, mass, price) is distributed as in the source but for {missed} of the rows.",
    "TVComplement": "The shares of codes and identities in a column agree with the source's but for {missed} of the rows.",
    "CorrelationSimilarity": "Correlations between numbers differ from the source's by {missed} of what they could differ by.",
    "ContingencySimilarity": "Of two columns at once, the shares of their combinations agree but for {missed} of the rows.",
    "RangeCoverage": "Numbers reach over {score} of the source's ranges; the extremes are nobody's to show.",
    "CategoryCoverage": "{score} of the source's codes and identities occur; the rarest are left out, on purpose.",
    "BoundaryAdherence": "{score} of the numbers lie between the source's least and largest.",
    "NewRowSynthesis": "{score} of the rows match no row of the source.",
}


_POLICIES = {
    "random": "drawn evenly",
    "inspection": "an inspection keeps those whose goods and origin went wrong most often",
}


def dataset_card(
    parts: Mapping[str, pd.DataFrame],
    split: ChronologicalSplit,
    scores: Sequence[MetricScore],
    settings: Settings,
    partly_labelled: str,
) -> str:
    """The card as Markdown; the same release has the same card, so it carries no date of its own.

    Args:
        parts: the released rows by part, train, validation and test, as far as there are any.
        split: which months went where.
        scores: the release's scores of Table 2.
        settings: what it was made with.
        partly_labelled: name of the file, without suffix, that has the training part with most labels erased.
    """
    months = [*split.train, *split.validation, *split.test]
    rows = sum(len(part) for part in parts.values())
    fraud = sum(int(part["fraud"].sum()) for part in parts.values()) / rows
    lines = [
        "# Synthetic import declarations",
        "",
        f"{rows:,} artificial import declarations of {span(months)}, 22 attributes each, made after the method of *Customs",
        "Import Declaration Datasets* (Jeong, Kim, Park, Choi). No row describes a real shipment, and no person or company",
        "stands behind an ID. All rows are labelled; "
        f"{fraud:.1%} are marked as fraud, which is the share among *inspected* declarations.",
        "",
        "## Files",
        "",
        "| part | months | rows | files |",
        "| --- | --- | --- | --- |",
        *(
            f"| {name} | {span(getattr(split, name))} | {len(part):,} | `{name}.csv`, `{name}.parquet` |"
            for name, part in parts.items()
        ),
        f"| {partly_labelled} | {span(split.train)} | {len(parts['train']):,} | "
        f"`{partly_labelled}.csv`, `{partly_labelled}.parquet` |",
        "",
        f"`{partly_labelled}` is the training part with all but {settings.labels_kept:.0%} of its labels erased "
        f"({_POLICIES[settings.label_policy]}), for methods that",
        "learn from few labels; an erased label is an empty cell, and all else is as in `train`.",
        "",
        f"{split.note[0].upper()}{split.note[1:]}",
        "",
        "CSV files are UTF-8, comma-separated, with the published headers; read every code as text, for leading zeros count.",
        "`data_dictionary.csv` explains the columns. `SHA256SUMS` has a checksum for every file: `sha256sum -c SHA256SUMS`.",
        "`datapackage.json` describes the tables for Frictionless tools, which can check every cell against it.",
        "",
        "## How like its source it is",
        "",
        "Table 2 of the paper, over all months, identities included; every score lies between 0 and 1, 1 is best.",
        "",
        table_two(scores),
        "",
        "In plain words:",
        "",
        *_plain(scores),
        "",
        "These scores say how like the source the columns and their pairs are. They do not by themselves prove that",
        "relations, fraud signal or privacy hold: a table of independently drawn columns scores nearly as well. What was",
        "measured of those stands, with a verdict for each claim, in the evidence report that the publisher made with it.",
        "",
        "## How it was made",
        "",
        f"One CTGAN a month ({settings.epochs} epochs) drafts the rows. Every draw comes from a secret. Every tariff tuple",
        f"(HS code, departure, origin, tax rate, tax type) is one that at least {settings.min_group} importers of the source",
        "declared; rarer ones were replaced by the nearest of those. Every other value is drawn from at least",
        f"{4 * settings.min_group} source rows like it. No code stands here that fewer than {settings.min_group} importers",
        f"declared. An amount that fewer than {settings.min_group} importers wrote is not shown: it is drawn at random from",
        f"a band of amounts of at least {settings.min_group} importers, whose edges carry noise.",
        "Item price = net mass x a noisy unit price of the product code"
        + (" x a residual." if settings.price == "residual" else "."),
        "Importers, sellers, declarants and couriers are new ones: an ID takes declarations of several real parties, and of",
        f"one of them no more than 1 in {settings.min_group}, rounded up (where one party makes most of a trade, up to 1% of all",
        "declarations break this). An ID of few declarations so rests on few parties. IDs were drawn anew for this release",
        "and mean nothing outside it.",
        "",
        "## Limits of use",
        "",
        "- It is a benchmark for methods, not a basis for decisions about shipments, goods, countries or traders.",
        "- It describes inspected declarations, which are not a random sample of trade.",
        "- Rare goods, lanes and partners are under-represented, on purpose.",
        "- A detector trained on it must be trained again on real declarations before it is used.",
        "",
    ]
    return "\n".join(lines)


def _plain(scores: Sequence[MetricScore]) -> list[str]:
    """A sentence for each score that could be measured."""
    return [
        "- " + _IN_PLAIN_WORDS[score.metric].format(score=_percent(told), missed=_percent(1 - told))
        for score in scores
        if score.metric in _IN_PLAIN_WORDS and not math.isnan(told := as_published(score.metric, score.score))
    ]


def _percent(share: float) -> str:
    """A share in percent, never rounded up to all or down to nothing."""
    if share in (0.0, 1.0):
        return f"{share:.0%}"
    return f"{min(max(share, 0.001), 0.999):.1%}"

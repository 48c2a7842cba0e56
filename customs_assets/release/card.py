"""The dataset card: what the release is, how it was made, how like its source it is, and what it is not for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from customs_assets.benchmark.split import ChronologicalSplit, span
from customs_assets.quality.fidelity import MetricScore, table_two
from customs_assets.settings import Settings


def dataset_card(
    parts: Mapping[str, pd.DataFrame], split: ChronologicalSplit, scores: Sequence[MetricScore], settings: Settings
) -> str:
    """The card as Markdown; the same release has the same card, so it carries no date of its own.

    Args:
        parts: the released rows by part, train, validation and test, as far as there are any.
        split: which months went where.
        scores: the release's scores of Table 2.
        settings: what it was made with.
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
        "These scores say how like the source the columns and their pairs are. They do not by themselves prove that",
        "relations, fraud signal or privacy hold.",
        "",
        "## How it was made",
        "",
        f"One CTGAN a month ({settings.epochs} epochs, base seed {settings.seed}) drafts the rows. The tariff tuple (HS code,",
        "departure, origin, tax rate, tax type) is always one that the source has as a whole; every other value is drawn from",
        f"at least {4 * settings.min_group} source rows like it; numbers that fewer than {settings.min_group} importers wrote",
        "are blurred. Item price = net mass x a noisy unit price of the product code"
        + (" x a residual." if settings.price == "residual" else "."),
        "Importers, sellers, declarants and couriers are drawn given the goods and each other; their IDs were drawn anew for",
        "this release and mean nothing outside it.",
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

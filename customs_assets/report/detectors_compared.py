"""The tables of the page on Table 3: the paper's columns beside ours, the order of detectors, and what is at stake.

What belongs here lays out what ``benchmark`` measured, in the words and with the rounding of a form of the page.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pandas as pd

from customs_assets.benchmark.cells import RATES
from customs_assets.benchmark.detectors import DEEP_TITLES, DETECTORS, TITLES
from customs_assets.benchmark.precision import INSPECTION_RATES
from customs_assets.benchmark.ranking import order_at_random, rankings
from customs_assets.benchmark.table_three import DATASETS, PAPER
from customs_assets.report.form import Form

# What an inspection finds, besides precision; the last is there where the source says what was recovered.
_SHARES = ("recall_mean", "duty_recall_mean", "recovered_recall_mean")


def table_three(precision: pd.DataFrame, test_rows: int, form: Form) -> list[list[str]]:
    """A row a detector: our mean and deviation, and the paper's mean, for each data set and inspection rate."""
    words = form.words
    ours = {
        (row["detector"], row["dataset"], row["inspection_rate"]): (row["precision_mean"], row["precision_std"])
        for row in precision.to_dict("records")
    }

    def told(cell: tuple[str, str, float]) -> str:
        if cell not in ours:
            return words("form.not_run")
        if form.rounding is not None:
            return form.share(ours[cell][0], int(test_rows * cell[2]))
        return words.digits("{:.4f} ± {:.4f}".format(*ours[cell]))

    rows = []
    for detector in DETECTORS:
        cells = [(detector, dataset, rate) for dataset in DATASETS for rate in INSPECTION_RATES]
        texts = ((told(cell), words.digits(f"{PAPER[cell]:.4f}") if cell in PAPER else "") for cell in cells)
        rows.append([words.translated(TITLES[detector]), *(text for pair in texts for text in pair)])
    return rows


def ranking_table(precision: pd.DataFrame, test_rows: int, form: Form) -> list[list[str]]:
    """A row an inspection rate: pairs that differ on the source, how many keep their order, and which detector is best."""
    words = form.words

    def title(detector: str) -> str:
        return words.translated((TITLES | DEEP_TITLES).get(detector, detector))

    return [
        [
            words("form.percent", n=words.digits(f"{100 * of.inspection_rate:g}")),
            form.number(of.significant / of.pairs),
            *(form.number(share) for share in (of.share_in_same_order, of.share_in_halves)),
            *(form.number(tau) for tau in (of.tau, of.tau_of_halves)),
            title(of.best_on_source),
            title(of.best_on_release),
            *(form.share(value, int(test_rows * of.inspection_rate)) for value in (of.behind, of.standard_error)),
        ]
        for of in rankings(precision)
    ]


def at_stake_table(
    precision: pd.DataFrame, form: Form, titles: Mapping[str, str] = MappingProxyType(TITLES)
) -> list[list[str]]:
    """A row a detector and data set: precision, recall, and recall of duty and revenue at each rate; empty if not measured.

    Args:
        precision: rows as ``cells.measure_cell``.
        form: the form of the page.
        titles: the detectors that are shown, in order.
    """
    shares = [name for name in _SHARES if name in precision and precision[name].notna().any()]
    if not shares:
        return []
    cells = {(row["detector"], row["dataset"], row["inspection_rate"]): row for row in precision.to_dict("records")}
    return [
        [
            form.words.translated(titles[detector]),
            form.words(f"table_three.{dataset}"),
            *(
                _number(cells.get((detector, dataset, rate)), name, form)
                for name in ("precision_mean", *shares)
                for rate in RATES
            ),
        ]
        for detector in titles
        for dataset in DATASETS
        if any((detector, dataset, rate) in cells for rate in RATES)
    ]


def at_stake_heads(precision: pd.DataFrame, form: Form) -> list[str]:
    """The heads of the columns of :func:`at_stake_table`, from the third on."""
    shares = [name for name in _SHARES if name in precision and precision[name].notna().any()]
    rates = [form.words.digits(f"{100 * rate:g}") for rate in RATES]
    return [form.words(f"table_three.{name}", n=rate) for name in ("precision_mean", *shares) for rate in rates]


def at_stake_words(precision: pd.DataFrame) -> str:
    """Which words introduce :func:`at_stake_table`: a form without rates of tax has no duty at stake."""
    has_duty = "duty_recall_mean" in precision and bool(precision["duty_recall_mean"].notna().any())
    return "at_stake" if has_duty else "found"


def at_random_table(precision: pd.DataFrame, form: Form) -> list[list[str]]:
    """A row a detector: precision among all of the source's test declarations, and among those inspected at random.

    Empty where the source does not say why a declaration was inspected.
    """
    if "random_mean" not in precision:
        return []
    source = precision.loc[(precision["dataset"] == "source") & precision["random_mean"].notna()]
    cells = {(row["detector"], row["inspection_rate"]): row for row in source.to_dict("records")}
    return [
        [
            form.words.translated(TITLES[detector]),
            *(
                _number(cells.get((detector, rate)), name, form)
                for rate in INSPECTION_RATES
                for name in ("precision_mean", "random_mean")
            ),
        ]
        for detector in DETECTORS
        if any(name == detector for name, _ in cells)
    ]


def orders_at_random(precision: pd.DataFrame, form: Form) -> dict[str, str]:
    """Kendall's τ of the orders in :func:`at_random_table`, by the placeholder of its sentence."""
    if "random_mean" not in precision:
        return {}
    taus = (order_at_random(precision, rate) for rate in INSPECTION_RATES)
    return dict(zip(("at_five", "at_ten"), map(form.number, taus), strict=True))


def _number(cell: Mapping[Any, Any] | None, name: str, form: Form) -> str:
    return form.number(math.nan if cell is None else float(cell[name]))

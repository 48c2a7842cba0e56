"""How near the simulated declarations come to what is published: target beside simulated, and whether it holds.

What belongs here measures labelled declarations against the numbers of ``published_shares``. Nothing here is used when
declarations are drawn.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa

from customs_assets.simulation import published_shares

# Shares are fitted within a point; masses within a quarter. "About" so many parties is read as within a tenth.
SHARE_TOLERANCE = 1.0
MASS_TOLERANCE = 0.25
COUNT_TOLERANCE = 0.1

# A point would let critical fraud be anything between none and twice as much.
CRITICAL_TOLERANCE = 0.3


@dataclass(frozen=True, slots=True)
class Measure:
    """A number of the simulated declarations beside its target.

    Attributes:
        group: what it belongs to: an attribute, or a section of the table.
        name: the value or quantity.
        target: what is published.
        simulated: what was measured.
        low, high: the bounds within which it holds.
        digits: decimals in print.
    """

    group: str
    name: str
    target: float
    simulated: float
    low: float
    high: float
    digits: int = 1

    @property
    def holds(self) -> bool:
        """Whether the simulated number lies within its bounds."""
        return self.low <= self.simulated <= self.high


def near(group: str, name: str, target: float, simulated: float, within: float, digits: int = 1) -> Measure:
    """A measure that holds within an absolute distance of its target."""
    return Measure(group, name, target, simulated, target - within, target + within, digits)


def about(group: str, name: str, target: float, simulated: float, part: float) -> Measure:
    """A measure that holds within a part of its target."""
    return near(group, name, target, simulated, part * target, 0 if target >= 1_000 else 2)


def at_least(group: str, name: str, target: float, simulated: float, digits: int = 3) -> Measure:
    """A measure that holds from its target on."""
    return Measure(group, name, target, simulated, target, np.inf, digits)


def labelled_rows(months: Iterable[pa.Table]) -> pd.DataFrame:
    """The inspected declarations of some drawn months: the 22 attributes, as ``labelled_declarations`` has them in the lake."""
    from customs_assets.lake import to_frame

    return pd.concat([to_frame(month.filter(month["fraud"].is_valid())) for month in months], ignore_index=True)


def measure_declarations(labelled: pd.DataFrame) -> list[Measure]:
    """Every number of ``published_shares`` that labelled declarations (the 22 attributes) can show by themselves."""
    return [*_shares(labelled), *_masses(labelled), *_rates(labelled), *_weekdays(labelled), *_parties(labelled)]


def _shares(labelled: pd.DataFrame) -> list[Measure]:
    measures = []
    for attribute, targets in published_shares.SHARES.items():
        values = labelled["hs10_code"].str[:2] if attribute == "chapter" else labelled[attribute].astype(str)
        shares = 100 * values.value_counts(normalize=True)
        measures += [
            _share(attribute, value, target, float(shares.get(value, 0.0))) for value, target in targets.items()
        ]
    return measures


def _share(group: str, name: str, target: float, per_cent: float) -> Measure:
    return near(group, name, target, per_cent, SHARE_TOLERANCE)


def _masses(labelled: pd.DataFrame) -> list[Measure]:
    published = dict(published_shares.NET_MASS_QUANTILES)
    names = {0.25: "first quartile", 0.5: "median", 0.75: "third quartile", 0.99: "99th percentile"}
    return [
        about("net_mass (kg)", name, published[share], float(labelled["net_mass"].quantile(share)), MASS_TOLERANCE)
        for share, name in names.items()
    ]


def _rates(labelled: pd.DataFrame) -> list[Measure]:
    def per_cent(column: str, value: object) -> float:
        return 100 * float((labelled[column] == value).mean())

    critical = per_cent("critical_fraud", 2)
    return [
        _share("empty", "seller_id", published_shares.SELLER_EMPTY, per_cent("seller_id", "")),
        _share("empty", "courier_id", published_shares.COURIER_EMPTY, per_cent("courier_id", "")),
        _share("labels", "fraud", published_shares.FRAUD, per_cent("fraud", 1)),
        near("labels", "critical fraud", published_shares.CRITICAL_FRAUD, critical, CRITICAL_TOLERANCE),
    ]


def _weekdays(labelled: pd.DataFrame) -> list[Measure]:
    targets = published_shares.WEEKDAYS
    days = pd.to_datetime(labelled["date"]).dt.dayofweek.to_numpy()
    shares = 100 * np.bincount(days, minlength=7) / len(days)
    return [
        _share("weekday", "Monday", targets[0], float(shares[0])),
        _share("weekday", "Saturday and Sunday", sum(targets[5:]), float(shares[5:].sum())),
    ]


def _parties(labelled: pd.DataFrame) -> list[Measure]:
    """How many parties and codes there are; comparable with the targets only for about as many rows."""
    counts = {
        "importers": (published_shares.IMPORTERS, labelled["importer_id"]),
        "sellers": (published_shares.SELLERS, labelled["seller_id"]),
        "declarants": (published_shares.DECLARANTS, labelled["declarant_id"]),
        "couriers": (published_shares.COURIERS, labelled["courier_id"]),
        "HS6 codes": (published_shares.HS6_CODES, labelled["hs10_code"].str[:6]),
    }
    top_tenth = 100 * top_tenth_share(labelled["importer_id"])
    return [
        *(
            about("parties", name, target, float(column[column != ""].nunique()), COUNT_TOLERANCE)
            for name, (target, column) in counts.items()
        ),
        _share("parties", "rows of the top tenth of importers (%)", published_shares.TOP_TENTH_IMPORTERS, top_tenth),
    ]


def top_tenth_share(importer: pd.Series) -> float:
    """The share of the rows that the largest tenth of the importers holds, in (0, 1]."""
    rows = importer.value_counts()
    return float(rows.iloc[: max(round(len(rows) / 10), 1)].sum() / rows.sum())


def measure_table(measures: Iterable[Measure]) -> str:
    """The measures as a Markdown table: target beside simulated with the bounds and the verdict, a line each."""
    lines = ["| | | target | simulated | holds within | |", "| --- | --- | ---: | ---: | ---: | --- |"]
    for m in measures:
        target, simulated, low, high = (f"{value:,.{m.digits}f}" for value in (m.target, m.simulated, m.low, m.high))
        bounds = f"from {low}" if np.isinf(m.high) else f"{low} to {high}"
        lines.append(f"| {m.group} | {m.name} | {target} | {simulated} | {bounds} | {'yes' if m.holds else '**no**'} |")
    return "\n".join(lines) + "\n"

"""Faults that months of a source get in offices, planted for the test and for ``benchmarks/drift.py``; and what is told of them.

Months are files, read by the project's own reader, so that what a fault does to a file (rows set aside, months confused) counts.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from customs_assets.declaration import ATTRIBUTES, NAMES
from customs_assets.drift.counting import counted
from customs_assets.drift.month_counts import MonthCounts
from customs_assets.drift.verdicts import Finding, Standing, findings_of
from customs_assets.lake import Lake
from customs_assets.source.files import FileSource
from customs_assets.source.simulated import SimulatedSource

# A month as text, by attribute; the month before; draws.
Fault = Callable[[pd.DataFrame, pd.DataFrame, np.random.Generator], pd.DataFrame]


def _times(column: str, factor: float, digits: int = 4) -> Fault:
    def fault(month: pd.DataFrame, before: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
        return month.assign(**{column: (month[column].astype(float) * factor).round(digits).astype(str)})

    return fault


def _swapped(one: str, other: str) -> Fault:
    def fault(month: pd.DataFrame, before: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
        return month.assign(**{one: month[other], other: month[one]})

    return fault


def _usual(month: pd.DataFrame, column: str, rng: np.random.Generator, least: float) -> str:
    """A code that at least a share of the rows have."""
    shares = month[column].value_counts(normalize=True)
    return str(rng.choice(shares.index[shares >= least].to_numpy()))


def _office_missing(month: pd.DataFrame, before: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    return month[month["office_id"] != _usual(month, "office_id", rng, 0.03)]


def _one_office_in_tonnes(month: pd.DataFrame, before: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    of_office = month["office_id"] == _usual(month, "office_id", rng, 0.05)
    tonnes = (month["net_mass"].astype(float) / 1000).round(5).astype(str)
    return month.assign(net_mass=month["net_mass"].mask(of_office, tonnes))


def _half_a_month(month: pd.DataFrame, before: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    return month[month["date"].str[8:].astype(int) <= 15]


def _new_codes(column: str, first: int) -> Fault:
    def fault(month: pd.DataFrame, before: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
        codes = sorted(month[column].unique())
        return month.assign(**{column: month[column].map({code: str(first + at) for at, code in enumerate(codes)})})

    return fault


def _results_missing(month: pd.DataFrame, before: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    lost = rng.random(len(month)) < 0.7
    return month.assign(**{label: month[label].mask(lost, "") for label in ("fraud", "critical_fraud")})


def _labels_turned(month: pd.DataFrame, before: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    turned = month["fraud"].map({"0": "1", "1": "0", "": ""})
    return month.assign(fraud=turned, critical_fraud=turned)


def _twice(month: pd.DataFrame, before: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    return pd.concat([month, month], ignore_index=True)


def _month_before_again(month: pd.DataFrame, before: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    this, days = month["date"].iloc[0][:8], before["date"].str[8:].where(before["date"].str[8:] <= "28", "28")
    return before.assign(date=this + days, declaration_id="again-" + before["declaration_id"])


def _zeros_lost(month: pd.DataFrame, before: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    return month.assign(hs10_code=month["hs10_code"].str.lstrip("0"))


def _six_digits(month: pd.DataFrame, before: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    codes = month["hs10_code"].str[:6]
    # Where six digits are all that there is, the fault is that the last two of them are lost.
    return month.assign(hs10_code=codes if (codes != month["hs10_code"]).any() else codes.str[:4] + "00")


def _one_name(month: pd.DataFrame, before: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    return month.assign(importer_id=month["importer_id"].mask(rng.random(len(month)) < 0.4, "UNKNOWN"))


def _no_sellers(month: pd.DataFrame, before: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    return month.assign(seller_id="")


def _one_day(month: pd.DataFrame, before: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    return month.assign(date=month["date"].max())


def _day_and_month_turned(month: pd.DataFrame, before: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    day, of = month["date"].str[8:], month["date"].str[5:7]
    turned = month["date"].str[:5] + day + "-" + of
    return month.assign(date=month["date"].mask(day <= "12", turned))


FAULTS: Mapping[str, Fault] = {
    "an office missing": _office_missing,
    "prices in thousands": _times("item_price", 1e-3),
    "kilograms in tonnes": _times("net_mass", 1e-3, 6),
    "half a month": _half_a_month,
    "origin and departure exchanged": _swapped("country_of_origin", "country_of_departure"),
    "a new list of offices": _new_codes("office_id", 500),
    "most results of inspections missing": _results_missing,
    "labels turned round": _labels_turned,
    "the file twice": _twice,
    "the month before again": _month_before_again,
    "one name for many importers": _one_name,
    "one office in tonnes": _one_office_in_tonnes,
    # Twelve up to here.
    "price and mass exchanged": _swapped("item_price", "net_mass"),
    "importer and declarant exchanged": _swapped("importer_id", "declarant_id"),
    "a new list of import types": _new_codes("import_type", 200),
    "mass in grams": _times("net_mass", 1e3),
    "prices in another currency": _times("item_price", 1 / 1300),
    "rates as fractions": _times("tax_rate", 1e-2),
    "zeros of product codes lost": _zeros_lost,
    "product codes cut short": _six_digits,
    "sellers left out": _no_sellers,
    "all rows on one day": _one_day,
    "day and month turned": _day_and_month_turned,
}

TWELVE = tuple(FAULTS)[:12]


def simulated_months(declarations: int, seed: int, inspected: float = 0.05) -> dict[str, pd.DataFrame]:
    """Eighteen months of a simulated world as text, by attribute."""
    source = SimulatedSource(declarations, seed, inspected)
    return {month: as_text(source.draw(month, only_attributes=True)[0].to_pandas()) for month in source.months()}


def as_text(frame: pd.DataFrame) -> pd.DataFrame:
    """Declarations as text, missing values empty."""
    return pd.DataFrame(
        {
            name: frame[name].map(lambda value: "" if pd.isna(value) else str(value).removesuffix(".0"))
            if name in ("fraud", "critical_fraud")
            else frame[name].astype(str)
            for name in NAMES
        }
    )


def counts_of(month: str, frame: pd.DataFrame) -> MonthCounts:
    """The counts of a month, read from a file as a source's is."""
    with tempfile.TemporaryDirectory() as folder:
        frame.rename(columns={a.name: a.header for a in ATTRIBUTES}).to_csv(
            Path(folder) / f"declarations-{month}.csv", index=False
        )
        read, lake = FileSource(folder).read_month(month), Lake(f"{folder}/lake")
        lake.write_table("raw_declarations", read.declarations, month)
        lake.write_table("quarantine", read.quarantine, month)
        with lake.connect() as connection:
            paths = (lake.sql_path(asset, month) for asset in ("raw_declarations", "quarantine"))
            return MonthCounts.of(month, counted(connection, *paths).to_pandas())


def planted(
    months: Mapping[str, pd.DataFrame], faults: Mapping[str, str], rng: np.random.Generator
) -> dict[str, pd.DataFrame]:
    """The months as they would be delivered, some with a fault."""
    delivered: dict[str, pd.DataFrame] = {}
    before = pd.DataFrame()
    for month, frame in months.items():
        before = delivered[month] = FAULTS[faults[month]](frame, before, rng) if month in faults else frame
    return delivered


def told(counts: Sequence[MonthCounts]) -> dict[str, list[Finding]]:
    """What is told of each month, for those of which anything is."""
    found = {
        of.month: [finding for finding in findings if finding.standing is Standing.TOLD]
        for of, findings in zip(counts, findings_of(counts), strict=True)
    }
    return {month: findings for month, findings in found.items() if findings}

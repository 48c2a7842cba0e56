"""A month of some 400 declarations with raw identities, and a model that knows each column but no relation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from customs_assets.anonymization.identities import anonymize
from customs_assets.anonymization.unit_prices import average_prices, noisy_prices
from customs_assets.declaration import NAMES, TARIFF_TUPLE
from customs_assets.disclosure.parts import FOLD
from customs_assets.disclosure.safe_groups import SafeGroups, count_safe_groups
from customs_assets.lake import Lake
from customs_assets.synthesis.codec import Codec
from customs_assets.synthesis.fraud_propensity import FraudPropensity
from customs_assets.synthesis.month import AllMonths, SyntheticMonth, synthesize_month
from customs_assets.synthesis.releasable import Disclosed
from customs_assets.synthesis.steps import compose_identities
from customs_assets_tests.disclosing import law_that_allows, parts_of_all

MONTH, MIN_GROUP, SOURCE_ROWS = "2020-03", 5, 400

# Product code, departure, origin, tax rate, tax type: the tuples that this month's law knows.
LAWFUL = (
    ("0901210000", "BR", "BR", 8.0, "A"),
    ("0901210000", "DE", "BR", 2.0, "FEU1"),
    ("6109100000", "CN", "CN", 13.0, "C"),
    ("8471300000", "JP", "CN", 0.0, "C"),
    ("8703230000", "DE", "DE", 8.0, "A"),
    ("9503003900", "VN", "VN", 0.0, "FVN1"),
)


@dataclass(frozen=True)
class ColumnBootstrap:
    """Draws each column of a model table by itself, so that hardly any draft is lawful before it is decoded."""

    table: pd.DataFrame

    def sample(self, n: int, seed: int) -> pd.DataFrame:
        rng = np.random.default_rng(seed)
        return pd.DataFrame({name: rng.choice(self.table[name].to_numpy(), n) for name in self.table.columns})


def _declarations(seed: int = 11) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    good = rng.integers(len(LAWFUL), size=SOURCE_ROWS)
    importer = good * 10 + rng.integers(10, size=SOURCE_ROWS)
    fraud = rng.random(SOURCE_ROWS) < 0.25
    mass = np.where(rng.random(SOURCE_ROWS) < 0.2, 10.0, np.round(np.exp(rng.normal(3, 1.5, SOURCE_ROWS)), 2))
    price = np.round(mass * 4000 * np.exp(rng.normal(0, 0.6, SOURCE_ROWS)), 1)
    made = pd.DataFrame([LAWFUL[number] for number in good], columns=list(TARIFF_TUPLE))
    made = made.assign(
        declaration_id=[f"raw-{n:05d}" for n in range(SOURCE_ROWS)],
        date=pd.to_datetime(MONTH) + pd.to_timedelta(rng.integers(31, size=SOURCE_ROWS), unit="D"),
        office_id=rng.choice(["013", "20", "99"], SOURCE_ROWS, p=[0.5, 0.495, 0.005]),
        process_type="B",
        import_type=rng.choice(["11", "87"], SOURCE_ROWS),
        import_use="21",
        payment_type=rng.choice(["11", "43"], SOURCE_ROWS),
        mode_of_transport=rng.choice(["10", "40"], SOURCE_ROWS),
        declarant_id=[f"Broker {n % 9}" for n in importer],
        importer_id=[f"Importer {n}" for n in importer],
        seller_id=["" if n % 7 == 0 else f"Seller {n % 23}" for n in importer],
        courier_id=np.where(rng.random(SOURCE_ROWS) < 0.3, "Courier 1", ""),
        country_of_origin_indicator=rng.choice(["B", "Y"], SOURCE_ROWS),
        net_mass=mass,
        item_price=np.where(rng.random(SOURCE_ROWS) < 0.03, 0.0, price),
        fraud=fraud.astype("int8"),
        critical_fraud=np.where(fraud, rng.choice([1, 2], SOURCE_ROWS, p=[0.8, 0.2]), 0).astype("int8"),
    )
    return made[list(NAMES)].astype({"date": "datetime64[ns]"})


def _learned(
    declarations: pd.DataFrame, unit_prices: pd.DataFrame, folder: Path, seed: int = 1, month: str = MONTH
) -> AllMonths:
    """What is learned from all months, where this month is the only one and all of its declarations were inspected.

    The law allows the claims of the month.
    """
    lake = Lake(str(folder))
    lake.write_table("anonymized_declarations", declarations, month)
    safe = SafeGroups(count_safe_groups(lake, [month], MIN_GROUP))
    tuples = parts_of_all(declarations, law_that_allows(declarations), MIN_GROUP, seed).tuples
    disclosed = Disclosed(safe, tuples)
    composed = compose_identities({month: declarations}, disclosed, min_group=MIN_GROUP, root=seed)
    rows = Codec.fit(declarations, unit_prices, MIN_GROUP).model_rows(declarations)
    importers = pd.factorize(declarations["importer_id"])[0]
    rows[FOLD] = tuples.set_index("declaration_id").loc[declarations["declaration_id"], FOLD].to_numpy()
    codes = sorted(declarations["hs10_code"].str[:6].unique())
    propensity = FraudPropensity.fit(rows, importers, codes=codes, min_group=MIN_GROUP, root=seed)
    return AllMonths(disclosed, composed, propensity)


@dataclass(frozen=True)
class RawMonth:
    """A month before anonymization, and everything that is made of it."""

    labelled: pd.DataFrame
    unit_prices: pd.DataFrame
    folder: Path

    def anonymized(self, key: bytes = b"k" * 32) -> pd.DataFrame:
        return anonymize(self.labelled, key)

    def synthesized(self, *, seed: int = 1, key: bytes = b"k" * 32, **options: Any) -> SyntheticMonth:
        declarations = self.anonymized(key)
        table = Codec.fit(declarations, self.unit_prices, MIN_GROUP).encode(declarations)
        model: Any = ColumnBootstrap(table)
        settings = {"month": MONTH, "root": seed, "min_group": MIN_GROUP, **options}
        all_months = _learned(declarations, self.unit_prices, self.folder, seed)
        return synthesize_month(model, declarations, self.unit_prices, all_months, **settings)


@pytest.fixture(scope="session")
def learned() -> Callable[..., AllMonths]:
    """Learns what all months share from declarations, unit prices, a folder, a seed and a month."""
    return _learned


@pytest.fixture(scope="session")
def raw_month(tmp_path_factory: pytest.TempPathFactory) -> RawMonth:
    """The small month; what is made of it is made anew for each caller."""
    labelled = _declarations()
    folder = tmp_path_factory.mktemp("raw")
    lake = Lake(str(folder))
    lake.write_table("labelled_declarations", labelled, MONTH)
    averages = average_prices(lake.connect(), lake.sql_path("labelled_declarations", MONTH), MIN_GROUP)
    return RawMonth(labelled, noisy_prices(averages, 0), folder)

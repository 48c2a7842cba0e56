"""What every test may ask for: the published declarations where they are at hand, and a small source of our own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from customs_assets.declaration import ATTRIBUTES

PUBLISHED = Path(__file__).parents[2] / "shared" / "data" / "published"

SMALL_MONTHS = ("2020-01", "2020-02", "2020-03", "2020-04")


@pytest.fixture(scope="session")
def published() -> Path:
    """The folder of the published declarations."""
    if not PUBLISHED.is_dir():
        pytest.skip(f"the published declarations are not at {PUBLISHED}")
    return PUBLISHED


def small_month(month: str, rows: int = 150, seed: int = 7) -> pd.DataFrame:
    """Declarations of one month as text, with headers as published: goods have their lanes, traders their goods."""
    rng = np.random.default_rng([seed, int(month.replace("-", ""))])
    goods = np.array(
        [
            ("0901210000", "BR", "8.0", "A"),
            ("6109100000", "CN", "13.0", "C"),
            ("8471300000", "CN", "0.0", "C"),
            ("8703230000", "DE", "0.0", "FEU1"),
            ("9503003900", "VN", "0.0", "FVN1"),
        ]
    )
    good = rng.integers(len(goods), size=rows)
    importer = good * 12 + rng.integers(12, size=rows)
    mass = np.round(np.exp(rng.normal(4 + good, 1.0)), 1)
    fraud = rng.random(rows) < np.where(good == 4, 0.6, 0.15)
    critical = np.where(fraud, np.where(rng.random(rows) < 0.1, 2, 1), 0)
    columns = {
        "declaration_id": [f"{month.replace('-', '')}{n:05d}" for n in range(rows)],
        "date": [f"{month}-{day:02d}" for day in rng.integers(1, 29, size=rows)],
        "office_id": rng.choice(["20", "30", "40"], size=rows),
        "process_type": ["B"] * rows,
        "import_type": rng.choice(["11", "87"], size=rows, p=[0.9, 0.1]),
        "import_use": ["21"] * rows,
        "payment_type": rng.choice(["11", "43"], size=rows),
        "mode_of_transport": rng.choice(["10", "40"], size=rows),
        "declarant_id": [f"Broker {n % 9} Ltd" for n in importer],
        "importer_id": [f"주식회사 수입 {n}" for n in importer],
        "seller_id": ["" if n % 10 == 0 else f"Seller {n % 30} GmbH" for n in importer],
        "courier_id": [f"Courier {n % 3}" if rng.random() < 0.3 else "" for n in importer],
        "hs10_code": goods[good, 0],
        "country_of_departure": goods[good, 1],
        "country_of_origin": goods[good, 1],
        "tax_rate": goods[good, 2],
        "tax_type": goods[good, 3],
        "country_of_origin_indicator": rng.choice(["B", "E", "Y"], size=rows),
        "net_mass": mass,
        "item_price": np.round(mass * 5000 * np.exp(rng.normal(0, 0.5, size=rows)), 1),
        "fraud": fraud.astype(int),
        "critical_fraud": critical,
    }
    return pd.DataFrame(columns).rename(columns={a.name: a.header for a in ATTRIBUTES}).astype(str)


@pytest.fixture(scope="session")
def small_source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one CSV file for each of four months of 150 inspected declarations."""
    folder = tmp_path_factory.mktemp("source")
    for month in SMALL_MONTHS:
        small_month(month).to_csv(folder / f"declarations-{month}.csv", index=False)
    return folder


@pytest.fixture(scope="session")
def small_declarations() -> Callable[[str], pd.DataFrame]:
    """A function that makes the 150 declarations of a month that :func:`small_source` has in a file."""
    return small_month

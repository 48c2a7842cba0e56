"""A small world whose frauds follow a rule that is known: what a detector must find there, and what it cannot."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

MONTHS = ("2020-01", "2020-02", "2020-03", "2020-04", "2020-05", "2020-06")
PER_MONTH = 400

# The rule: these goods, from this country, in consignments of at most this mass, are fraud; nothing else is.
FRAUDULENT_GOODS = ("2204210000", "2208300000", "6109100000")
FRAUDULENT_ORIGIN = "CN"
FRAUDULENT_MASS = 500.0


def _tokens(rng: np.random.Generator, prefix: str, size: int, count: int) -> np.ndarray:
    return np.array([f"{prefix}{number:0{size - 1}d}" for number in range(count)], dtype=object)[
        rng.integers(count, size=PER_MONTH)
    ]


def _month(month: str, number: int) -> pd.DataFrame:
    rng = np.random.default_rng(number)
    goods = rng.choice([*FRAUDULENT_GOODS, "0901210000", "4408900000", "8471300000"], size=PER_MONTH)
    origin = rng.choice(["CN", "DE", "US"], size=PER_MONTH, p=[0.6, 0.2, 0.2])
    mass = np.round(rng.lognormal(6.0, 1.0, size=PER_MONTH), 1)
    fraud = np.isin(goods, FRAUDULENT_GOODS) & (origin == FRAUDULENT_ORIGIN) & (mass <= FRAUDULENT_MASS)
    columns = {
        "declaration_id": [f"{number:02d}{row:06d}" for row in range(PER_MONTH)],
        "date": pd.Timestamp(month) + pd.to_timedelta(rng.integers(28, size=PER_MONTH), unit="D"),
        "office_id": rng.choice(["13", "20", "40"], size=PER_MONTH),
        "process_type": "B",
        "import_type": rng.choice(["11", "15"], size=PER_MONTH),
        "import_use": rng.choice(["21", "11"], size=PER_MONTH),
        "payment_type": rng.choice(["11", "33", "2"], size=PER_MONTH),
        "mode_of_transport": rng.choice(["10", "40"], size=PER_MONTH),
        "declarant_id": _tokens(rng, "D", 7, 20),
        "importer_id": _tokens(rng, "I", 7, 200),
        "seller_id": np.where(rng.random(PER_MONTH) < 0.1, "", _tokens(rng, "S", 7, 100)),
        "courier_id": np.where(rng.random(PER_MONTH) < 0.8, "", _tokens(rng, "C", 6, 5)),
        "hs10_code": goods,
        "country_of_departure": origin,
        "country_of_origin": origin,
        "tax_rate": rng.choice([0.0, 6.5, 8.0, 13.0], size=PER_MONTH),
        "tax_type": rng.choice(["A", "FCN1"], size=PER_MONTH),
        "country_of_origin_indicator": rng.choice(["B", "G"], size=PER_MONTH),
        "net_mass": mass,
        "item_price": np.round(mass * rng.uniform(5, 50, size=PER_MONTH), 2),
        "fraud": fraud.astype("int8"),
        "critical_fraud": fraud.astype("int8"),
    }
    text = {name: "object" for name, values in columns.items() if np.asarray(values).dtype.kind in "UO"}
    return pd.DataFrame(columns).astype(text)


@pytest.fixture(scope="session")
def declarations() -> pd.DataFrame:
    """Six months of 400 declarations; about a fifth are fraud by the rule above."""
    return pd.concat([_month(month, number) for number, month in enumerate(MONTHS)], ignore_index=True)

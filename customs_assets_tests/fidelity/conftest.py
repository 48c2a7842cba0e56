"""Small tables of declarations to compare: one that differs only where a test says so, and random ones with damage."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest

from customs_assets.declaration import CATEGORICAL, LABELS, RELEASED_NAMES

Declarations = Callable[..., pd.DataFrame]

_SAME_FOR_ALL: dict[str, Any] = {
    "date": pd.Timestamp("2020-01-01"),
    "office_id": "10",
    "process_type": "B",
    "import_type": "11",
    "import_use": "21",
    "payment_type": "11",
    "mode_of_transport": "10",
    "declarant_id": "DECLARE",
    "importer_id": "IMPORTS",
    "seller_id": "SELLER1",
    "courier_id": "",
    "hs6_code": "090121",
    "country_of_departure": "JP",
    "country_of_origin": "JP",
    "tax_rate": 8.0,
    "tax_type": "A",
    "country_of_origin_indicator": "B",
    "net_mass": 100.0,
    "item_price": 5000.0,
    "fraud": 0,
    "critical_fraud": 0,
}


@pytest.fixture(scope="session")
def declarations() -> Declarations:
    """A maker of released declarations that are all the same but for the columns given."""

    def make(rows: int = 10, **columns: Sequence[Any]) -> pd.DataFrame:
        frame = pd.DataFrame({name: [value] * rows for name, value in _SAME_FOR_ALL.items()})
        frame = frame.assign(declaration_id=[f"{row:08d}" for row in range(rows)], **columns)
        return _typed(frame).filter(items=RELEASED_NAMES)

    return make


@pytest.fixture(scope="session")
def random_declarations() -> Declarations:
    """A maker of random declarations with few values a column, ties, and a tenth of some columns missing."""

    def make(rows: int, seed: int) -> pd.DataFrame:
        rng = np.random.default_rng(seed)
        frame = pd.DataFrame(
            {name: rng.choice([f"{name[:2]}{i}" for i in range(2 + p % 7)], rows) for p, name in enumerate(CATEGORICAL)}
        )
        frame["seller_id"] = rng.choice(["", "SELLER1", "SELLER2"], rows)
        frame["date"] = pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 31, rows), unit="D")
        frame["tax_rate"] = rng.choice([0.0, 3.0, 6.5, 8.0, 13.0], rows)
        frame["net_mass"] = np.exp(rng.normal(4, 2, rows)).round(1)
        frame["item_price"] = (frame["net_mass"] * rng.uniform(50, 60, rows)).round()
        frame["critical_fraud"] = rng.integers(0, 3, rows)
        frame["fraud"] = frame["critical_fraud"].clip(upper=1)
        for name in ("country_of_origin", "tax_rate", "net_mass", "item_price"):
            frame.loc[rng.random(rows) < 0.1, name] = None
        frame["declaration_id"] = [f"{row:08d}" for row in range(rows)]
        return _typed(frame).filter(items=RELEASED_NAMES)

    return make


def _typed(frame: pd.DataFrame) -> pd.DataFrame:
    floats = {"tax_rate": float, "net_mass": float, "item_price": float}
    return frame.assign(date=pd.to_datetime(frame["date"])).astype(floats | dict.fromkeys(LABELS, "int8"))

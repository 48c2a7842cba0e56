"""A small world of traders with habits, halved by importer, and what an honest and a leaking synthesizer make of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from customs_assets.declaration import RELEASED_NAMES
from customs_assets.quality.references import halves

IMPORTERS, ROWS = 300, 3600


@dataclass(frozen=True)
class World:
    """Declarations of one world: those seen by a synthesizer, those held out, and others of importers of its own."""

    training: pd.DataFrame
    control: pd.DataFrame
    fresh: pd.DataFrame


def traders(seed: int, prefix: str, rows: int = ROWS, importers: int = IMPORTERS) -> pd.DataFrame:
    """Declarations of importers that have two goods, an origin and an office each."""
    rng = np.random.default_rng([seed, rows])
    goods = np.array(
        [f"{chapter:02d}{heading:02d}{sub:02d}" for chapter in range(1, 9) for heading in (1, 7) for sub in (10, 90)]
    )
    habits = rng.integers(len(goods), size=(importers, 2))
    origins, offices = rng.integers(6, size=importers), rng.integers(5, size=importers)
    who = rng.integers(importers, size=rows)
    mass = np.exp(rng.normal(4, 1.5, rows)).round(2)
    fraud = rng.random(rows) < 0.2
    frame = pd.DataFrame(
        {
            "declaration_id": [f"{prefix}{n:06d}" for n in range(rows)],
            "date": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 90, rows), unit="D"),
            "office_id": np.array(["10", "20", "30", "40", "50"])[offices[who]],
            "process_type": "B",
            "import_type": rng.choice(["11", "87"], rows),
            "import_use": "21",
            "payment_type": rng.choice(["11", "43"], rows),
            "mode_of_transport": rng.choice(["10", "40"], rows),
            "declarant_id": [f"D{n % 9:06d}" for n in who],
            "importer_id": [f"{prefix}{n:06d}" for n in who],
            "seller_id": [f"S{n % 40:06d}" for n in who],
            "courier_id": "",
            "hs6_code": goods[habits[who, rng.integers(2, size=rows)]],
            "country_of_departure": np.array(["CN", "DE", "US", "VN", "JP", "FR"])[origins[who]],
            "country_of_origin": np.array(["CN", "DE", "US", "VN", "JP", "FR"])[origins[who]],
            "tax_rate": 8.0,
            "tax_type": "A",
            "country_of_origin_indicator": rng.choice(["B", "E"], rows),
            "net_mass": mass,
            "item_price": (mass * 5000 * np.exp(rng.normal(0, 0.5, rows))).round(),
            "fraud": fraud.astype("int8"),
            "critical_fraud": np.where(fraud & (rng.random(rows) < 0.1), 2, fraud).astype("int8"),
        }
    )
    return frame[list(RELEASED_NAMES)].astype({"process_type": object})


@pytest.fixture(scope="session")
def world() -> World:
    """Training and control, halved by importer, and a fresh sample of the same making with importers of its own."""
    training, control = halves(traders(11, "A"), unit="importer_id")
    return World(training, control, traders(12, "B", rows=len(training)))

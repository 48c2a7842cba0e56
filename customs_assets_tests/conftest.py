"""What every test may ask for: the published declarations where they are at hand, a small source, a small world of traders."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from customs_assets.declaration import ATTRIBUTES, RELEASED_NAMES
from customs_assets.fidelity.references import halves
from customs_assets_tests.object_store import Store, is_installed, running_store
from customs_assets_tests.postgresql_server import Server, binaries, running_server

PUBLISHED = Path(__file__).parents[2] / "shared" / "data" / "published"


def _settings() -> dict[str, str]:
    """The settings in the environment of this process."""
    return {name: value for name, value in os.environ.items() if name.startswith(("CUSTOMS_", "DAGSTER_"))}


_SETTINGS_AT_FIRST = _settings()

# Files of few tests that take minutes. They come first: the last file on two cores leaves one of them idle.
_LONGEST = tuple(
    f"automation/test_{name}.py"
    for name in (
        "ui",
        "cluster",
        "release_gate",
        "run",
        "server_profile",
        "dagster_issues",
        "one_truth",
        "what_was_read",
    )
)

SMALL_MONTHS = ("2020-01", "2020-02", "2020-03", "2020-04")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first, all others as they were found."""
    folder = Path(__file__).parent
    places = {folder / name: place for place, name in enumerate(_LONGEST)}
    items.sort(key=lambda item: places.get(item.path, len(places)))


@pytest.fixture(scope="module", autouse=True)
def settings_end_with_their_file() -> Iterator[None]:
    """No file of tests sees settings that one before it left behind: a command sets those of its flags for the whole process."""
    yield
    for name in _settings().keys() - _SETTINGS_AT_FIRST.keys():
        del os.environ[name]
    os.environ.update(_SETTINGS_AT_FIRST)


@pytest.fixture(scope="session")
def published() -> Path:
    """The folder of the published declarations."""
    if not PUBLISHED.is_dir():
        pytest.skip(f"the published declarations are not at {PUBLISHED}")
    return PUBLISHED


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    """A PostgreSQL server; where a machine has none, tests that ask for it are skipped, in CI they fail."""
    folder = binaries()
    if folder is None:
        sentence = "no PostgreSQL server is installed (Debian: apt-get install postgresql)"
        pytest.fail(sentence) if os.environ.get("CI") else pytest.skip(sentence)
    with running_server(folder) as running:
        yield running


@pytest.fixture(scope="session")
def object_store() -> Iterator[Store]:
    """An object store with the bucket "lake"; where a machine has none, tests that ask for it are skipped, in CI they fail."""
    if not is_installed():
        sentence = "no object store is installed (Debian: apt-get install ceph-mon ceph-osd radosgw)"
        pytest.fail(sentence) if os.environ.get("CI") else pytest.skip(sentence)
    with running_store() as running:
        running.make_bucket("lake")
        yield running


def fixed_secrets(folder: Path) -> None:
    """An identity key and a release secret that are the same in every run of the tests.

    What attacks make of a handful of importers hangs on the halves that the secret draws: once in some times they convict.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in ("identity.key", "release.secret"):
        path = folder / name
        path.write_bytes(hashlib.sha256(f"tests, {name}".encode()).digest())
        path.chmod(0o600)


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


IMPORTERS, ROWS = 300, 3600


@dataclass(frozen=True)
class World:
    """Declarations of one world: those seen by a synthesizer, those held out, and a fresh sample under other names."""

    training: pd.DataFrame
    control: pd.DataFrame
    fresh: pd.DataFrame


def traders(seed: int, prefix: str, rows: int = ROWS, importers: int = IMPORTERS) -> pd.DataFrame:
    """Declarations of importers that have two goods, an origin and an office each, the same ones whatever the seed."""
    rng = np.random.default_rng(11)
    goods = np.array(
        [f"{chapter:02d}{heading:02d}{sub:02d}" for chapter in range(1, 5) for heading in (1, 7) for sub in (10, 90)]
    )
    habits = rng.integers(len(goods), size=(importers, 2))
    origins, offices = rng.integers(4, size=importers), rng.integers(5, size=importers)
    rng = np.random.default_rng([seed, rows])
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
            "country_of_departure": np.array(["CN", "DE", "US", "VN"])[origins[who]],
            "country_of_origin": np.array(["CN", "DE", "US", "VN"])[origins[who]],
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
    """Training and control, halved by importer, and a fresh sample of all of them under names of its own."""
    training, control = halves(traders(11, "A"), unit="importer_id")
    return World(training, control, traders(12, "B", rows=len(training)))


@pytest.fixture(scope="session")
def small_declarations() -> Callable[[str], pd.DataFrame]:
    """A function that makes the 150 declarations of a month that :func:`small_source` has in a file."""
    return small_month

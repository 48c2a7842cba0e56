"""Declarations as a source would have them, and files that hold them, for the tests of reading."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from customs_assets.declaration import ATTRIBUTES
from customs_assets.months import first_day
from customs_assets.source.files import FileSource
from customs_assets.source.reading import SourceMonth

Row = dict[str, str]

HEADERS = {a.name: a.header for a in ATTRIBUTES}
TODAY = date(2021, 12, 31)


def _declaration(rng: np.random.Generator, number: int, day: date) -> Row:
    fraud = int(rng.random() < 0.2)
    mass = round(float(rng.lognormal(4, 2)), 2)
    return {
        "declaration_id": f"{number:08d}",
        "date": day.isoformat(),
        "office_id": rng.choice(["13", "20", "130"]),
        "process_type": rng.choice(list("ABCDEFG")),
        "import_type": rng.choice(["11", "87", "21"]),
        "import_use": rng.choice(["21", "11", "08"]),
        "payment_type": rng.choice(["11", "1", "23"]),
        "mode_of_transport": rng.choice(["10", "40"]),
        "declarant_id": rng.choice(["한국관세사", "L77JJEG", "O'Neill & Sons"]),
        "importer_id": f"{rng.integers(100, 999)}-81-{rng.integers(10000, 99999)}",
        "seller_id": rng.choice(["", "뮐러 상사", 'Acme, "Best" Ltd.', "=SUM(A1)"]),
        "courier_id": rng.choice(["", "DHL"]),
        "hs10_code": rng.choice(["0901210000", "090121", "8703239020"]),
        "country_of_departure": rng.choice(["JP", "NA", "CN"]),
        "country_of_origin": rng.choice(["JP", "KR", "ZZ"]),
        "tax_rate": rng.choice(["8.0", "0", "13.5"]),
        "tax_type": rng.choice(["A", "FCN1"]),
        "country_of_origin_indicator": rng.choice(list("BEGNSY")),
        "net_mass": str(mass),
        "item_price": str(round(mass * 1234.5, 2)),
        "fraud": str(fraud),
        "critical_fraud": str(fraud * int(rng.integers(1, 3))),
    }


@pytest.fixture(scope="session")
def good_rows() -> Callable[..., list[Row]]:
    """A function that makes well-formed raw declarations of a month, in the order of their dates."""

    def make(count: int, month: str = "2020-01", first_number: int = 1, seed: int = 7) -> list[Row]:
        rng = np.random.default_rng(seed)
        start = first_day(month)
        days = [start + timedelta(days=number * 28 // count) for number in range(count)]
        return [
            {name: str(value) for name, value in _declaration(rng, first_number + number, day).items()}
            for number, day in enumerate(days)
        ]

    return make


@pytest.fixture(scope="session")
def csv_text() -> Callable[..., str]:
    """A function that writes rows as CSV text with the published headers."""

    def write(rows: Iterable[Row], names: list[str] | None = None, quoting: int = csv.QUOTE_MINIMAL) -> str:
        names = names or list(HEADERS)
        stream = io.StringIO(newline="")
        writer = csv.writer(stream, quoting=quoting, lineterminator="\n")  # pyright: ignore[reportArgumentType]
        writer.writerow([HEADERS.get(name, name) for name in names])
        writer.writerows([row[name] for name in names] for row in rows)
        return stream.getvalue()

    return write


@pytest.fixture(scope="session")
def read() -> Callable[..., SourceMonth]:
    """A function that reads a month of the files at a path, on a fixed day."""

    def read_month(path: Path, month: str = "2020-01") -> SourceMonth:
        return FileSource(str(path), today=TODAY).read_month(month)

    return read_month


@pytest.fixture(scope="session")
def assert_kept() -> Callable[[SourceMonth, Iterable[Row]], None]:
    """A function that checks that exactly these rows were kept, every cell unharmed."""

    def as_text(row: dict[str, object]) -> Row:
        return {name: "" if value is None else str(value) for name, value in row.items()}

    def check(result: SourceMonth, rows: Iterable[Row]) -> None:
        numbers = ("tax_rate", "net_mass", "item_price")
        expected = [row | {name: str(float(row[name])) for name in numbers} for row in rows]
        assert [as_text(row) for row in result.declarations.to_pylist()] == expected

    return check

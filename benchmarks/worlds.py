"""Two worlds of import declarations that nothing in the pipeline was fitted to, written as a source's extracts and its law.

    python benchmarks/worlds.py many-codes FOLDER [--declarations 54000] [--months 6] [--uninspected 19] [--seed 1]
    python benchmarks/worlds.py real-codes FOLDER [--law codes|prefixes|none] [--parquet]

``many-codes``: some 5,300 six-digit codes that no nomenclature has, nearly all of them traded, from 35 origins, by importers of
two or three declarations. ``real-codes``: the Harmonized System, of which half is traded, from 60 origins, by importers of half a
dozen; a few codes and lanes are mostly one importer's. In both, importers keep to a few related goods, origins and sellers and to
one broker, every declared tuple is lawful, and inspection finds fraud in 22%, by known mechanisms.

``FOLDER`` gets ``declarations-<month>.csv`` from 2020-01 on, and the law as ``tariff.csv`` and ``tariff_routes.csv`` (a type
without routes is open to all). ``--declarations`` counts the inspected declarations. For each of them there are ``--uninspected``
others of the same trade, without labels. The same arguments give the same bytes.

None of this is code of the simulated administration, which is a third world. The law stands in ``worlds_law.py``, honest trade in
``worlds_trade.py``, fraud in ``worlds_fraud.py``.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from benchmarks.worlds_fraud import commit_fraud, critical_frauds
from benchmarks.worlds_law import Law, domestic_codes, harmonized_codes, make_law, own_codes
from benchmarks.worlds_trade import (
    AIR,
    HUBS,
    IMPORT_TYPES,
    MODES,
    OFFICES,
    PARCELS,
    USES,
    Model,
    Rows,
    Shape,
    draw_rows,
    drawn,
    make_goods,
    make_importers,
    make_lanes,
    masses,
    origins_of,
    rows_by_month,
    working_days,
)
from customs_assets.declaration import ATTRIBUTES, BY_NAME, arrow_schema
from customs_assets.months import FIRST_MONTH, next_month
from customs_assets.seeds import derive_rng, derive_root

SHAPES: dict[str, Shape] = {
    "many-codes": Shape(
        origins=35,
        agreements=("FCN1", "FEU1", "FUS1", "FAS1", "FVN1", "FIN1", "FTR1"),
        importer_rows=3.2,
        activity=1.15,
        lanes=2.6,
        zipf=(0.55, 80.0),
        traded=1.0,
        concentration=1.5,
        leaning=0.9,
        dominated=0.0,
    ),
    "real-codes": Shape(
        origins=60,
        agreements=("FCN1", "FEU1", "FUS1", "FAS1", "FVN1", "FIN1", "FAU1", "FCL1", "FCA1", "FRC1", "R"),
        importer_rows=7.0,
        activity=1.0,
        lanes=6.0,
        zipf=(1.2, 8.0),
        traded=0.65,
        concentration=0.8,
        leaning=0.75,
        dominated=0.06,
    ),
}

# How a law is written: a rate for every code of every type, the same by prefixes, or not at all.
LawForm = Literal["codes", "prefixes", "none"]
LAW_FORMS: tuple[LawForm, ...] = ("codes", "prefixes", "none")

# Heaviest consignment that a courier takes, in kg.
COURIER_MASS = 60.0

# A month of fewer inspected declarations is none.
_FEWEST_ROWS = 20

_PAYMENTS = ("11", "43", "18", "33", "15")
_PROCESSES = ("B", "A", "D")
_INDICATORS = ("B", "E", "G", "N", "S", "Y")
_COURIERS = 14

_SYLLABLES = [consonant + vowel for consonant in "bdfghjklmnprstvz" for vowel in "aeiou"]
_TRADES = (
    "Trading", "Foods", "Textile", "Machinery", "Chemical", "Electronics", "Motors", "Home", "Medical", "Materials",
)  # fmt: skip
_FIRMS, _FOREIGN_FIRMS = ("Co., Ltd.", "Inc.", "Corp.", ""), ("Co., Ltd.", "GmbH", "Inc.", "S.p.A.", "Pte. Ltd.")


@dataclass(frozen=True, slots=True, eq=False)
class World:
    """A world and its declarations.

    Attributes:
        name: one of :data:`SHAPES`.
        law: what may be declared.
        months: its months, in order.
        declarations: all rows, by date: the 22 attributes in their types, labels null where nobody inspected.
        mechanisms: what stands behind each row, inspected or not: an index into ``worlds_fraud.MECHANISMS``.
    """

    name: str
    law: Law
    months: tuple[str, ...]
    declarations: pa.Table
    mechanisms: np.ndarray

    def month(self, month: str) -> pa.Table:
        """The declarations of one month."""
        months = self.declarations["date"].to_numpy().astype("datetime64[M]")
        start, end = np.searchsorted(months, [np.datetime64(month), np.datetime64(month) + 1])
        return self.declarations.slice(start, end - start)


def make_world(name: str, declarations: int = 54_000, months: int = 6, uninspected: int = 0, seed: int = 1) -> World:
    """A world.

    Args:
        name: ``many-codes`` or ``real-codes``.
        declarations: inspected declarations over all months, 20 a month at least.
        months: how many months from 2020-01 on.
        uninspected: declarations that nobody inspected, for each inspected one.
        seed: seed of the world, from 0. The law hangs on name and seed alone.

    Raises:
        ValueError: there is no such world, or a number is out of its range.
        FileNotFoundError: the list of the Harmonized System is not at hand.
    """
    if name not in SHAPES:
        raise ValueError(f"there is no world {name!r}; choose one of {', '.join(SHAPES)}")
    if months < 1 or declarations < _FEWEST_ROWS * months:
        raise ValueError(
            f"{declarations} declarations in {months} months: a month at least and {_FEWEST_ROWS} in each are needed"
        )
    if uninspected < 0 or seed < 0:
        raise ValueError(f"uninspected declarations ({uninspected}) and seed ({seed}) must not lie below 0")
    model = _model(name, declarations, months, seed)
    called, rng = _months(months), model.rng("days")
    inspected_rows = rows_by_month(declarations, months, rng)
    counts = inspected_rows * (1 + uninspected)
    rows = draw_rows(model, make_lanes(model), counts)
    days = working_days(called, counts, rng)
    mechanisms = commit_fraud(model, rows)
    critical = critical_frauds(model, rows, mechanisms)
    mass = masses(model, rows)
    inspected = _inspected(model, rows, counts, inspected_rows)
    columns = _form(model, rows, mass) | {
        "declaration_id": _declaration_ids(called, counts, rng),
        "date": pa.array(days),
        "net_mass": pa.array(mass),
        "item_price": pa.array(np.maximum(np.round(mass * np.exp(rows.log_price), 1), 1.0)),
        "fraud": pa.array((critical > 0).astype(np.int8), mask=~inspected),
        "critical_fraud": pa.array(critical.astype(np.int8), mask=~inspected),
    }
    table = pa.table({a.name: columns[a.name] for a in ATTRIBUTES}, schema=arrow_schema())
    return World(name, model.law, called, table, mechanisms)


def _model(name: str, declarations: int, months: int, seed: int) -> Model:
    shape, root = SHAPES[name], derive_root(seed, "worlds", name)
    rng = derive_rng(root, "worlds", purpose="codes")
    codes = domestic_codes(own_codes(rng) if name == "many-codes" else harmonized_codes(), rng)
    law = make_law(codes, origins_of(shape)[0], HUBS, shape.agreements, root)
    importers = make_importers(shape, declarations, months, root)
    return Model(shape, law, make_goods(shape, law, root), importers, root)


def _months(count: int) -> tuple[str, ...]:
    months = [FIRST_MONTH]
    while len(months) < count:
        months.append(next_month(months[-1]))
    return tuple(months)


def _inspected(model: Model, rows: Rows, counts: np.ndarray, inspected_rows: np.ndarray) -> np.ndarray:
    """Which rows were inspected: some of each month, more of some chapters and offices, whatever fraud there is.

    Args:
        model: the world.
        rows: its rows, by month.
        counts: rows by month.
        inspected_rows: how many of them were inspected.
    """
    rng = model.rng("inspection")
    chapter = 0.5 * rng.standard_normal(100)[model.goods.chapter[rows.code]]
    office = 0.4 * rng.standard_normal(len(OFFICES))[rows.office]
    luck = np.log(rng.random(len(rows))) / np.exp(chapter + office)
    found = np.zeros(len(rows), dtype=bool)
    for end, count, wanted in zip(np.cumsum(counts), counts, inspected_rows, strict=True):
        of_month = luck[end - count : end]
        found[end - count + np.argsort(-of_month, kind="stable")[:wanted]] = True
    return found


def _form(model: Model, rows: Rows, mass: np.ndarray) -> dict[str, pa.Array]:
    """What is written on the form beside key, day, amounts and labels."""
    rng, size, law = model.rng("form"), len(rows), model.law
    importers = _names(model.importers.count, _FIRMS, rng)
    # Some write a name in capitals and without its points.
    plain = np.array([name.upper().replace(".", "").replace(",", "") for name in importers], dtype=object)
    spelling = rows.importer + np.where(rng.random(size) < 0.04, len(importers), 0)
    payment = np.where(rng.random(size) < 0.95, model.importers.payment[rows.importer], 0)
    may_be_sent = (rows.mode == AIR) & (mass <= COURIER_MASS)
    by_courier = may_be_sent & (rng.random(size) < np.where(rows.import_type >= PARCELS, 0.85, 0.4))
    courier = (2 * rows.origin + drawn(np.array([0.5, 0.25, 0.15, 0.1]), size, rng)) % _COURIERS
    return {
        "office_id": _texts(OFFICES, rows.office),
        "process_type": _texts(_PROCESSES, drawn(np.array([0.965, 0.025, 0.01]), size, rng)),
        "import_type": _texts(IMPORT_TYPES, rows.import_type),
        "import_use": _texts(USES, rows.use),
        "payment_type": _texts(_PAYMENTS, payment),
        "mode_of_transport": _texts(MODES, rows.mode),
        "declarant_id": _texts(_names(model.importers.brokers, ("Customs Service",), rng), rows.broker),
        "importer_id": _texts([*importers, *plain], spelling),
        "seller_id": _texts(_names(int(rows.seller.max()) + 1, _FOREIGN_FIRMS, rng), rows.seller),
        "courier_id": _texts(_names(_COURIERS, ("Express",), rng), np.where(by_courier, courier, -1)),
        "hs10_code": _texts(law.codes, rows.code),
        "country_of_departure": _texts(law.countries, rows.departure),
        "country_of_origin": _texts(law.countries, rows.origin),
        "tax_rate": pa.array(law.rates[rows.claim, rows.code]),
        "tax_type": _texts(law.types, rows.claim),
        "country_of_origin_indicator": _texts(_INDICATORS, rows.indicator),
    }


def _names(count: int, endings: Sequence[str], rng: np.random.Generator) -> np.ndarray:
    """Names that no two parties share: four syllables of two letters each, a trade, and an ending."""
    base = len(_SYLLABLES)
    digits = rng.choice(base**4, count, replace=False)[:, None] // base ** np.arange(4) % base
    words = np.array(_SYLLABLES, dtype=object)[digits].sum(axis=1)
    trades, ends = rng.integers(0, len(_TRADES), count), rng.integers(0, len(endings), count)
    named = zip(words, trades.tolist(), ends.tolist(), strict=True)
    return np.array([f"{word.capitalize()} {_TRADES[trade]} {endings[end]}".rstrip() for word, trade, end in named])


def _texts(values: Sequence[str] | np.ndarray, places: np.ndarray) -> pa.Array:
    """The texts at some places; a negative place is the empty text."""
    texts = pa.array([*values, ""], pa.string())
    return texts.take(pa.array(np.where(places < 0, len(texts) - 1, places)))


def _declaration_ids(months: Sequence[str], counts: np.ndarray, rng: np.random.Generator) -> pa.Array:
    """``2001-00012345``: the month, and a number that says nothing."""
    ids = []
    for month, count in zip(months, counts, strict=True):
        numbers = rng.choice(99_999_999, int(count), replace=False).tolist()
        ids += [f"{month[2:4]}{month[5:7]}-{number:08d}" for number in numbers]
    return pa.array(ids, pa.string())


def write_world(world: World, folder: Path, law: LawForm = "codes", parquet: bool = False) -> list[Path]:
    """Write a world's months and its law into a folder, which is made where there is none.

    Args:
        world: the world.
        folder: the folder.
        law: how the law is written.
        parquet: write the months as Parquet instead of CSV.

    Returns:
        The files: those of the months, then tariff and routes where there is a law.
    """
    folder.mkdir(parents=True, exist_ok=True)
    headers = [BY_NAME[name].header for name in world.declarations.column_names]
    files = []
    for month in world.months:
        files.append(folder / f"declarations-{month}.{'parquet' if parquet else 'csv'}")
        table = world.month(month).rename_columns(headers)
        (pq.write_table if parquet else pyarrow.csv.write_csv)(table, files[-1])
    if law != "none":
        tariff, routes = world.law.tariff(short=law == "prefixes"), world.law.routes()
        for name, rows in (("tariff", tariff), ("tariff_routes", routes)):
            files.append(folder / f"{name}.csv")
            rows.to_csv(files[-1], index=False, lineterminator="\n")
    return files


def main() -> None:
    """Read the command line; make and write a world."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("world", choices=SHAPES, help="which world")
    parser.add_argument("folder", type=Path, help="folder that the files are written to")
    parser.add_argument("--declarations", type=int, default=54_000, help="inspected declarations over all months")
    parser.add_argument("--months", type=int, default=6, help="months from 2020-01 on")
    parser.add_argument("--uninspected", type=int, default=0, help="declarations without labels for each inspected one")
    parser.add_argument("--seed", type=int, default=1, help="seed of the world")
    parser.add_argument("--law", choices=LAW_FORMS, default="codes", help="how the law is written")
    parser.add_argument("--parquet", action="store_true", help="write the months as Parquet instead of CSV")
    given = parser.parse_args()
    started = time.perf_counter()
    try:
        world = make_world(given.world, given.declarations, given.months, given.uninspected, given.seed)
    except (ValueError, FileNotFoundError) as error:
        parser.error(str(error))
    write_world(world, given.folder, given.law, given.parquet)
    seconds = time.perf_counter() - started
    print(f"{world.declarations.num_rows:,} declarations of {len(world.months)} months in {seconds:.1f} s")
    # The law lies beside the months, so the source is a pattern, not the folder.
    print(f"CUSTOMS_SOURCE='{given.folder}/declarations-*.{'parquet' if given.parquet else 'csv'}'")
    if given.law != "none":
        print(f"CUSTOMS_TARIFF={given.folder}/tariff.csv CUSTOMS_TARIFF_ROUTES={given.folder}/tariff_routes.csv")


if __name__ == "__main__":
    main()

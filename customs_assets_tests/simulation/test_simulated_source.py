"""The simulated administration: the same world for the same seed, the whole form, trade that has relations and law."""

from __future__ import annotations

import hashlib
import io
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from customs_assets.declaration import ATTRIBUTES, arrow_schema
from customs_assets.fidelity.relations import relations
from customs_assets.simulation.month import BLOCK_ROWS, _blocks, _draw_block, draw_blocks, draw_month
from customs_assets.simulation.tariff import lawful_tuples, tariff_schedule
from customs_assets.simulation.world import make_world
from customs_assets.source.address import open_source
from customs_assets.source.reading import SourceError
from customs_assets.source.simulated import SimulatedSource

SIZE = 18_000
SMALL = "simulated?declarations=180000"


@pytest.fixture(scope="module")
def month() -> pa.Table:
    return open_source(SMALL).read_month("2020-03").declarations


def test_a_month_is_the_same_whatever_was_drawn_before_it(month: pa.Table):
    source = open_source(SMALL)
    source.read_month("2020-07")
    assert source.read_month("2020-03").declarations.equals(month)
    assert not open_source(SMALL + "&seed=7").read_month("2020-03").declarations.equals(month)


def test_a_block_is_the_same_alone_and_beside_others_on_any_number_of_threads():
    world = make_world(2020, 0.05)
    rows = 2 * BLOCK_ROWS + 1000
    table, mechanisms = draw_month(world, "2020-05", rows, only_attributes=True, threads=1)
    again, same_mechanisms = draw_month(world, "2020-05", rows, only_attributes=True, threads=3)
    assert again.equals(table)
    assert np.array_equal(same_mechanisms, mechanisms)
    alone, _ = _draw_block(list(_blocks(world, "2020-05", rows))[1], True)
    assert alone.equals(table.slice(BLOCK_ROWS, BLOCK_ROWS))
    sizes = [block.num_rows for block, _ in draw_blocks(world, "2020-05", rows, only_attributes=True)]
    assert sizes == [BLOCK_ROWS, BLOCK_ROWS, 1000]


_DIGESTS = """
import hashlib, io, sys
import pyarrow.parquet as pq
from customs_assets.source.address import open_source
source = open_source(sys.argv[1])
for month in sys.argv[2:]:
    stream = io.BytesIO()
    pq.write_table(source.read_month(month).declarations, stream)
    print(month, hashlib.sha256(stream.getvalue()).hexdigest())
"""


def test_another_process_draws_the_same_months_in_any_order_to_the_byte():
    source = SimulatedSource(SIZE)
    months = ["2020-01", "2020-09", "2021-06", "2022-02"]
    drawn = {}
    for month in months:
        stream = io.BytesIO()
        pq.write_table(source.read_month(month).declarations, stream)
        drawn[month] = hashlib.sha256(stream.getvalue()).hexdigest()
    command = [sys.executable, "-c", _DIGESTS, f"simulated?declarations={SIZE}", *months[::-1]]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert dict(line.split() for line in printed.splitlines()) == drawn
    assert len(set(drawn.values())) == len(months)


def test_a_month_in_pieces_is_the_month_as_a_whole(month: pa.Table):
    stream = open_source(SMALL).stream_month("2020-03")
    assert pa.concat_tables(stream).equals(month)
    inspected = month.num_rows - month.column("fraud").null_count
    assert (stream.kept, stream.rows_in, stream.inspected) == (month.num_rows, month.num_rows, inspected)
    assert stream.schema.equals(month.schema)


def test_the_form_is_whole_and_the_22_attributes_stand_first_in_their_types(month: pa.Table):
    assert month.num_columns >= 62
    assert month.schema.names[:22] == [attribute.name for attribute in ATTRIBUTES]
    assert pa.schema(list(month.schema)[:22]).equals(arrow_schema())
    assert 7_000 < month.num_rows < 13_000
    dates = month.column("date").to_pandas()
    assert {(day.year, day.month) for day in dates} == {(2020, 3)}
    assert len(set(month.column("declaration_id").to_pylist())) == month.num_rows


def test_one_declaration_in_twenty_is_inspected_and_labels_are_consistent(month: pa.Table):
    fraud, critical = (month.column(name).to_pandas() for name in ("fraud", "critical_fraud"))
    assert (fraud.isna() == critical.isna()).all()
    assert 0.03 < fraud.notna().mean() < 0.07
    pairs = set(zip(fraud.dropna().astype(int), critical.dropna().astype(int), strict=True))
    assert pairs <= {(0, 0), (1, 1), (1, 2)}
    assert 0.15 < fraud.mean() < 0.30


def test_every_tuple_is_one_that_the_schedule_allows(month: pa.Table):
    assert lawful_tuples(month).all()
    frame = tariff_schedule().to_pandas()
    shared = [name for name in ("hs10_code", "country_of_origin", "tax_rate", "tax_type") if name in frame.columns]
    assert {"hs10_code", "tax_rate", "tax_type"} <= set(shared)
    declared = month.select(shared).to_pandas().drop_duplicates()
    lawful = set(frame[shared].itertuples(index=False, name=None))
    assert [row for row in declared.itertuples(index=False, name=None) if row not in lawful] == []


def test_traders_have_their_goods_sellers_and_offices(month: pa.Table):
    found = relations(month.slice(0, 8000).to_pandas().astype({"date": "datetime64[ns]"}))
    # Where traders are drawn apart from their goods, both are 0.000; ten thousand rows over a world of as many importers
    # show less of either relation than the whole world does.
    assert found["importer_id|hs6_code"] > 0.03
    assert found["importer_id|seller_id"] > 0.03


def test_an_address_that_makes_no_sense_is_refused():
    with pytest.raises(SourceError, match="knows declarations, seed and inspected"):
        open_source("simulated?rows=7")
    with pytest.raises(SourceError, match="must lie between"):
        open_source("simulated?declarations=1")

"""The simulated administration: the same world for the same seed, the whole form, trade that has relations and law."""

from __future__ import annotations

import pyarrow as pa
import pytest

from customs_assets.declaration import ATTRIBUTES, arrow_schema
from customs_assets.quality.relations import relations
from customs_assets.source.address import open_source
from customs_assets.source.reading import SourceError
from customs_assets.source.simulation.tariff import lawful_tuples, tariff_schedule

SMALL = "simulated?declarations=180000"


@pytest.fixture(scope="module")
def month() -> pa.Table:
    return open_source(SMALL).read_month("2020-03").declarations


def test_a_month_is_the_same_whatever_was_drawn_before_it(month: pa.Table):
    source = open_source(SMALL)
    source.read_month("2020-07")
    assert source.read_month("2020-03").declarations.equals(month)
    assert not open_source(SMALL + "&seed=7").read_month("2020-03").declarations.equals(month)


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

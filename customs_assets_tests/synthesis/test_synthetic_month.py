"""A synthetic month from a file of declarations and a trained CTGAN: lawful, consistent, private to the k rule."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from customs_assets.anonymization.identities import anonymize
from customs_assets.anonymization.unit_prices import average_prices, noisy_prices
from customs_assets.declaration import RELEASED_NAMES, RELEASED_TUPLE
from customs_assets.lake import Lake, to_frame
from customs_assets.source.address import open_source
from customs_assets.synthesis.month import SyntheticMonth, synthesize_month
from customs_assets.synthesis.steps import fit_model

MONTH, K = "2020-02", 5


@pytest.fixture(scope="module")
def declarations(small_source: Path) -> pd.DataFrame:
    labelled = to_frame(open_source(str(small_source)).read_month(MONTH).declarations)
    return anonymize(labelled.astype({"fraud": "int8", "critical_fraud": "int8"}), b"k" * 32)


@pytest.fixture(scope="module")
def made(declarations: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory, learned) -> SyntheticMonth:
    folder = tmp_path_factory.mktemp("lake")
    lake = Lake(str(folder))
    lake.write_table("labelled_declarations", declarations, MONTH)
    averages = average_prices(lake.connect(), lake.sql_path("labelled_declarations", MONTH), K)
    unit_prices = noisy_prices(averages, 0)
    model = fit_model(declarations, unit_prices, month=MONTH, min_group=K, epochs=2, root=1)
    all_months = learned(declarations, unit_prices, folder, 1, MONTH)
    return synthesize_month(model, declarations, unit_prices, all_months, month=MONTH, min_group=K, root=1, rows=400)


def test_the_month_is_lawful_and_consistent_and_copies_nobody(made: SyntheticMonth, declarations: pd.DataFrame):
    rows = made.declarations
    assert list(rows.columns) == list(RELEASED_NAMES)
    assert (len(rows), made.drafts, made.copies) == (400, 1600, 0)
    assert rows["date"].dt.strftime("%Y-%m").eq(MONTH).all()
    source = declarations.assign(hs6_code=declarations["hs10_code"].str[:6])
    lawful = set(map(tuple, source[list(RELEASED_TUPLE)].to_numpy()))
    assert set(map(tuple, rows[list(RELEASED_TUPLE)].to_numpy())) <= lawful
    for column in ("net_mass", "item_price"):
        assert rows[column].between(source[column].min() / 5, source[column].max() * 5).all()


def test_every_tuple_rests_on_k_importers(made: SyntheticMonth, declarations: pd.DataFrame):
    source = declarations.assign(hs6_code=declarations["hs10_code"].str[:6])
    columns = list(RELEASED_TUPLE)
    distinct = source.groupby(columns)["importer_id"].nunique().rename("importers").reset_index()
    shown = made.declarations[columns].drop_duplicates().merge(distinct, on=columns, how="left")
    assert (shown["importers"] >= K).all()

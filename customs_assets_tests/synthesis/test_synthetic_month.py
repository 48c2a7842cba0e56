"""A synthetic month as a whole: lawful, consistent, private to the k rule, the same for the same seed and any key."""

from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

from customs_assets.anonymization.identities import anonymize
from customs_assets.anonymization.unit_prices import average_prices, noisy_prices
from customs_assets.declaration import RELEASED_NAMES, RELEASED_TUPLE
from customs_assets.lake import Lake, to_frame
from customs_assets.release.tokens import redraw_tokens
from customs_assets.source.address import open_source
from customs_assets.synthesis.checkpoint import CheckpointError, from_bytes, to_bytes
from customs_assets.synthesis.codec import Codec
from customs_assets.synthesis.ctgan import CTGAN
from customs_assets.synthesis.donors import DonorTree
from customs_assets.synthesis.month import IDS_A_MONTH, declaration_ids, synthesize

MONTH, K = "2020-02", 5


@pytest.fixture(scope="module")
def labelled(small_source: Path) -> pd.DataFrame:
    return to_frame(open_source(str(small_source)).read_month(MONTH).declarations).astype(
        {"fraud": "int8", "critical_fraud": "int8"}
    )


@pytest.fixture(scope="module")
def unit_prices(labelled: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    lake = Lake(str(tmp_path_factory.mktemp("lake")))
    lake.write_table("labelled_declarations", labelled, MONTH)
    averages = average_prices(duckdb.connect(), lake.sql_path("labelled_declarations", MONTH), K)
    return noisy_prices(averages, np.random.default_rng(0))


def _made(labelled: pd.DataFrame, unit_prices: pd.DataFrame, seed: int = 1, key: bytes = b"k" * 32, **options):
    declarations = anonymize(labelled, key)
    codec = Codec.fit(declarations, unit_prices, K)
    table = codec.encode(declarations)
    model = CTGAN(epochs=2, seed=seed)
    model.fit(table, codec.discrete_columns(table))
    return synthesize(model, declarations, unit_prices, month=MONTH, base_seed=seed, min_group=K, **options)


def test_a_month_is_lawful_consistent_and_copies_nobody(labelled: pd.DataFrame, unit_prices: pd.DataFrame):
    month = _made(labelled, unit_prices, rows=400)
    made = month.declarations
    assert list(made.columns) == list(RELEASED_NAMES)
    assert len(made) == 400
    assert month.copies == 0
    assert made["date"].dt.strftime("%Y-%m").eq(MONTH).all()
    assert set(map(tuple, made[["fraud", "critical_fraud"]].to_numpy().tolist())) <= {(0, 0), (1, 1), (1, 2)}
    source = anonymize(labelled, b"k" * 32).assign(hs6_code=lambda rows: rows["hs10_code"].str[:6])
    lawful = set(map(tuple, source[list(RELEASED_TUPLE)].to_numpy()))
    assert set(map(tuple, made[list(RELEASED_TUPLE)].to_numpy())) <= lawful
    assert set(made["importer_id"]) <= set(source["importer_id"])
    assert made["net_mass"].between(source["net_mass"].min(), source["net_mass"].max()).all()
    assert made["item_price"].between(source["item_price"].min(), source["item_price"].max()).all()
    assert made["declaration_id"].str.fullmatch(r"\d{8}").all()


def test_the_same_seed_makes_the_same_month_and_another_seed_another(labelled: pd.DataFrame, unit_prices: pd.DataFrame):
    first, again = _made(labelled, unit_prices), _made(labelled, unit_prices)
    pd.testing.assert_frame_equal(first.declarations, again.declarations)
    assert not first.declarations.equals(_made(labelled, unit_prices, seed=2).declarations)


def test_the_release_does_not_depend_on_the_identity_key(labelled: pd.DataFrame, unit_prices: pd.DataFrame):
    one = _made(labelled, unit_prices, key=b"a" * 32).declarations
    other = _made(labelled, unit_prices, key=b"b" * 32).declarations
    assert not one["importer_id"].equals(other["importer_id"])
    released = [redraw_tokens(made, np.random.default_rng(3)) for made in (one, other)]
    pd.testing.assert_frame_equal(released[0], released[1])


def test_declaration_ids_are_eight_digits_and_no_two_months_share_one():
    ids = [declaration_ids(month, 5000, 2020) for month in ("2020-01", "2020-02", "2021-06")]
    assert len(set(np.concatenate(ids))) == 15000
    assert all(len(number) == 8 and number.isdigit() for number in np.concatenate(ids))
    assert list(declaration_ids("2020-02", 3, 2020)) == list(ids[1][:3])


def test_more_rows_than_a_month_has_ids_are_refused(labelled: pd.DataFrame, unit_prices: pd.DataFrame):
    with pytest.raises(ValueError, match="250001 rows were asked of 2020-02"):
        _made(labelled, unit_prices, rows=IDS_A_MONTH + 1)


def test_a_draw_rests_on_k_importers_even_where_a_leaf_does_not():
    rng = np.random.default_rng(0)
    features = np.repeat(np.arange(8.0), 10)[:, None]
    importers = np.where(features[:, 0] == 3, 0, rng.integers(1, 50, 80)).astype(int)
    tree = DonorTree.fit(features, features[:, 0], importers, min_group=5, min_leaf=5, seed=0)
    lone = np.full((4000, 1), 3.0)
    drawn = tree.draw(lone, rng)
    assert len(set(importers[drawn])) >= 5
    crowd = np.full((500, 1), 6.0)
    assert set(features[tree.draw(crowd, rng), 0]) == {6.0}


def test_a_model_survives_its_file_and_a_damaged_file_is_refused(labelled: pd.DataFrame, unit_prices: pd.DataFrame):
    declarations = anonymize(labelled, b"k" * 32)
    codec = Codec.fit(declarations, unit_prices, K)
    table = codec.encode(declarations)
    model = CTGAN(epochs=1, seed=5)
    model.fit(table, codec.discrete_columns(table))
    stored = to_bytes(model)
    pd.testing.assert_frame_equal(from_bytes(stored).sample(50, 9), model.sample(50, 9))
    assert to_bytes(from_bytes(stored)) == stored
    for damaged in (stored[:-10], stored[:5], b"", b"\x80\x04pickle"):
        with pytest.raises(CheckpointError):
            from_bytes(damaged)

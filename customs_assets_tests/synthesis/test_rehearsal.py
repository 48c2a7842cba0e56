"""The rehearsal sees the training half and nothing of the other, or no attack measured on it would say anything."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import pytest

from customs_assets.declaration import RELEASED_TUPLE
from customs_assets.quality.references import in_control
from customs_assets.settings import Settings
from customs_assets.synthesis.rehearsal import Rehearsal, rehearse
from customs_assets_tests.conftest import traders

MIN_GROUP = 3


@pytest.fixture(scope="module")
def source() -> Mapping[str, pd.DataFrame]:
    """Three months of the traders' declarations, product codes of ten digits."""
    rows = traders(11, "A", rows=1200, importers=100).rename(columns={"hs6_code": "hs10_code"})
    rows = rows.assign(hs10_code=rows["hs10_code"] + "0000")
    months = rows["date"].dt.strftime("%Y-%m")
    return {str(month): part.reset_index(drop=True) for month, part in rows.groupby(months)}


def _rehearsed(source: Mapping[str, pd.DataFrame]) -> Rehearsal:
    settings = Settings(min_group=MIN_GROUP)  # pyright: ignore[reportCallIssue]
    return rehearse(source, settings, epochs=1)


@pytest.fixture(scope="module")
def made(source: Mapping[str, pd.DataFrame]) -> Rehearsal:
    return _rehearsed(source)


def test_each_importer_is_on_one_side_and_each_declaration_is_somewhere(made: Rehearsal, source):
    assert not set(made.training["importer_id"]) & set(made.control["importer_id"])
    everything = pd.concat(source.values())
    assert set(made.training["declaration_id"]) | set(made.control["declaration_id"]) == set(
        everything["declaration_id"]
    )
    assert len(made.training) + len(made.control) == len(everything) == 1200
    assert len(made.synthetic) == len(made.training)
    assert made.epochs == 1


def test_every_tuple_rests_on_importers_of_the_training_half(made: Rehearsal):
    rows = made.training.assign(hs6_code=made.training["hs10_code"].str[:6])
    behind = rows.groupby(list(RELEASED_TUPLE))["importer_id"].nunique().rename("importers").reset_index()
    told = made.synthetic.merge(behind, how="left", on=list(RELEASED_TUPLE))
    assert told["importers"].min() >= MIN_GROUP
    only_control = set(made.control["importer_id"])
    assert not set(made.synthetic["importer_id"]) & only_control


def test_what_the_control_half_declared_changes_no_byte(made: Rehearsal, source):
    changed = {}
    for month, rows in source.items():
        held_out = in_control(rows["importer_id"], Settings().seed)  # pyright: ignore[reportCallIssue]
        masses = np.where(held_out, rows["net_mass"] * 7 + 1, rows["net_mass"])
        codes = np.where(held_out, "0101010000", rows["hs10_code"])
        frauds = np.where(held_out, 1 - rows["fraud"], rows["fraud"]).astype("int8")
        changed[month] = rows.assign(
            net_mass=masses, hs10_code=codes.astype(object), fraud=frauds, critical_fraud=frauds
        )
        unseen = ~held_out
        changed[month].loc[unseen, "critical_fraud"] = rows.loc[unseen, "critical_fraud"]
    again = _rehearsed(changed)
    pd.testing.assert_frame_equal(again.synthetic, made.synthetic)
    assert not again.control["net_mass"].equals(made.control["net_mass"])


def test_a_half_that_nobody_is_in_is_refused(source):
    one = {month: rows.assign(importer_id=rows["importer_id"].iloc[0]) for month, rows in source.items()}
    with pytest.raises(ValueError, match="too few of them to hold out half"):
        _rehearsed(one)

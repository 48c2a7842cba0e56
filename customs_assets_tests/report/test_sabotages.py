"""Every sabotage of ``benchmarks/sabotages.py`` once, on one small scene: convicted by the check that is meant for it."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from benchmarks.sabotages import (
    NOBODY_NAMED,
    SABOTAGES,
    Sabotage,
    Scene,
    claims_of,
    honest_scene,
    is_convicted,
    spoiled,
)
from customs_assets.privacy.goals import REQUIRED


@pytest.fixture(scope="session")
def scene() -> Scene:
    """A world of eight hundred importers in which nothing leaks."""
    return honest_scene(seed=1, importers=400)


def test_there_is_one_check_for_each_and_the_gate_goes_by_it():
    checks = [sabotage.check for sabotage in SABOTAGES]
    assert len(set(checks)) == len(checks) == 14
    assert set(checks) - {NOBODY_NAMED} <= set(REQUIRED)


@pytest.mark.parametrize("sabotage", SABOTAGES, ids=lambda sabotage: sabotage.name)
def test_a_sabotaged_release_is_convicted_by_the_check_that_is_meant_for_it(scene: Scene, sabotage: Sabotage):
    assert is_convicted(spoiled(scene, sabotage), sabotage.check)


def test_the_honest_release_is_convicted_by_none_of_these_checks(scene: Scene):
    checks = {sabotage.check for sabotage in SABOTAGES}
    assert [claim.key for claim in claims_of(scene, checks) if claim.blocks_release] == []
    assert not is_convicted(scene, NOBODY_NAMED)


def test_goods_that_two_halves_of_the_source_have_in_common_convict_nobody(scene: Scene):
    """Trade by the piece: one price and one mass for all goods, so that honest rows repeat each other."""
    fixed = {
        "net_mass": 1.0,
        "item_price": 1000.0,
        "import_type": "11",
        "payment_type": "11",
        "fraud": 0,
        "critical_fraud": 0,
    }

    def by_the_piece(rows: pd.DataFrame) -> pd.DataFrame:
        return rows.assign(**fixed).astype(rows.dtypes.to_dict())

    plain = replace(scene, source=by_the_piece(scene.source), release=by_the_piece(scene.release))
    [goods] = [claim for claim in claims_of(plain, ["goods_copied"]) if claim.key == "goods_copied"]
    assert int(goods.note.split()[2]) > 300, goods.note
    assert not goods.blocks_release

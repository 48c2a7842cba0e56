"""The default world against what is published: shares, masses, parties, relations, and what the measuring itself says."""

from __future__ import annotations

import pandas as pd
import pytest

from customs_assets.fidelity.relations import relations
from customs_assets.simulation import published_shares
from customs_assets.simulation.calibration import (
    Measure,
    about,
    at_least,
    labelled_rows,
    measure_declarations,
    measure_table,
    near,
    top_tenth_share,
)
from customs_assets.source.simulated import SimulatedSource


@pytest.fixture(scope="module")
def labelled() -> pd.DataFrame:
    """All labelled rows of the default world, about 54,000; drawn in some five seconds."""
    source = SimulatedSource()
    return labelled_rows(source.draw(month, only_attributes=True)[0] for month in source.months())


def test_the_default_world_holds_every_published_number(labelled: pd.DataFrame):
    measures = measure_declarations(labelled)
    # Shares alone are 6 + 4 + 3 + 4 + 4 + 6 + 7 + 6 + 5 + 4 + 6 values; masses, rates, weekdays and parties come on top.
    assert len(measures) == 55 + 4 + 4 + 2 + 6
    assert [(m.group, m.name, m.target, m.simulated) for m in measures if not m.holds] == []


def test_a_world_without_its_calibration_is_convicted(labelled: pd.DataFrame):
    broken = labelled.assign(
        office_id="40",
        net_mass=labelled["net_mass"] * 1.5,
        importer_id=labelled["importer_id"].iloc[0],
        seller_id=labelled["seller_id"].where(labelled.index % 5 > 0, ""),
    )
    failed = {(m.group, m.name) for m in measure_declarations(broken) if not m.holds}
    assert {
        ("office_id", "40"),
        ("office_id", "20"),
        ("net_mass (kg)", "median"),
        ("net_mass (kg)", "99th percentile"),
        ("empty", "seller_id"),
        ("parties", "importers"),
    } <= failed
    assert ("tax_type", "A") not in failed


def test_traders_have_their_goods_sellers_and_offices_as_strongly_as_asked(labelled: pd.DataFrame):
    found = relations(labelled)
    assert found["importer_id|hs6_code"] >= 0.10
    assert found["seller_id|country_of_origin"] >= 0.15
    assert found["declarant_id|office_id"] >= 0.10
    assert found["importer_id|seller_id"] >= 0.15
    # Where sellers are dealt out anew, nothing is left of it.
    shuffled = labelled.assign(seller_id=labelled["seller_id"].sample(frac=1, random_state=3).to_numpy())
    assert abs(relations(shuffled)["importer_id|seller_id"]) < 0.01


def test_bounds_and_verdicts_are_printed_as_they_are():
    measures = [
        near("office_id", "40", 37.2, 38.3, 1.0),
        about("net_mass (kg)", "median", 96.0, 119.9, 0.25),
        at_least("relation", "importer – seller", 0.15, 0.1499),
    ]
    assert [m.holds for m in measures] == [False, True, False]
    lines = measure_table(measures).splitlines()[2:]
    assert lines == [
        "| office_id | 40 | 37.2 | 38.3 | 36.2 to 38.2 | **no** |",
        "| net_mass (kg) | median | 96.00 | 119.90 | 72.00 to 120.00 | yes |",
        "| relation | importer – seller | 0.150 | 0.150 | from 0.150 | **no** |",
    ]


def test_the_top_tenth_is_counted_by_rows():
    importers = pd.Series(["big"] * 11 + [f"small {n}" for n in range(9)])
    assert top_tenth_share(importers) == pytest.approx(11 / 20)


def test_targets_add_up():
    for attribute, shares in published_shares.SHARES.items():
        assert sum(shares.values()) < 100, attribute
        assert sum(published_shares.distribution(attribute).values()) == pytest.approx(1)
    assert sum(published_shares.WEEKDAYS) == pytest.approx(100)
    assert Measure("a", "b", 1.0, 1.0, 1.0, 1.0).holds

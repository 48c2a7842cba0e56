"""Leanings: as wide as the source's, nobody's, and the same wherever a party is named."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from customs_assets.declaration import IDENTITIES
from customs_assets.synthesis.fraud_propensity import leaned
from customs_assets.synthesis.leanings import estimated_leanings, leaning_of

ROWS = 40_000


def _world(importer: float, seller: float, seed: int = 1) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Declarations of 4,000 importers with two sellers and a broker each; who leans, by the variances that are given."""
    rng = np.random.default_rng(seed)
    who = rng.integers(0, 4000, ROWS)
    sells = (who * 7 + rng.integers(0, 2, ROWS)) % 600
    parties = pd.DataFrame(
        {
            "importer_id": [f"importer {number}" for number in who],
            "seller_id": np.where(rng.random(ROWS) < 0.9, [f"seller {number}" for number in sells], ""),
            "declarant_id": [f"broker {number}" for number in who % 50],
            "courier_id": "",
        }
    )
    rates = rng.choice([0.1, 0.2, 0.4], ROWS)
    odds = np.log(rates / (1 - rates))
    odds += np.sqrt(importer) * rng.standard_normal(4000)[who]
    odds += np.where(parties["seller_id"] != "", np.sqrt(seller) * rng.standard_normal(600)[sells], 0.0)
    return parties, (rng.random(ROWS) < 1 / (1 + np.exp(-odds))).astype(int), rates


@pytest.mark.parametrize(("importer", "seller"), [(0.0, 0.0), (0.4, 0.0), (0.0, 0.3), (0.4, 0.3)])
def test_the_variances_are_those_of_the_world(importer: float, seller: float):
    found = estimated_leanings(*_world(importer, seller))
    assert list(found) == list(IDENTITIES)
    assert found["importer_id"] == pytest.approx(importer, abs=0.12)
    assert found["seller_id"] == pytest.approx(seller, abs=0.1)
    assert found["declarant_id"] < 0.05
    assert found["courier_id"] == 0.0, "nobody is named"


def test_no_large_party_sets_the_variance_alone():
    parties, fraud, rates = _world(0.0, 0.0)
    one = np.arange(ROWS) < 4000
    parties.loc[one, "importer_id"] = "a giant"
    fraud[one] = np.random.default_rng(2).random(4000) < 0.8
    assert estimated_leanings(parties, fraud, rates)["importer_id"] < 0.2


def test_large_parties_with_rare_partners_are_told_from_them():
    """300 importers of 400 declarations each, of which 50 name a seller; both lean."""
    rng = np.random.default_rng(3)
    who = np.repeat(np.arange(300), 400)
    named = np.tile(np.arange(400) < 50, 300)
    sells = rng.integers(0, 200, len(who))
    odds = np.log(0.2 / 0.8) + np.sqrt(0.3) * rng.standard_normal(300)[who]
    odds += np.where(named, np.sqrt(0.3) * rng.standard_normal(200)[sells], 0.0)
    parties = pd.DataFrame(
        {
            "importer_id": who.astype(str).astype(object),
            "seller_id": np.where(named, sells.astype(str).astype(object), ""),
            "declarant_id": "",
            "courier_id": "",
        }
    )
    fraud = (rng.random(len(who)) < 1 / (1 + np.exp(-odds))).astype(int)
    found = estimated_leanings(parties, fraud, np.full(len(who), fraud.mean()))
    assert found["importer_id"] == pytest.approx(0.3, abs=0.1)
    assert found["seller_id"] == pytest.approx(0.3, abs=0.1)


def test_what_always_goes_together_does_not_lean_twice():
    rng = np.random.default_rng(4)
    broker = rng.integers(0, 200, ROWS)
    odds = np.log(0.2 / 0.8) + np.sqrt(0.3) * rng.standard_normal(200)[broker]
    own = pd.Series(broker.astype(str)).astype(object)
    parties = pd.DataFrame(
        {
            "importer_id": [f"importer {number}" for number in range(ROWS)],
            "seller_id": own,
            "declarant_id": own,
            "courier_id": own,
        }
    )
    fraud = (rng.random(ROWS) < 1 / (1 + np.exp(-odds))).astype(int)
    found = estimated_leanings(parties, fraud, np.full(ROWS, fraud.mean()))
    assert sum(found.values()) == pytest.approx(0.3, abs=0.08)


def _identities(seed: int = 1, rows: int = 20_000) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    tokens = [f"{number:08d}" for number in rng.integers(0, 5000, rows)]
    return pd.DataFrame({role: tokens for role in IDENTITIES}).assign(
        seller_id=np.where(rng.random(rows) < 0.5, tokens, "")
    )


def test_a_party_leans_alike_wherever_it_is_named_and_by_a_secret():
    first, second = _identities(1), _identities(2)
    variances = {"importer_id": 0.5}
    both = pd.concat([rows.assign(lean=leaning_of(rows, variances, b"s" * 32)) for rows in (first, second)])
    assert (both.groupby("importer_id")["lean"].nunique() == 1).all()
    assert both["lean"].nunique() == both["importer_id"].nunique()
    other = leaning_of(first, variances, b"t" * 32)
    assert abs(np.corrcoef(other, leaning_of(first, variances, b"s" * 32))[0, 1]) < 0.1


def test_parties_lean_with_the_variance_and_those_who_are_not_named_do_not():
    rows = _identities().drop_duplicates("importer_id")
    leaning = leaning_of(rows, {"importer_id": 0.5}, 1)
    assert leaning.var() == pytest.approx(0.5, rel=0.08)
    assert abs(leaning.mean()) < 0.04
    assert (leaning_of(rows, {"seller_id": 0.5}, 1) != 0).tolist() == (rows["seller_id"] != "").tolist()
    assert not leaning_of(rows, dict.fromkeys(IDENTITIES, 0.0), 1).any()


def test_leaning_moves_rates_and_keeps_their_mean():
    rng = np.random.default_rng(0)
    rates = rng.random(5000)
    leaning = rng.normal(0, 1, 5000)
    moved = leaned(rates, leaning)
    assert moved.mean() == pytest.approx(rates.mean(), abs=1e-6)
    assert np.corrcoef(moved - rates, leaning)[0, 1] > 0.8
    assert ((moved > 0) & (moved < 1)).all()
    assert (leaned(rates, np.zeros(5000)) == rates).all()
    assert len(leaned(rates[:0], leaning[:0])) == 0

"""Relations: information that two columns share beyond chance, and the share of lawful tuples."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from customs_assets.association import normalized_mutual_information
from customs_assets.declaration import RELEASED
from customs_assets.fidelity.relations import RELATIONS, lawful_share, relations


@pytest.mark.parametrize("seed", range(5))
def test_normalized_mutual_information_is_sklearns(seed):
    from sklearn.metrics import normalized_mutual_info_score

    rng = np.random.default_rng(seed)
    first = rng.integers(0, 12, 500)
    second = np.where(rng.random(500) < 0.6, first // 2, rng.integers(0, 40, 500))
    expected = normalized_mutual_info_score(first, second)
    assert normalized_mutual_information(first, second) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ([0, 0, 1, 1], [1, 1, 0, 0], 1.0),
        ([0, 0, 1, 1], [0, 1, 0, 1], 0.0),
        ([0] * 4, [0, 1, 2, 3], 0.0),
        ([0] * 4, [0] * 4, 1.0),
    ],
)
def test_normalized_mutual_information_by_hand(first, second, expected):
    assert normalized_mutual_information(np.array(first), np.array(second)) == pytest.approx(expected, abs=1e-12)


def test_a_kept_relation_shows_and_a_shuffled_one_does_not(declarations):
    rng = np.random.default_rng(7)
    importer = rng.integers(0, 60, 3000)
    columns = {
        "importer_id": [f"IMP{i:04d}" for i in importer],
        "hs6_code": [f"{i // 3:06d}" for i in importer],
        "seller_id": rng.choice(["", "SELLER1", "SELLER2"], 3000),
        "country_of_origin": rng.choice(["CN", "US"], 3000),
    }
    found = relations(declarations(rows=3000, **columns))
    assert list(found) == [f"{first}|{second}" for first, second in RELATIONS]
    # 60 importers of 20 codes: the code is known from the importer, so NMI = H(code) / mean of the two entropies.
    assert found["importer_id|hs6_code"] == pytest.approx(2 * np.log(20) / (np.log(20) + np.log(60)) - 0.056, abs=0.02)
    assert found["seller_id|country_of_origin"] == pytest.approx(0.0, abs=0.005)
    assert found["declarant_id|office_id"] == 0.0, "two constant columns tell nothing"


def test_relations_are_the_same_twice_and_take_ten_digit_codes(random_declarations):
    frame = random_declarations(500, seed=5)
    tens = frame.rename(columns={"hs6_code": "hs10_code"}).assign(
        hs10_code=frame["hs6_code"].str.ljust(6, "0") + "1234"
    )
    sixes = frame.assign(hs6_code=frame["hs6_code"].str.ljust(6, "0"))
    assert relations(sixes) == relations(sixes)
    assert relations(tens) == relations(sixes)
    assert relations(sixes, seed=1) != relations(sixes)


def test_published_importers_trade_at_random_and_couriers_do_not(published):
    headers = {attribute.header: attribute.name for attribute in RELEASED}
    frame = pd.read_csv(published / "df_syn_train_eng.csv", dtype=str, keep_default_na=False).rename(columns=headers)
    found = relations(frame)
    assert found["importer_id|hs6_code"] == pytest.approx(0.0, abs=0.001)
    assert found["seller_id|country_of_origin"] == pytest.approx(0.0, abs=0.005)
    assert found["mode_of_transport|courier_id"] > 0.05


def test_lawful_share_counts_whole_tuples(declarations):
    synthetic = declarations(
        rows=4,
        hs6_code=["090121", "440890", "440890", "090121"],
        country_of_departure=["JP", "CN", "CN", "JP"],
        country_of_origin=["JP", "CN", "CN", "JP"],
        tax_rate=[8.0, 0.0, 8.0, 8.0],
        tax_type=["A", "FCN1", "FCN1", "FCN1"],
    )
    assert lawful_share(synthetic.head(2), synthetic) == 0.5
    source = synthetic.head(2).rename(columns={"hs6_code": "hs10_code"})
    source = pd.concat([source.assign(hs10_code=source["hs10_code"] + tail) for tail in ("0000", "9090")])
    assert lawful_share(source, synthetic) == 0.5, "two domestic codes of one HS6 are one lawful tuple"


def test_no_law_at_all_is_refused(declarations):
    with pytest.raises(ValueError, match="the lawful tuples' frame has no rows"):
        lawful_share(declarations().head(0), declarations())

"""Composed identities: of the source's sizes and relations, and none of them a source identity under another name."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customs_assets.declaration import IDENTITIES
from customs_assets.disclosure.identities import LIKE, assign, compose, over_share, packed, too_few_donors
from customs_assets.fidelity.relations import relations

K = 5
CHAPTERS = ("09", "39", "61", "84", "85", "90")


def trade_of_importers(rows: int = 9000, seed: int = 3, importers: int = 3000) -> pd.DataFrame:
    """Importers who keep to a heading, an origin, an office and two sellers of that origin."""
    rng = np.random.default_rng(seed)
    size = rng.lognormal(0, 0.8, importers)
    importer = rng.choice(importers, rows, p=size / size.sum())
    heading = rng.integers(0, 8, importers)
    chapter = rng.integers(0, len(CHAPTERS), importers)
    origin = rng.choice(["CN", "JP", "US", "DE"], importers, p=[0.5, 0.2, 0.2, 0.1])
    office = rng.choice(["20", "30", "40"], importers)
    code = [f"{CHAPTERS[chapter[i]]}{heading[i]:02d}{rng.integers(1, 4)}00000" for i in importer]
    seller = [f"{origin[i]} seller {(i * 7 + rng.integers(2)) % 400}" if rng.random() < 0.9 else "" for i in importer]
    air = rng.random(rows) < 0.3
    return pd.DataFrame(
        {
            "declaration_id": [f"d{n}" for n in range(rows)],
            "importer_id": [f"importer {i}" for i in importer],
            "seller_id": seller,
            "declarant_id": [f"broker {office[i]} {i % 20}" for i in importer],
            "courier_id": np.where(air, [f"courier {i % 6}" for i in importer], ""),
            "hs10_code": code,
            "country_of_origin": origin[importer],
            "country_of_departure": origin[importer],
            "office_id": office[importer],
            "mode_of_transport": np.where(air, "40", "10"),
            "import_type": "11",
            "fraud": (rng.random(rows) < 0.2).astype(int),
            "goods_of": [f"d{n}" for n in range(rows)],
            "date": pd.to_datetime("2020-01-15") + pd.to_timedelta(31 * rng.integers(3, size=rows), unit="D"),
        }
    )


@pytest.fixture(scope="module")
def trade() -> pd.DataFrame:
    return trade_of_importers()


@pytest.fixture(scope="module")
def composed(trade: pd.DataFrame) -> pd.DataFrame:
    return compose(trade, trade, min_group=K, root=1)


def test_goods_that_changed_months_count_as_their_first_owners(trade: pd.DataFrame):
    """The attack: the goods of one importer are shown for many declarations. No new importer may gather them."""
    heading: pd.Series = trade["hs10_code"].str[:4]
    usual = (heading == heading.value_counts().index[0]).to_numpy()
    of_heading = trade[usual]
    owner = of_heading["importer_id"].value_counts().index[0]
    lent = of_heading.set_index("importer_id")["declaration_id"].groupby(level=0).first()[owner]
    composed = compose(trade.assign(goods_of=trade["declaration_id"].mask(usual, lent)), trade, min_group=K, root=1)
    of_one = pd.Series(usual).groupby(composed["importer_id"].to_numpy()).agg(["sum", "size"])
    large = of_one[of_one["size"] >= K]
    assert (large["sum"] <= np.ceil(large["size"] / 2)).mean() > 0.99
    assert (large["sum"] >= 2).sum() > 10


def _dealt_from(trade: pd.DataFrame, composed: pd.DataFrame) -> pd.DataFrame:
    """The declarations that the slots were dealt from, in the order of the slots."""
    return trade.set_index("declaration_id", drop=False).loc[composed["slot_id"]].reset_index(drop=True)


def test_who_names_nobody_still_names_nobody(trade: pd.DataFrame, composed: pd.DataFrame):
    assert composed["declaration_id"].tolist() == trade["declaration_id"].tolist()
    for role in IDENTITIES:
        assert ((composed[role] == "") == (_dealt_from(trade, composed)[role] == "")).all()


def test_every_declaration_has_a_slot_of_its_goods_and_every_slot_is_one_declarations(
    trade: pd.DataFrame, composed: pd.DataFrame
):
    assert set(composed) == {"declaration_id", "slot_id", *IDENTITIES, *LIKE}
    assert sorted(composed["slot_id"]) == sorted(trade["declaration_id"])
    assert composed["hs6_code"].tolist() == trade["hs10_code"].str[:6].tolist()
    assert composed["country_of_origin"].tolist() == trade["country_of_origin"].tolist()
    slots = _dealt_from(trade, composed)
    for column in LIKE[2:]:
        assert (composed[column] == slots[column]).all(), column
    assert (composed["country_of_origin"] == slots["country_of_origin"]).mean() > 0.99
    # Where the month has such a slot, it is one of the month: importers keep to their time.
    assert (slots["date"].dt.month == trade["date"].dt.month).mean() > 0.7


def test_an_importers_goods_are_of_enough_donors(trade: pd.DataFrame, composed: pd.DataFrame):
    """The attack: whose goods does a new importer have? If they were one real importer's, it would be that one."""
    goods = pd.DataFrame(
        {"new": composed["importer_id"], "donor": trade["importer_id"], "product": composed["hs6_code"]}
    )
    by_new = goods.groupby("new")
    sizes, donors = by_new.size(), by_new["donor"].nunique()
    large = sizes >= K
    assert (donors[large] >= K).mean() > 0.99
    largest = goods[["new", "donor"]].value_counts().groupby("new").max()
    assert (largest[large] <= np.ceil(sizes[large] / 2)).mean() > 0.99
    # Of a small one no two products are of one donor.
    products = goods.drop_duplicates().groupby(["new", "donor"]).size().groupby("new").max()
    assert (products[~large] == 1).mean() > 0.99
    assert (sizes[~large] > 1).sum() > 100


def test_relations_are_as_strong_as_the_sources(trade: pd.DataFrame, composed: pd.DataFrame):
    made = relations(composed)
    source = relations(trade)
    for pair in ("importer_id|hs6_code", "seller_id|country_of_origin", "declarant_id|office_id"):
        assert made[pair] / source[pair] == pytest.approx(1.0, abs=0.15), pair


def test_importers_that_mix_many_keep_to_goods_only_where_goods_are_concentrated(trade: pd.DataFrame):
    """Generalized goods scatter: there an importer's rows of a kind are few, and the exchange brings the relation back."""
    rng = np.random.default_rng(5)
    codes = trade["hs10_code"].to_numpy(dtype=object, copy=True)
    scattered = rng.random(len(codes)) < 0.5
    codes[scattered] = rng.permutation(codes[scattered])
    generalized = trade.assign(hs10_code=codes)
    composed = compose(generalized, trade, min_group=K, root=1)
    source = relations(trade)["importer_id|hs6_code"]
    dealt = {role: composed.set_index("slot_id")[role].loc[trade["declaration_id"]].to_numpy() for role in IDENTITIES}
    without = relations(generalized.assign(**dealt))["importer_id|hs6_code"]
    made = relations(composed)["importer_id|hs6_code"]
    assert made > without
    assert abs(made - source) < abs(without - source)
    assert made / source == pytest.approx(1.0, abs=0.15)
    for role in ("importer_id", "seller_id", "declarant_id"):
        assert _kept_from_one(trade, composed, role) > 0.99


def _kept_from_one(trade: pd.DataFrame, composed: pd.DataFrame, role: str) -> float:
    """The share of new identities that hold no more than a k-th of one source identity."""
    source = _dealt_from(trade, composed)
    named = (source[role] != "").to_numpy()
    mix = pd.DataFrame({"new": composed[role][named].to_numpy(), "source": source[role][named].to_numpy()})
    sizes, largest = mix.groupby("new").size(), mix.value_counts().groupby("new").max()
    return float((largest <= np.ceil(sizes / K)).mean())


def test_a_new_identity_holds_no_more_of_one_source_identity_than_a_kth(trade: pd.DataFrame, composed: pd.DataFrame):
    for role in ("importer_id", "seller_id", "declarant_id"):
        dealt_from = _dealt_from(trade, composed)
        named = (dealt_from[role] != "").to_numpy()
        new, source = (pd.factorize(frame[role][named])[0] for frame in (composed, dealt_from))
        mix = pd.DataFrame({"new": new, "source": source})
        sizes, largest = mix.groupby("new").size(), mix.value_counts().groupby("new").max()
        assert (largest <= np.ceil(sizes / K)).mean() > 0.99
        assert mix[mix["new"].isin(sizes.index[sizes >= K])].groupby("new")["source"].nunique().median() >= K


def test_a_token_is_hardly_ever_on_a_row_of_its_first_owner(trade: pd.DataFrame, composed: pd.DataFrame):
    assert (trade["importer_id"] == composed["importer_id"]).mean() < 0.05


def test_sizes_are_the_sources_but_for_those_that_would_single_an_importer_out(
    trade: pd.DataFrame, composed: pd.DataFrame
):
    before, after = (np.sort(frame["importer_id"].value_counts().to_numpy())[::-1] for frame in (trade, composed))
    assert before.sum() == after.sum()
    assert np.abs(before - after).sum() / before.sum() < 0.15
    shared = pd.Series(after).value_counts()
    # Groups of k are averaged; what does not divide evenly leaves two sizes, one apart.
    assert all(shared.get(size, 0) + shared.get(size - 1, 0) + shared.get(size + 1, 0) >= K for size in after[:K])


def test_where_the_source_has_no_relation_none_is_made(trade: pd.DataFrame):
    rng = np.random.default_rng(0)
    unrelated = trade.assign(**{role: rng.permutation(trade[role]) for role in IDENTITIES})
    made = compose(unrelated, unrelated, min_group=K, root=1)
    found = relations(made)
    assert found["importer_id|hs6_code"] == pytest.approx(relations(unrelated)["importer_id|hs6_code"], abs=0.01)


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 9)), min_size=1, max_size=60), st.integers(1, 6))
@settings(max_examples=50, deadline=None)
def test_rows_over_the_share_are_those_beyond_a_kth(pairs: list[tuple[int, int]], k: int):
    runs, sources = (np.array(column) for column in zip(*pairs, strict=True))
    kept = ~over_share(runs, sources, k)
    counts = pd.DataFrame({"run": runs[kept], "source": sources[kept]}).value_counts().reset_index()
    sizes = pd.Series(runs).value_counts()
    assert (counts["count"] <= np.ceil(counts["run"].map(sizes) / k)).all()


def _rows_to_name(trade: pd.DataFrame) -> pd.DataFrame:
    named = {f"{role}_named": np.where(trade[role] != "", "yes", "no") for role in ("seller_id", "courier_id")}
    return trade.drop(columns=[*IDENTITIES, "declaration_id"]).assign(**named)


def test_rows_like_the_slots_take_over_their_identities_each_once(trade: pd.DataFrame, composed: pd.DataFrame):
    slots = composed
    shuffled = _rows_to_name(trade).sample(frac=1.0, random_state=4)
    given_to = assign(shuffled, slots, np.random.default_rng(2))
    assert given_to.index.equals(shuffled.index)
    for role in IDENTITIES:
        assert sorted(given_to[role]) == sorted(slots[role]), "every slot serves once"
    made = relations(shuffled.assign(**{role: given_to[role] for role in IDENTITIES}))
    kept = relations(slots)
    assert made["importer_id|hs6_code"] == pytest.approx(kept["importer_id|hs6_code"], rel=0.02)
    assert made["importer_id|seller_id"] > 0.9 * kept["importer_id|seller_id"]


@pytest.mark.parametrize("rows", [1, 100, 12000])
def test_any_number_of_rows_gets_identities(trade: pd.DataFrame, composed: pd.DataFrame, rows: int):
    asked = _rows_to_name(trade).sample(rows, replace=True, random_state=1).reset_index(drop=True)
    given_to = assign(asked, composed, np.random.default_rng(2))
    assert (given_to["importer_id"] != "").all()
    assert ((given_to["courier_id"] != "") == (asked["courier_id_named"] == "yes")).all()


@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 6), st.integers(0, 2)), min_size=1, max_size=60),
    st.integers(1, 6),
)
@settings(max_examples=80, deadline=None)
def test_rows_are_called_for_another_donor_where_and_only_where_donors_are_too_few(
    rows: list[tuple[int, int, int]], k: int
):
    runs, donors, goods = (np.array(column) for column in zip(*rows, strict=True))
    called = too_few_donors(runs, donors, goods, k)
    for run in np.unique(runs):
        own, size = donors[runs == run], int((runs == run).sum())
        counts = np.bincount(own)
        if size < k:
            # Two products of one donor together might say what that one trades.
            enough = len(set(zip(own, goods[runs == run], strict=True))) == len(set(own))
        else:
            enough = np.count_nonzero(counts) >= k and counts.max() <= -(-size // 2)
        assert called[runs == run].any() == (not enough)
        # Never all rows of a donor: one may stay.
        assert set(own[~called[runs == run]]) == set(own)


def test_the_same_seed_composes_the_same_and_another_seed_another(trade: pd.DataFrame, composed: pd.DataFrame):
    pd.testing.assert_frame_equal(compose(trade, trade, min_group=K, root=1), composed)
    assert not compose(trade, trade, min_group=K, root=2).equals(composed)


def test_how_tokens_are_spelt_changes_nothing_but_the_tokens(trade: pd.DataFrame, composed: pd.DataFrame):
    respelt = trade.assign(importer_id=trade["importer_id"].map(lambda token: f"Z{hash(token) % 10**12}{token}"))
    made = compose(respelt, respelt, min_group=K, root=1)
    assert (pd.factorize(made["importer_id"])[0] == pd.factorize(composed["importer_id"])[0]).all()


def test_rows_are_packed_into_as_few_tokens_as_fit_and_every_token_gets_its_size():
    blocks = np.array([2, 0, 0, 1, 0, 1, 2, 0, 1, 0, 3])
    cells = np.where(blocks == 3, 1, 0)
    sizes, main = np.array([2, 5, 1, 3]), np.array([0, 0, 1, 0])
    order = np.argsort(blocks, kind="stable")
    runs = packed(sizes, main, cells, blocks, order, np.random.default_rng(0))
    assert (np.bincount(runs) == sizes).all()
    assert [set(runs[blocks == block]) for block in range(4)] == [{1}, {3}, {0}, {2}]


@given(st.lists(st.integers(1, 9), min_size=1, max_size=20), st.integers(0, 1000))
@settings(max_examples=50, deadline=None)
def test_packing_gives_every_row_a_token_whatever_the_sizes(sizes: list[int], seed: int):
    rng = np.random.default_rng(seed)
    rows = sum(sizes)
    blocks = np.sort(rng.integers(0, max(rows // 3, 1), rows))
    cells = blocks % 3
    main = rng.integers(0, 3, len(sizes))
    runs = packed(np.array(sizes), main, cells, blocks, np.arange(rows), rng)
    assert (np.bincount(runs, minlength=len(sizes)) == sizes).all()

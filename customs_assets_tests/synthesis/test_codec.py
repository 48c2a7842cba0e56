"""The codec as a whole: what the model sees, what comes back, and what it refuses to learn from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from customs_assets.declaration import FORM_CODES, IDENTITIES, TARIFF_TUPLE
from customs_assets.synthesis.codec import CONTINUOUS, Codec
from customs_assets.synthesis.encodings.categorical import RARE
from customs_assets.synthesis.encodings.tariff import PARTS

if TYPE_CHECKING:
    from conftest import RawMonth

K = 5


@pytest.fixture(scope="module")
def declarations(raw_month: RawMonth) -> pd.DataFrame:
    return raw_month.anonymized()


@pytest.fixture(scope="module")
def codec(raw_month: RawMonth, declarations: pd.DataFrame) -> Codec:
    return Codec.fit(declarations, raw_month.unit_prices, K)


def test_the_model_sees_parts_and_flags_and_no_identity(codec: Codec, declarations: pd.DataFrame):
    table = codec.encode(declarations)
    flags = ["seller_id_named", "courier_id_named", "log_net_mass", "price_given", "residual"]
    assert table.columns.tolist() == ["label", "week", "weekday", *FORM_CODES, *PARTS, *flags]
    assert set(table.columns) - set(codec.discrete_columns(table)) == set(CONTINUOUS)
    tokens = set(declarations[list(IDENTITIES)].to_numpy().ravel()) - {""}
    assert not tokens & set(table[codec.discrete_columns(table)].to_numpy().ravel())
    assert (table["seller_id_named"] == "yes").tolist() == (declarations["seller_id"] != "").tolist()


def test_a_code_of_fewer_than_k_importers_is_not_shown(codec: Codec, declarations: pd.DataFrame):
    behind = declarations.groupby("office_id")["importer_id"].nunique()
    assert 0 < behind["99"] < K
    shown = codec.encode(declarations)["office_id"]
    assert set(shown) == {"013", "20", RARE}
    assert (shown == RARE).sum() == (declarations["office_id"] == "99").sum()


def test_decoding_gives_back_what_was_encoded(codec: Codec, declarations: pd.DataFrame):
    table = codec.encode(declarations)
    decoded = codec.decode(table, np.random.default_rng(0))
    exact = ["date", "office_id", "import_type", "payment_type", "mode_of_transport", "fraud", "critical_fraud"]
    pd.testing.assert_frame_equal(decoded[exact], declarations[exact])
    lawful = set(map(tuple, declarations[list(TARIFF_TUPLE)].to_numpy()))
    assert set(map(tuple, decoded[list(TARIFF_TUPLE)].to_numpy())) <= lawful
    pd.testing.assert_frame_equal(codec.tariff.encode(decoded), table[list(PARTS)])
    assert (decoded["item_price"] == 0).tolist() == (declarations["item_price"] == 0).tolist()
    heaped = declarations["net_mass"].isin(codec.mass.bands.heaps)
    assert heaped.sum() > 50
    assert decoded.loc[heaped, "net_mass"].equals(declarations.loc[heaped, "net_mass"])


def test_the_model_rows_of_the_source_have_the_columns_of_a_decoded_draft(codec: Codec, declarations: pd.DataFrame):
    decoded = codec.decode(codec.encode(declarations), np.random.default_rng(0))
    assert set(codec.model_rows(declarations).columns) == set(decoded.columns)


def test_pricing_the_source_rows_again_gives_their_prices(codec: Codec, declarations: pd.DataFrame):
    priced = codec.with_prices(codec.model_rows(declarations))
    assert (priced["item_price"] - declarations["item_price"]).abs().max() <= 0.05


def test_what_cannot_be_learned_from_is_refused(raw_month: RawMonth, declarations: pd.DataFrame):
    prices = raw_month.unit_prices
    with pytest.raises(ValueError, match="no inspected declarations"):
        Codec.fit(declarations.iloc[:0], prices, K)
    with pytest.raises(ValueError, match="no declaration has a mass and a price, so there are no unit prices"):
        Codec.fit(declarations, prices[prices["category"] != ""], K)
    with pytest.raises(ValueError, match="must be one of"):
        Codec.fit(declarations.assign(fraud=0), prices, K)

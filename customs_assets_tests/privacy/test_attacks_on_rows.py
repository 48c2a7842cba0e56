"""Copies, membership, linkage and the account of the k rule: what they say of an honest table and of one that leaks."""

from __future__ import annotations

import numpy as np
import pytest

from customs_assets.privacy.counts import GroupAccount, copies, group_account
from customs_assets.privacy.linkage import linkage
from customs_assets.privacy.membership.measure import membership


def test_a_copy_is_found_whatever_its_date_and_key(declarations):
    source = declarations(rows=3, net_mass=[1.0, 2.0, 3.0]).rename(columns={"hs6_code": "hs10_code"})
    source = source.assign(hs10_code=source["hs10_code"] + "0000")
    synthetic = declarations(
        rows=5,
        date=["2021-06-30"] * 5,
        net_mass=[1.0, 1.0, 2.0000001, 3.0, 3.0],
        importer_id=["IMPORTS", "ANOTHER", "IMPORTS", "IMPORTS", "IMPORTS"],
        office_id=["10", "10", "10", "11", "10"],
    )
    # a and e copy all; b all but the importer; c differs in the last decimal, d in its office.
    assert copies(synthetic, source) == (2, 3), "with identities and without"


def test_a_fresh_sample_hides_its_members_and_copies_betray_them(world):
    honest = membership(world.fresh, world.training, world.control)
    assert honest.auc < 0.5 + 5 * honest.standard_error
    assert honest.members < len(world.control), "half of control is the attacker's reference"
    leaking = membership(world.training, world.training, world.control)
    assert leaking.aucs["closest"] > 0.95
    assert leaking.auc == leaking.aucs[leaking.strongest] == max(leaking.aucs.values())
    assert leaking == membership(world.training, world.training, world.control)


def test_members_hidden_in_a_few_copied_cells_are_found_by_the_informed_attack(world):
    rng = np.random.default_rng(3)
    leak = world.fresh.sample(len(world.training), replace=True, random_state=1).reset_index(drop=True)
    donors = world.training.reset_index(drop=True)
    # A quarter of the rows carries the exact mass and price of a training row, and nothing else of it.
    hit = rng.random(len(leak)) < 0.25
    for column in ("net_mass", "item_price"):
        leak[column] = np.where(hit, donors[column], leak[column])
    found = membership(leak, world.training, world.control)
    assert found.strongest == "informed"
    assert found.auc > 0.55


def test_one_control_importer_cannot_be_halved(world):
    one = world.control[world.control["importer_id"] == world.control["importer_id"].iloc[0]]
    with pytest.raises(ValueError, match="control has 1 importers"):
        membership(world.fresh, world.training, one)


def test_importers_kept_under_their_token_are_named_and_recognised(world):
    kept = linkage(world.training.sample(frac=0.7, random_state=2), world.training, world.control)
    assert kept.named_training > 0.5 and kept.named_control == 0.0
    assert kept.recognised_training > 0.5
    assert kept.advantage >= kept.named_training - kept.named_control


def test_importers_kept_under_new_tokens_are_recognised_all_the_same(world):
    renamed = world.training.assign(importer_id="X" + world.training["importer_id"].str[1:]).sample(
        frac=0.7, random_state=2
    )
    kept = linkage(renamed, world.training, world.control)
    assert np.isnan(kept.named_training)
    assert kept.recognised_training > 0.5
    made_from = {token: "A" + token[1:] for token in renamed["importer_id"].unique()}
    told = linkage(renamed, world.training, world.control, made_from=made_from)
    assert told.named_training > 0.5


def test_importers_of_a_world_of_its_own_are_not_linked(world):
    honest = linkage(world.fresh, world.training, world.control)
    assert np.isnan(honest.named_training), "no token is shared, so nobody can be named"
    assert honest.advantage < 0.1
    assert abs(honest.auc - 0.5) < 4 * honest.standard_error
    assert honest.recognised_control <= 0.05


def test_thin_profiles_are_left_alone_and_none_at_all_is_refused(world):
    assert linkage(world.fresh, world.training, world.control, least_declarations=15).training_importers < 100
    with pytest.raises(ValueError, match="no importer of training has 1000 declarations"):
        linkage(world.fresh, world.training, world.control, least_declarations=1000)


def test_the_account_counts_the_importers_behind_what_is_shown(declarations):
    source = declarations(
        rows=6,
        importer_id=["I1", "I2", "I2", "I3", "I4", "I4"],
        office_id=["10", "10", "10", "20", "30", "40"],
        tax_rate=[8.0, 8.0, 8.0, 8.0, 0.0, 0.0],
        seller_id=["", "", "S1", "S1", "S1", "S2"],
    )
    synthetic = declarations(
        rows=4,
        importer_id=["I9", "I2", "I9", "I9"],
        office_id=["10", "20", "20", "99"],
        tax_rate=[8.0, 0.0, 8.0, 8.0],
        seller_id=["S1", "", "S2", "S2"],
    )
    account = group_account(synthetic, source, min_group=2)
    # Office 10 rests on I1 and I2, 20 on I3 alone and is shown twice, 99 on nobody.
    assert account["office_id"] == GroupAccount("office_id", 3, 1, 1, 1, 2)
    assert account["tax_rate"] == GroupAccount("tax_rate", 2, 0, 1, 1, 1)
    assert account["tariff tuple"] == GroupAccount("tariff tuple", 2, 0, 1, 1, 1)
    # I2 trades that code in the source; I9 is nobody's token.
    assert account["importer|hs6"] == GroupAccount("importer|hs6", 2, 1, 1, 1, 1)
    # An empty seller names nobody.
    assert account["seller|origin"].shown == 2
    assert group_account(synthetic, source, min_group=1)["office_id"].under_k == 0

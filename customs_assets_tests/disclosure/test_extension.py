"""Composed identities go on: who was published trades alike later, new ones join, and all releases together name no party."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from customs_assets.declaration import IDENTITIES
from customs_assets.disclosure.extension import Published, extended
from customs_assets.disclosure.identities import compose, over_share, too_few_donors
from customs_assets_tests.disclosure.test_identities import K, trade_of_importers

ROLE = "importer_id"


class Office:
    """Two months that were published, and a third that follows."""

    def __init__(self) -> None:
        trade = trade_of_importers(rows=5000, importers=1200)
        month = trade["date"].dt.strftime("%Y-%m")
        self.first = trade[month < "2020-03"].reset_index(drop=True)
        self.later = trade[month == "2020-03"].reset_index(drop=True)
        self.slots = compose(self.first, self.first, min_group=K, root=1)
        self.dealt = compose(self.later, self.later, min_group=K, root=2)
        self.parties = self._parties(self.later, self.dealt)
        self.published = Published(frozenset({"2020-01", "2020-02"}), self.slots, self._parties(self.first, self.slots))

    @staticmethod
    def _parties(trade: pd.DataFrame, slots: pd.DataFrame) -> pd.DataFrame:
        dealt = trade.set_index("declaration_id").loc[slots["slot_id"], list(IDENTITIES)].reset_index(drop=True)
        month = trade["date"].dt.strftime("%Y-%m").to_numpy()
        return dealt.assign(donor=trade[ROLE].to_numpy(), month=month)

    def extended(self, published: Published | None = None, root: int = 3) -> pd.DataFrame:
        return extended(self.dealt, self.parties, published or self.published, min_group=K, root=root)

    def resting_on_few(self, slots: pd.DataFrame) -> float:
        """The attack: whose declarations are behind one token, over all releases? The share of rows of too few."""
        both = pd.concat([self.slots, slots], ignore_index=True)
        assert self.published.parties is not None
        parties = pd.concat([self.published.parties, self.parties], ignore_index=True)
        runs, source, donor = (pd.factorize(column)[0] for column in (both[ROLE], parties[ROLE], parties["donor"]))
        goods = pd.factorize(both["hs6_code"] + both["country_of_origin"])[0]
        return float((over_share(runs, source, K) | too_few_donors(runs, donor, goods, K)).mean())


@pytest.fixture(scope="module")
def office() -> Office:
    return Office()


@pytest.fixture(scope="module")
def made(office: Office) -> pd.DataFrame:
    return office.extended()


def test_what_slots_trade_stays_and_only_their_names_change(office: Office, made: pd.DataFrame):
    others = [name for name in made if name not in IDENTITIES]
    pd.testing.assert_frame_equal(made[others], office.dealt[others])
    for role in IDENTITIES:
        pairs = pd.DataFrame({"old": office.dealt[role], "new": made[role]}).drop_duplicates()
        assert pairs["old"].is_unique and pairs["new"].is_unique
        assert ((made[role] == "") == (office.dealt[role] == "")).all()


def test_as_many_go_on_as_come_again_in_the_source(office: Office, made: pd.DataFrame):
    for role in (ROLE, "seller_id"):
        known, own = set(office.slots[role]) - {""}, set(office.later[role]) - {""}
        again = len(own & set(office.first[role])) / len(own)
        names = set(made[role]) - {""}
        assert len(names & known) / len(names) == pytest.approx(again, abs=0.06)
        assert 0.1 < again < 1


def test_who_goes_on_trades_alike(office: Office, made: pd.DataFrame):
    def main(slots: pd.DataFrame, column: str) -> pd.Series:
        slots = slots.assign(chapter=slots["hs6_code"].str[:2])
        return slots.groupby(ROLE)[column].agg(lambda values: values.value_counts().index[0])

    for column, least in (("country_of_origin", 0.9), ("chapter", 0.5)):
        before, after = main(office.slots, column), main(made, column)
        both = before.index.intersection(after.index)
        assert len(both) > 100
        chance = (before[both].to_numpy() == after[both].sample(frac=1, random_state=1).to_numpy()).mean()
        assert (before[both] == after[both]).mean() > least > chance + 0.15


def test_which_identity_goes_on_does_not_say_who_came_again(office: Office, made: pd.DataFrame):
    """The attack: a token that goes on was dealt from declarations of somebody who was there before."""
    goes_on = made[ROLE].isin(set(office.slots[ROLE])).to_numpy()
    came_again = office.parties[ROLE].isin(set(office.first[ROLE])).to_numpy()
    size = made.groupby(ROLE)[ROLE].transform("size").to_numpy()
    alike = size == 2
    assert alike.sum() > 100
    assert goes_on[alike & came_again].mean() == pytest.approx(goes_on[alike & ~came_again].mean(), abs=0.12)


def test_an_identity_rests_on_enough_parties_over_all_releases(office: Office, made: pd.DataFrame):
    unknown = Published(office.published.months, office.slots)
    assert office.resting_on_few(office.extended(unknown)) > 2 * office.resting_on_few(made), "the attack works"
    assert office.resting_on_few(made) < 0.01


def test_new_tokens_are_nobodys_that_was_published_and_the_draw_is_the_same_again(office: Office, made: pd.DataFrame):
    pd.testing.assert_frame_equal(office.extended(), made)
    assert not office.extended(root=4).equals(made)
    joined = made[ROLE].isin(set(office.slots[ROLE]))
    assert (~joined).sum() > 100
    assert made[ROLE].str.len().min() > 0 and np.isin(made.loc[~joined, ROLE], office.later[ROLE]).mean() > 0.9

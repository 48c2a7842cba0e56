"""Composed identities of months that follow published ones: who was published goes on trading, and new ones join.

What was published stays. So later months are dealt by themselves (``identities.compose``), and then some of their new identities
are *joined* to published ones of like trade: they get that one's token. As many join as identities of the source come again, of
their size. Which ones join is drawn at random, and is not told by who came again in the source. Else a token that goes on would
say that some importer of this origin was inspected again, and a new token that somebody came in.

An identity that was joined still takes no more than a ``k``-th of all its declarations, rounded up, from one real party, and its
goods are still of enough donors. A pair that would break this is parted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from customs_assets.disclosure.identities import ROLES, Role, over_share, too_few_donors
from customs_assets.disclosure.safe_groups import with_shorter_codes
from customs_assets.seeds import Root, derive_rng

ASSET = "extended_identities"

# Sizes are told apart up to this one.
_LARGE = 10

# How often pairs that may not be are drawn anew before they are parted.
_ROUNDS = 10

# Tokens of the pipeline: capitals and digits (``anonymization/identities.py``).
_ALPHABET = np.array(list("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"))


@dataclass(frozen=True)
class Published:
    """What was published of identities.

    Attributes:
        months: the published months.
        slots: what each identity trades: the identity columns, and columns of ``identities.LIKE``. Slots of
            :func:`identities.compose`, or published rows.
        parties: for each slot, whose declaration it was dealt from, by the roles' ``sources``, and in ``donor`` whose goods it
            has. None where nobody knows; then published declarations are not counted with the new ones.
    """

    months: frozenset[str]
    slots: pd.DataFrame
    parties: pd.DataFrame | None = None


def extended(
    composed: pd.DataFrame, parties: pd.DataFrame, published: Published, *, min_group: int, root: Root
) -> pd.DataFrame:
    """The slots of later months with some of their identities joined to published ones.

    Args:
        composed: n slots of the later months, by :func:`identities.compose`.
        parties: n rows: whose declaration each slot was dealt from (the four identity columns), in ``donor`` whose goods it has,
            and its ``month``.
        published: what was published.
        min_group: ``k``.
        root: what draws derive from.

    Returns:
        The n slots. Each identity has a token of a published one, or one that no published identity has.
    """
    later, before = with_shorter_codes(composed), with_shorter_codes(published.slots)
    for role in ROLES:
        rng = derive_rng(root, ASSET, ",".join(sorted(set(parties["month"]))), role.name)
        names = _joined_names(later, before, parties, published.parties, role, min_group, rng)
        later[role.name] = later[role.name].map({**names, "": ""}).to_numpy(dtype=object)
    return later[list(composed.columns)].set_axis(composed.index)


def _joined_names(
    later: pd.DataFrame,
    before: pd.DataFrame,
    parties: pd.DataFrame,
    parties_before: pd.DataFrame | None,
    role: Role,
    min_group: int,
    rng: np.random.Generator,
) -> dict[str, str]:
    """The new token of each new identity of a role, by the token that it was dealt with."""
    runs, known = _sizes(later[role.name]), _sizes(before[role.name])
    if runs.empty:
        return {}
    joining = _come_again(runs, _sizes(parties[role.name]), set(known.index), rng)
    habits = _habits(later, role, joining)
    pairs = _pairs(habits, _habits(before, role, known), role, rng)
    if parties_before is not None:
        alike = habits[role.order[0]]
        pairs = _allowed(pairs, alike, later, before, parties, parties_before, role, min_group, rng)
    fresh = [token for token in parties[role.name].unique() if token and token not in known.index]
    fresh = list(rng.permutation(np.array(sorted(fresh), dtype=object)))
    taken = {*known.index, *fresh}
    names = dict(pairs)
    for run in runs.index:
        if run not in names:
            names[run] = fresh.pop() if fresh else _unused(taken, run, rng)
    return names


def _sizes(tokens: pd.Series) -> pd.Series:
    """How many rows each token has, in the order in which they first occur; nobody is left out."""
    return tokens[tokens != ""].groupby(tokens, sort=False).size()


def _come_again(runs: pd.Series, source: pd.Series, known: set[str], rng: np.random.Generator) -> pd.Series:
    """The new identities that are joined: each with the share of the source's of its size that were published before.

    Sizes of which the source has few identities are drawn by the share of all.
    """
    again = source.index.isin(list(known))
    size = np.minimum(source.to_numpy(), _LARGE)
    share = np.full(_LARGE + 1, again.mean() if len(again) else 0.0)
    for one in range(1, _LARGE + 1):
        if (size == one).sum() >= _LARGE:
            share[one] = again[size == one].mean()
    chance = share[np.minimum(runs.to_numpy(), _LARGE)]
    return runs[rng.random(len(runs)) < chance]


def _habits(rows: pd.DataFrame, role: Role, sizes: pd.Series) -> pd.DataFrame:
    """What each of some identities trades most, by the columns of ``role.order``, and its ``size``."""
    own = rows.loc[rows[role.name].isin(sizes.index), [role.name, *role.order]]
    counts = own.value_counts().reset_index()
    counts = counts.sort_values([role.name, "count", *role.order], ascending=[True, False, *[True] * len(role.order)])
    main = counts.drop_duplicates(role.name).set_index(role.name)[list(role.order)]
    return main.reindex(sizes.index).assign(size=sizes.to_numpy())


def _pairs(joining: pd.DataFrame, known: pd.DataFrame, role: Role, rng: np.random.Generator) -> dict[str, str]:
    """A published identity for each that joins: one that trades alike, and of those the larger for the larger."""
    pairs: dict[str, str] = {}
    for depth in range(len(role.order), -1, -1):
        sides = []
        for frame, used in ((joining, set(pairs)), (known, set(pairs.values()))):
            left = frame[~frame.index.isin(list(used))]
            left = left.iloc[np.lexsort([rng.random(len(left)), -left["size"].to_numpy()])]
            key = list(role.order[:depth])
            turn = left.groupby(key, sort=False).cumcount() if key else np.arange(len(left))
            sides.append(left[key].assign(turn=turn, token=left.index))
        met = sides[0].merge(sides[1], on=[*role.order[:depth], "turn"], suffixes=("", "_known"))
        pairs |= dict(zip(met["token"], met["token_known"], strict=True))
    return pairs


def _allowed(
    pairs: Mapping[str, str],
    alike: pd.Series,
    later: pd.DataFrame,
    before: pd.DataFrame,
    parties: pd.DataFrame,
    parties_before: pd.DataFrame,
    role: Role,
    min_group: int,
    rng: np.random.Generator,
) -> dict[str, str]:
    """The pairs that rest on enough parties together. The others change partners, and are parted if that does not help.

    They change them with identities that have the same in ``alike``, at first.
    """
    names = dict(pairs)
    likes = {value: np.array(sorted(runs), dtype=object) for value, runs in alike.groupby(alike).groups.items()}
    everybody = np.array(sorted(names), dtype=object)
    own, own_parties = _of(later, parties, role, list(names))
    old, old_parties = _of(before, parties_before, role, list(names.values()))
    for left in range(_ROUNDS, -1, -1):
        wrong = _wrong(own, own_parties, old, old_parties, names, role, min_group)
        if not wrong:
            break
        if not left:
            return {run: token for run, token in names.items() if run not in wrong}
        for run in wrong:
            other = rng.choice(likes[alike[run]] if left > _ROUNDS // 2 else everybody)
            if other in names:
                names[run], names[other] = names[other], names[run]
    return names


def _of(rows: pd.DataFrame, parties: pd.DataFrame, role: Role, tokens: list[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    here = rows[role.name].isin(tokens).to_numpy()
    return rows[here].reset_index(drop=True), parties[here].reset_index(drop=True)


def _wrong(
    own: pd.DataFrame,
    own_parties: pd.DataFrame,
    old: pd.DataFrame,
    old_parties: pd.DataFrame,
    names: Mapping[str, str],
    role: Role,
    min_group: int,
) -> list[str]:
    """The identities that rest on too few parties with their partners, and did not by themselves."""
    token = np.concatenate([old[role.name].to_numpy(dtype=object), own[role.name].map(names).to_numpy(dtype=object)])
    goods = pd.concat([old, own], ignore_index=True)
    both = pd.concat([old_parties, own_parties], ignore_index=True)
    runs = pd.factorize(token)[0]
    alone = runs + np.where(np.arange(len(token)) < len(old), 0, runs.max(initial=0) + 1)
    product = pd.factorize(goods["hs6_code"] + goods["country_of_origin"])[0]
    source, donor = (pd.factorize(both[name])[0] for name in (role.sources, "donor"))
    found = np.zeros(runs.max(initial=0) + 1, dtype=int)
    for of, sign in ((runs, 1), (alone, -1)):
        np.add.at(found, runs, sign * over_share(of, source, min_group).astype(int))
        if role.name == "importer_id":
            np.add.at(found, runs, sign * too_few_donors(of, donor, product, min_group).astype(int))
    wrong = set(token[np.isin(runs, np.flatnonzero(found > 0))])
    return [run for run, partner in names.items() if partner in wrong]


def _unused(taken: set[str], like: str, rng: np.random.Generator) -> str:
    """A token that nobody has, of the length of another."""
    while (token := "".join(rng.choice(_ALPHABET, len(like)))) in taken:
        continue
    taken.add(token)
    return token

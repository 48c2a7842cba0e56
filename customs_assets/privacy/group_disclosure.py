"""Group disclosure: a group that is shown with one value says it of everybody in it.

A release may hide who is who, and still say the same of all (the homogeneity attack: Machanavajjhala et al. 2007, *l-Diversity*,
section 2.1). The attacker knows that somebody trades a product code from an origin, or in a month. He looks at the release's rows
of that group. Where all of them have one value, he guesses that all declarations of this importer in the group have it.

A group is taken where the release has :data:`LEAST_ROWS` rows of it at least, of two importers at least. What is guessed:

- ``fraud``: all were found to be frauds of one kind. That nothing was found is what everybody guesses of everybody.
- ``seller``: all buy from one seller. Tokens count as known: a release draws them anew, which hides a hit from the attacker, but
  it is a hit all the same.
- ``office``: all declare at one customs office.
- ``price``: all prices per kilogram lie between the same two powers of two, and between others than those that most importers of
  the product code have, ``k`` at least. What goods usually cost is no news of anybody: official statistics tell value and
  quantity of each code. What one importer pays is news, however many declarations it has.

The same guesses are made of the importers of the control half who are in the group.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pandas as pd

from customs_assets.privacy.cells import MONTH, UNIT_PRICE_BAND, alike, column, numbered
from customs_assets.privacy.risk import Guesses, Risk, risk_of_guesses, strongest

# A group: goods of an origin, or goods of a month.
GROUPS: tuple[tuple[str, ...], ...] = (("hs6_code", "country_of_origin"), ("hs6_code", MONTH))
VALUES: dict[str, str] = {
    "fraud": "critical_fraud",
    "seller": "seller_id",
    "office": "office_id",
    "price": UNIT_PRICE_BAND,
}
LEAST_ROWS = 2

# A group that is shown with one of these is no news of anybody; an attribute that the form has not is empty in every row.
_NO_NEWS: dict[str, object] = {"fraud": 0, "seller": "", "office": ""}

# A group that is shown with what declarations of its product code usually have is no news of this either.
_USUAL_OF_GOODS = ("price",)


def group_disclosure(
    synthetic: pd.DataFrame, training: pd.DataFrame, control: pd.DataFrame, min_group: int = 5
) -> Risk:
    """The risk that what a whole group is shown with is so of its importers; the strongest of :data:`VALUES`.

    Args:
        synthetic: rows made from ``training`` alone.
        training: the source's rows that they were made from.
        control: rows of other importers of the same source.
        min_group: ``k``: what fewer importers have is nothing that is usual.

    Returns:
        The risk. ``baseline_successes``: importers of training who would be guessed right with the value that most rows of the
        release have.

    Raises:
        NothingToAttack: the release shows no such group in which training has an importer.
        CannotBeMeasured: it does, and no importer of control is in one.
    """
    frames = synthetic, training, control
    measures: list[Callable[[], Risk]] = [partial(_risk, frames, value, min_group) for value in VALUES]
    return strongest(measures)


def _risk(frames: tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame], value: str, min_group: int) -> Risk:
    values, _ = numbered(frames, [VALUES[value]])
    found = [_guesses(frames, columns, value, values, min_group) for columns in GROUPS]
    sides = []
    for number, frame in enumerate(frames[1:]):
        whom, right = (np.concatenate([one[number][part] for one in found]) for part in (0, 1))
        sides.append(Guesses.on_importers(np.arange(frame["importer_id"].nunique()), whom, right))
    training, control = sides
    blind = sum(int(one[0][2].sum()) for one in found)
    return risk_of_guesses(training, control, blind, f"{value} of all of a group", len(VALUES))


def _guesses(
    frames: tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame],
    columns: tuple[str, ...],
    value: str,
    values: list[np.ndarray],
    min_group: int,
) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """For training and control: the importers in groups of one value, whether it is theirs, and whether the usual one is."""
    cells, count = numbered(frames, columns)
    synthetic, shown, seen = frames[0], cells[0], values[0]
    one, which = alike(shown, seen, count)
    several = ~alike(shown, pd.factorize(synthetic["importer_id"])[0], count)[0]
    guessed = one & several & (np.bincount(shown, minlength=count) >= LEAST_ROWS)
    if value in _NO_NEWS:
        no_news = column(synthetic, VALUES[value]) == _NO_NEWS[value]
        guessed[np.unique(shown[no_news])] = False
    if value in _USUAL_OF_GOODS:
        # What is usual the declarations say: by what it shows itself, a release could call anything usual.
        goods, kinds = numbered(frames, ["hs6_code"])
        owners = np.concatenate([frame["importer_id"].to_numpy() for frame in frames[1:]])
        usual_price = _usual_of(np.concatenate(goods[1:]), np.concatenate(values[1:]), owners, kinds, min_group)
        guessed[np.unique(shown[usual_price[goods[0]] == seen])] = False
    usual = np.bincount(seen).argmax()
    found = []
    for frame, cell, own in zip(frames[1:], cells[1:], values[1:], strict=True):
        rows = guessed[cell]
        who, everyone = pd.factorize(frame["importer_id"])
        pair, place = np.unique(cell[rows].astype(np.int64) * len(everyone) + who[rows], return_inverse=True)
        wrong = np.bincount(place, own[rows] != which[cell[rows]], len(pair))
        unusual = np.bincount(place, own[rows] != usual, len(pair))
        found.append((pair % len(everyone), wrong == 0, unusual == 0))
    return found


def _usual_of(goods: np.ndarray, value: np.ndarray, owners: np.ndarray, kinds: int, min_group: int) -> np.ndarray:
    """The value that most importers of each product code have, of two that are as frequent the lower one.

    Args:
        goods: the product code of each of n rows, integers from 0.
        value: of each row, integers from 0.
        owners: whose each row is.
        kinds: how many product codes there are.
        min_group: importers that must have it.

    Returns:
        Shape (kinds,); -1 where fewer importers have any one value.
    """
    rows = pd.DataFrame({"goods": goods, "value": value, "owner": owners}).drop_duplicates()
    pairs = rows.value_counts(["goods", "value"], sort=False).reset_index(name="importers")
    pairs = pairs[pairs["importers"] >= min_group]
    most = pairs.sort_values(["goods", "importers", "value"], ascending=[True, False, True]).drop_duplicates("goods")
    usual = np.full(kinds, -1)
    usual[most["goods"].to_numpy()] = most["value"].to_numpy()
    return usual

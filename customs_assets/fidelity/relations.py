"""The relations that a release must keep: who trades what with whom, and what the tariff allows.

Table 2 does not see them: the paper's release scores well there and lost every trading relation. What belongs here measures one
frame, or one frame against the law.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from customs_assets.association import normalized_mutual_information
from customs_assets.declaration import RELEASED_TUPLE, STAND_INS
from customs_assets.fidelity.comparison import compared_columns
from customs_assets.seeds import derive_rng

_RELATIONS = (
    ("importer_id", "hs6_code"),
    ("seller_id", "country_of_origin"),
    ("declarant_id", "office_id"),
    ("importer_id", "seller_id"),
    ("mode_of_transport", "courier_id"),
)
RELATIONS: tuple[tuple[str, str], ...] = tuple(pair for pair in _RELATIONS if STAND_INS.keys().isdisjoint(pair))


def relations(frame: pd.DataFrame, seed: int = 2020, shuffles: int = 3) -> dict[str, float]:
    """How strongly the parties and the goods of a frame hang together.

    A relation is the normalized mutual information of its two columns less the mean of what remains when the second column is
    shuffled, since many rare values share information by chance. An empty seller or courier is a value.

    Args:
        frame: declarations with the columns of :data:`RELATIONS` (``hs10_code`` is cut to six digits).
        seed: base seed of the shuffles.
        shuffles: number of shuffles, at least 1.

    Returns:
        A number by ``first|second``: about 0 for unrelated columns, near 1 for columns that determine each other.

    Raises:
        ValueError: the frame has no rows or lacks a column.
    """
    names = list(dict.fromkeys(name for pair in RELATIONS for name in pair))
    columns = compared_columns(frame, "compared", names)
    codes = {name: pd.factorize(columns[name], use_na_sentinel=False)[0] for name in names}
    found = {}
    for first, second in RELATIONS:
        name, a, b = f"{first}|{second}", codes[first], codes[second]
        rng = derive_rng(seed, "relations", purpose=name)
        chance = [normalized_mutual_information(a, rng.permutation(b)) for _ in range(shuffles)]
        found[name] = normalized_mutual_information(a, b) - float(np.mean(chance))
    return found


def lawful_share(lawful: pd.DataFrame, synthetic: pd.DataFrame) -> float:
    """Share of synthetic rows whose tariff tuple stands in the lawful rows, in [0, 1]; tax rates are compared exactly.

    Raises:
        ValueError: a frame has no rows or lacks a column of the tuple.
    """
    columns = list(RELEASED_TUPLE)
    allowed = compared_columns(lawful, "lawful tuples'", columns).drop_duplicates()
    rows = compared_columns(synthetic, "synthetic", columns)
    return float((rows.merge(allowed, how="left", on=columns, indicator=True)["_merge"] == "both").mean())

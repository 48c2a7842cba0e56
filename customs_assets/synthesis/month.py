"""One synthetic month, from a trained model to rows that may be scored: draft, polish, identities, repair, keys.

What belongs here is the order of these steps and what ties a whole row together: consistent keys, dates inside the month, no
row that copies a source row. Each step's method is in a module of its own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from customs_assets.declaration import CATEGORICAL, IDENTITIES, RELEASED, RELEASED_NAMES, TARIFF_TUPLE, Kind
from customs_assets.seeds import derive_rng, derive_seed
from customs_assets.source.months import FIRST_MONTH, first_day
from customs_assets.synthesis.codec import Codec
from customs_assets.synthesis.encodings.price import PriceForm
from customs_assets.synthesis.identities import IdentityModel
from customs_assets.synthesis.polish import sweep

if TYPE_CHECKING:
    from customs_assets.synthesis.ctgan import CTGAN

ASSET = "synthetic_declarations"

# Declaration IDs are numbers of 8 digits; each month has this many of them to itself.
IDS_A_MONTH = 250_000
_FIRST_ID, _IDS = 10_000_000, 90_000_000

# How often a row that copies a source row gets other identities before it is given up.
_REPAIRS = 20


@dataclass(frozen=True)
class SyntheticMonth:
    """A synthetic month and what was done to make it.

    Attributes:
        declarations: m rows with :data:`declaration.RELEASED_NAMES`, ordered by date.
        repaired: rows that equalled a source row in every categorical attribute and got other identities.
        copies: rows that still do.
        tuples_available: distinct tariff tuples that the month's source has.
        tuples_used: distinct tariff tuples that the synthetic month has.
    """

    declarations: pd.DataFrame
    repaired: int
    copies: int
    tuples_available: int
    tuples_used: int


def synthesize(
    model: CTGAN,
    declarations: pd.DataFrame,
    unit_prices: pd.DataFrame,
    *,
    month: str,
    base_seed: int,
    min_group: int,
    rows: int | None = None,
    price: PriceForm = "residual",
) -> SyntheticMonth:
    """Make one synthetic month.

    Args:
        model: the month's trained CTGAN.
        declarations: the month's n anonymized rows.
        unit_prices: the month's ``unit_prices``.
        month: ``YYYY-MM``.
        base_seed: base seed of the run.
        min_group: importers that each draw must rest on.
        rows: rows to make; as many as the source has where None.
        price: form of the item price.

    Raises:
        ValueError: more rows are asked for than a month has declaration IDs.
    """
    from threadpoolctl import threadpool_limits

    count = len(declarations) if rows is None else rows
    if count > IDS_A_MONTH:
        raise ValueError(f"{count} rows were asked of {month}; a month has {IDS_A_MONTH} declaration IDs")
    seed = derive_seed(base_seed, ASSET, month)
    # Sums that several threads share come out in another order, and seeds alone would not give the same bytes.
    with threadpool_limits(1):
        codec = Codec.fit(declarations, unit_prices, min_group, price)
        source = codec.core(declarations)
        importers = pd.factorize(declarations["importer_id"])[0]
        drafted = codec.decode(model.sample(count, derive_seed(seed, "draft")), derive_rng(seed, "decode"))
        polished = sweep(drafted, source, importers, codec, min_group=min_group, seed=seed)
        identities = IdentityModel(declarations, source, min_group=min_group, seed=seed)
        complete = pd.concat([polished, identities.draw(polished)], axis=1)
        complete, repaired = _without_copies(complete, declarations, identities)
    released = complete.assign(hs6_code=complete["hs10_code"].str[:6]).sort_values("date", kind="stable")
    released = released.assign(declaration_id=declaration_ids(month, count, base_seed))
    copies = int(_copies(complete, declarations).sum())
    used = len(complete[list(TARIFF_TUPLE)].drop_duplicates())
    return SyntheticMonth(_typed(released), repaired, copies, len(codec.tariff.tuples), used)


def declaration_ids(month: str, count: int, base_seed: int) -> np.ndarray:
    """``count`` distinct 8-digit IDs as text, of which no other month of the same base seed has any.

    The month's numbers are consecutive; an affine permutation of all 90 million, drawn from the base seed, scatters them.
    """
    first, day = first_day(FIRST_MONTH), first_day(month)
    position = ((day.year - first.year) * 12 + day.month - first.month) * IDS_A_MONTH
    if position + IDS_A_MONTH > _IDS:
        raise ValueError(f"{month} lies too far from {FIRST_MONTH}: the 8-digit declaration IDs are used up")
    rng = derive_rng(base_seed, ASSET, purpose="declaration ids")
    factor = int(rng.integers(_IDS // 3, _IDS // 2))
    while math.gcd(factor, _IDS) != 1:
        factor += 1
    offset = int(rng.integers(_IDS))
    numbers = ((position + np.arange(count, dtype=np.int64)) * factor + offset) % _IDS + _FIRST_ID
    return numbers.astype(str).astype(object)


def _without_copies(
    complete: pd.DataFrame, declarations: pd.DataFrame, identities: IdentityModel
) -> tuple[pd.DataFrame, int]:
    """Give other identities to rows that equal a source row in every categorical attribute; say how many there were."""
    copied = _copies(complete, declarations)
    repaired = int(copied.sum())
    for attempt in range(_REPAIRS):
        if not copied.any():
            break
        redrawn = identities.draw(complete.loc[copied].drop(columns=list(IDENTITIES)), purpose=f"repair {attempt}")
        complete = complete.copy()
        complete.loc[copied, list(IDENTITIES)] = redrawn
        copied = _copies(complete, declarations)
    return complete, repaired


def _copies(complete: pd.DataFrame, declarations: pd.DataFrame) -> np.ndarray:
    """Which synthetic rows equal some source row in every categorical attribute."""
    return _rows_as_text(complete).isin(set(_rows_as_text(declarations))).to_numpy()


def _rows_as_text(declarations: pd.DataFrame) -> pd.Series:
    columns = [declarations["hs10_code" if name == "hs6_code" else name].astype(str) for name in CATEGORICAL]
    return columns[0].str.cat(pd.concat(columns[1:], axis=1), sep="\x1f")


def _typed(released: pd.DataFrame) -> pd.DataFrame:
    """Columns in the released order and types."""
    typed = released[list(RELEASED_NAMES)].reset_index(drop=True)
    labels = {a.name: "int8" for a in RELEASED if a.kind is Kind.LABEL}
    return typed.astype({"date": "datetime64[ns]", **labels})

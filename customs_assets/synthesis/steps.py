"""The steps of the synthesis before a synthetic month is made: a month's model, and what all months share.

Each step is one function, which an asset calls alone and :func:`synthesize.synthesize` calls in order. Three steps stand
elsewhere: :func:`anonymization.unit_prices.month_unit_prices`, :func:`disclosure.safe_groups.count_safe_groups` and
:func:`synthesis.month.synthesize_month`.

``source`` and ``unit_prices`` are the anonymized declarations and their ``unit_prices`` by month, ``disclosed`` is what may be
shown of them, ``min_group`` is ``k``, and all draws derive from ``root``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import pandas as pd

from customs_assets.declaration import HS6, IDENTITIES
from customs_assets.disclosure.identities import compose
from customs_assets.disclosure.levels import CODE
from customs_assets.disclosure.parts import FOLD
from customs_assets.seeds import Root, derive_seed
from customs_assets.synthesis.codec import Codec
from customs_assets.synthesis.fraud_propensity import FraudPropensity
from customs_assets.synthesis.releasable import Disclosed, generalized_month, releasable_month

if TYPE_CHECKING:
    from customs_assets.generator.ctgan import CTGAN, EpochLosses


def fit_model(
    declarations: pd.DataFrame,
    unit_prices: pd.DataFrame,
    *,
    month: str,
    min_group: int,
    epochs: int,
    root: Root,
    progress: Callable[[EpochLosses], None] | None = None,
) -> CTGAN:
    """Train a month's CTGAN on its declarations. ``progress`` is called after every epoch."""
    from customs_assets.generator.ctgan import CTGAN

    codec = Codec.fit(declarations, unit_prices, min_group, root=root)
    model_table = codec.encode(declarations)
    model = CTGAN(epochs=epochs, seed=derive_seed(root, "ctgan_model", month))
    model.fit(model_table, codec.discrete_columns(model_table), progress)
    return model


def compose_identities(
    source: Mapping[str, pd.DataFrame], disclosed: Disclosed, *, min_group: int, root: Root
) -> pd.DataFrame:
    """New identities for the declarations of all months: ``declaration_id`` and the four identity columns.

    Raises:
        TooFewImporters: no code of a column may be shown.
    """
    generalized = [
        generalized_month(rows, disclosed, month=month, root=root).declarations for month, rows in source.items()
    ]
    both = (pd.concat(rows, ignore_index=True) for rows in (generalized, source.values()))
    return compose(*both, min_group=min_group, root=root)


def fit_propensity(
    source: Mapping[str, pd.DataFrame],
    unit_prices: Mapping[str, pd.DataFrame],
    disclosed: Disclosed,
    *,
    min_group: int,
    root: Root,
) -> FraudPropensity:
    """How likely fraud is, learned from the anonymized declarations of all months.

    Raises:
        OfOneKind: all declarations are fraud, or none is.
        TooFewImporters: no code of a column may be shown.
    """
    model_rows, releasable = [], []
    # A declaration is learned from in the fold of its importer, and told in that of the importer of the goods it is shown with.
    own_fold = disclosed.tuples.set_index("of_declaration")[FOLD]
    for month, rows in source.items():
        prices = unit_prices[month]
        shown = releasable_month(rows, prices, disclosed, month=month, min_group=min_group, root=root).model_rows
        declared = Codec.fit(rows, prices, min_group, root=root).model_rows(rows)
        model_rows.append(declared.assign(**{FOLD: own_fold.loc[rows["declaration_id"]].to_numpy()}))
        releasable.append(shown)
    parties = pd.concat([rows[list(IDENTITIES)] for rows in source.values()], ignore_index=True)
    kept = disclosed.tuples["code_level"] == CODE
    return FraudPropensity.fit(
        pd.concat(model_rows, ignore_index=True),
        pd.factorize(parties["importer_id"])[0],
        codes=sorted(disclosed.tuples.loc[kept, HS6.name].unique()),
        min_group=min_group,
        root=root,
        releasable=pd.concat(releasable, ignore_index=True),
        parties=parties,
    )

"""The steps of the synthesis before a synthetic month is made: a month's model, and what all months share.

Each step is one function, which an asset calls alone and :func:`synthesize.synthesize` calls in order. Three steps stand
elsewhere: :func:`anonymization.unit_prices.month_unit_prices`, :func:`disclosure.safe_groups.count_safe_groups` and
:func:`synthesis.month.synthesize_month`.

``source`` and ``unit_prices`` are the anonymized declarations and their ``unit_prices`` by month, ``disclosed`` is what may be
shown of them, ``min_group`` is ``k``, and all draws derive from ``root``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from customs_assets.declaration import HS6, IDENTITIES
from customs_assets.disclosure.extension import Published, extended
from customs_assets.disclosure.identities import ASSET as IDENTITIES_ASSET
from customs_assets.disclosure.identities import compose
from customs_assets.disclosure.levels import CODE
from customs_assets.disclosure.parts import FOLD
from customs_assets.seeds import Root, derive_root, derive_seed
from customs_assets.synthesis.codec import Codec
from customs_assets.synthesis.fraud_propensity import FraudPropensity
from customs_assets.synthesis.releasable import Disclosed, generalized_month, releasable_month

if TYPE_CHECKING:
    from customs_assets.generator.synthesizer import TableModel


def fit_model(
    declarations: pd.DataFrame,
    unit_prices: pd.DataFrame,
    *,
    month: str,
    min_group: int,
    epochs: int,
    root: Root,
    synthesizer: str = "ctgan",
    progress: Callable[[Any], None] | None = None,
) -> TableModel:
    """Train a month's model on its declarations.

    Args:
        declarations: the month's anonymized declarations.
        unit_prices: the month's ``unit_prices``.
        month: ``YYYY-MM``.
        min_group: ``k``.
        epochs: passes over the declarations, of which each synthesizer takes its share.
        root: what draws derive from.
        synthesizer: which one (:data:`generator.synthesizer.SYNTHESIZERS`).
        progress: called after every epoch with its losses.
    """
    from customs_assets.generator.synthesizer import fit

    codec = Codec.fit(declarations, unit_prices, min_group, root=root)
    model_table = codec.encode(declarations)
    seed = derive_seed(root, "ctgan_model", month)
    return fit(
        synthesizer, model_table, codec.discrete_columns(model_table), seed=seed, epochs=epochs, progress=progress
    )


def compose_identities(
    source: Mapping[str, pd.DataFrame],
    disclosed: Disclosed,
    *,
    min_group: int,
    root: Root,
    published: Published | None = None,
) -> pd.DataFrame:
    """New identities for the declarations of all months but the published ones (:func:`disclosure.identities.compose`).

    Args:
        source: as for all steps.
        disclosed: as for all steps.
        min_group: ``k``.
        root: what draws derive from.
        published: what was published of identities: some of the new ones go on under their tokens (``disclosure.extension``).

    Raises:
        TooFewImporters: no code of a column may be shown.
    """
    later = {month: rows for month, rows in source.items() if published is None or month not in published.months}
    if published is None:
        return compose(*_shown_and_declared(later, disclosed, root), min_group=min_group, root=root)
    if not later:
        return published.slots.iloc[:0]
    declared = pd.concat(source.values(), ignore_index=True).set_index("declaration_id")
    composed = compose(
        *_shown_and_declared(later, disclosed, root),
        min_group=min_group,
        # The draws of these months are no others' draws again.
        root=derive_root(root, IDENTITIES_ASSET, ",".join(later)),
        importers=declared["importer_id"],
    )
    parties = parties_of(composed, source, disclosed.tuples.set_index("declaration_id")["of_declaration"])
    return extended(composed, parties, published, min_group=min_group, root=root)


def parties_of(slots: pd.DataFrame, source: Mapping[str, pd.DataFrame], goods_of: pd.Series) -> pd.DataFrame:
    """Whose declaration each slot was dealt from, and whose goods it has; somebody unknown where the source has it no more.

    Args:
        slots: rows of :func:`disclosure.identities.compose`.
        source: the anonymized declarations by month.
        goods_of: the declaration whose goods each is shown with, by ``declaration_id``.

    Returns:
        A row a slot: the four identity columns, ``donor``, and the slot's ``month``.
    """
    months = {month: rows[["declaration_id", *IDENTITIES]] for month, rows in source.items()}
    declared = pd.concat(months, names=["month"]).reset_index("month").set_index("declaration_id")
    dealt = declared.reindex(slots["slot_id"])[list(IDENTITIES)].reset_index(drop=True)
    goods = goods_of.reindex(slots["declaration_id"]).to_numpy()
    donor = declared["importer_id"].reindex(goods).to_numpy(dtype=object)
    month = declared["month"].reindex(slots["declaration_id"]).to_numpy(dtype=object)
    unknown = pd.Series("unknown " + slots["slot_id"].to_numpy(dtype=object))
    found = dealt.assign(donor=donor)
    return found.apply(lambda column: column.where(column.notna(), unknown)).assign(month=month)


def _shown_and_declared(
    source: Mapping[str, pd.DataFrame], disclosed: Disclosed, root: Root
) -> tuple[pd.DataFrame, pd.DataFrame]:
    generalized = [
        generalized_month(rows, disclosed, month=month, root=root).declarations for month, rows in source.items()
    ]
    return pd.concat(generalized, ignore_index=True), pd.concat(source.values(), ignore_index=True)


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
    # All declarations decide which codes appear. What is said of one, its label too, rests on inspected importers.
    behind = pd.concat([rows[["hs10_code", "importer_id"]] for rows in source.values()], ignore_index=True)
    importers = behind["importer_id"].groupby(behind["hs10_code"].str[:6]).nunique()
    kept = disclosed.tuples["code_level"] == CODE
    kept &= disclosed.tuples[HS6.name].isin(importers.index[importers >= min_group])
    return FraudPropensity.fit(
        pd.concat(model_rows, ignore_index=True),
        pd.factorize(parties["importer_id"])[0],
        codes=sorted(disclosed.tuples.loc[kept, HS6.name].unique()),
        min_group=min_group,
        root=root,
        releasable=pd.concat(releasable, ignore_index=True),
        parties=parties,
    )

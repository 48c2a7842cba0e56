"""The account of disclosure by parts: ``sql/parts_account.sql`` counts again what may be shown, and finds what may not."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb
import pandas as pd

from customs_assets.disclosure.confidential import no_pairs
from customs_assets.disclosure.dominance import Dominance
from customs_assets.lake import read_sql
from customs_assets.law.nomenclature import sections

_FACTS = ["declaration_id", "importer_id", "critical_fraud", "seller_id", "item_price", "net_mass"]
_GOODS = ["hs10_code", "country_of_origin"]


def parts_account(
    population: Sequence[str] | pd.DataFrame,
    declarations: pd.DataFrame,
    tuples: pd.DataFrame,
    safe: pd.DataFrame,
    min_group: int,
    dominance: Dominance,
    confidential: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Count again what is shown of tariff tuples.

    Args:
        population: paths of the months' ``population``, or its rows.
        declarations: the anonymized declarations of all months.
        tuples: ``disclosed_tuples``.
        safe: ``safe_parts``.
        min_group: ``k``.
        dominance: the rule of dominance.
        confidential: ``confidential_trade``, if any.

    Returns:
        ``part``, ``level``, ``what`` (cells, kept, pools or confidential), ``counted`` and ``wrong``. All of ``wrong`` must be 0.
    """
    chapters = pd.Series(range(1, 98))
    first = chapters[pd.Series(sections(chapters.to_numpy())).diff().fillna(1) != 0]
    with duckdb.connect(":memory:") as connection:
        if isinstance(population, pd.DataFrame):
            connection.register("population", population)
        else:
            connection.read_parquet(list(population)).create_view("population")
        connection.register("declarations", declarations[[*_FACTS, *_GOODS]])
        connection.register("tuples", tuples)
        connection.register("safe", safe)
        connection.register("confidential", no_pairs() if confidential is None else confidential)
        connection.register("first_chapters", pd.DataFrame({"chapter": first}))
        limits = {"min_group": min_group, "one": dominance.one, "two": dominance.two}
        return connection.execute(read_sql("parts_account.sql"), limits).df()

"""What tests ask of disclosure by parts: a law that allows what some rows declare, and the tuples that are shown for them."""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd

from customs_assets.disclosure.account import parts_account
from customs_assets.disclosure.confidential import no_pairs
from customs_assets.disclosure.dominance import Dominance
from customs_assets.disclosure.parts import SafeParts, count_safe_parts, disclosed_tuples
from customs_assets.disclosure.population import Population, count_population
from customs_assets.lake import Lake, to_arrow
from customs_assets.law.law import Law
from customs_assets.privacy.claims import Disclosure
from customs_assets.seeds import Root

DOMINANCE = Dominance()


def law_that_allows(declarations: pd.DataFrame) -> Law:
    """A given law of the rates and routes that some declarations claim, and of no other."""
    claims = ["tax_type", "tax_rate"]
    tariff = declarations[["hs10_code", *claims]].drop_duplicates().set_axis(["hs_code", *claims], axis=1)
    routes = declarations[["tax_type", "country_of_origin", "country_of_departure"]].drop_duplicates()
    return Law("given", tariff.reset_index(drop=True), routes.reset_index(drop=True))


class Parts(NamedTuple):
    """What disclosure by parts makes of declarations: the tables ``population``, ``safe_parts`` and ``disclosed_tuples``."""

    population: pd.DataFrame
    safe: pd.DataFrame
    tuples: pd.DataFrame


def parts_of_all(declarations: pd.DataFrame, law: Law, min_group: int, root: Root) -> Parts:
    """The tables of disclosure, where every declaration of the population was inspected."""
    population = count_population(declarations)
    safe = count_safe_parts(Population.of_frames([population]), law, min_group, DOMINANCE)
    tuples = disclosed_tuples(declarations, SafeParts(safe), law, min_group=min_group, dominance=DOMINANCE, root=root)
    return Parts(population, safe, tuples)


def disclosure_of(rows: pd.DataFrame, min_group: int, tuples: pd.DataFrame | None = None) -> Disclosure:
    """What may be shown of rows with product codes of six digits, all of them inspected, under a law that allows their claims.

    Args:
        rows: the rows of a source.
        min_group: ``k``.
        tuples: the tuples that are counted again; those that are disclosed where None.
    """
    declarations = rows.assign(hs10_code=rows["hs6_code"] + "0000").reset_index(drop=True)
    parts = parts_of_all(declarations, law_that_allows(declarations), min_group, 1)
    shown = parts.tuples if tuples is None else tuples
    return Disclosure(shown, parts_account(parts.population, declarations, shown, parts.safe, min_group, DOMINANCE))


def write_parts(lake: Lake, parts: Parts, law: Law, month: str) -> None:
    """Write the tables of disclosure and the law into a lake, the population as that of one month."""
    lake.write_table("population", parts.population, month)
    lake.write_table("safe_parts", parts.safe)
    lake.write_table("disclosed_tuples", parts.tuples)
    lake.write_table("confidential_trade", no_pairs())
    for asset, rows in (("tariff", law.tariff), ("tariff_routes", law.routes)):
        lake.write_table(asset, to_arrow(rows).replace_schema_metadata({"origin": law.origin}))

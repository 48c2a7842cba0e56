"""A small trade that the tests of disclosure by parts share: some hundred declarations under a law of 120 product codes.

Twelve headings of three chapters have ten codes each in the law. Importers keep to a heading or two. Some codes, origins and
claims are of many importers, some of one or two, and many codes of the law are never declared.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from customs_assets.declaration import RELEASED_TUPLE
from customs_assets.disclosure.dominance import Dominance
from customs_assets.disclosure.parts import SafeParts, count_safe_parts, disclosed_tuples
from customs_assets.disclosure.population import Population, count_population
from customs_assets.law.law import Law
from customs_assets.law.nomenclature import product_codes
from customs_assets.seeds import Root

K = 3
NO_DOMINANCE = Dominance(1, 1)
DOMINANCE = Dominance()

HEADINGS = tuple(f"{chapter}{heading:02d}" for chapter in ("09", "61", "85") for heading in (1, 2, 3, 4))
CODES = tuple(f"{heading}{code}0" for heading in HEADINGS for code in range(10))
ORIGINS = ("CN", "DE", "JP", "BR", "VN", "FR", "IT", "TH")
NO_ROUTES = pd.DataFrame({"tax_type": [], "country_of_origin": [], "country_of_departure": []}, dtype=object)
ROUTES = pd.DataFrame(
    [("FEU", origin, departure) for origin in ("DE", "FR", "IT") for departure in (origin, "NL", "BE")],
    columns=NO_ROUTES.columns,
)
# Where goods from an origin are shipped from, if not from there.
_HUBS = {"CN": ("HK", "SG"), "JP": ("SG", "HK"), "BR": ("US", "PA"), "VN": ("SG", "HK"), "TH": ("SG", "HK")}


def law_of(lines: list[tuple[str, str, float]], routes: pd.DataFrame = ROUTES) -> Law:
    """A law given by a tariff: its lines, and the routes of its tax types."""
    return Law("given", pd.DataFrame(lines, columns=["hs_code", "tax_type", "tax_rate"]), routes)


def _standard_lines(codes: tuple[str, ...]) -> list[tuple[str, str, float]]:
    """Every code has type A; those with an even fifth digit FEU, too; those of 5 a second rate of A for some of their goods."""
    lines = [(code, "A", 8.0 if code < "50" else 13.0) for code in codes]
    lines += [(code, "FEU", 0.0) for code in codes if int(code[4]) % 2 == 0]
    return lines + [(code + "9000", "A", 20.0) for code in codes if code[4] == "5"]


CODE_LAW = law_of(_standard_lines(CODES))
# Real codes: a law that says rates by headings and chapters, and one that says none.
PREFIX_LAW = law_of(
    [
        ("09", "A", 8.0),
        ("61", "A", 13.0),
        ("6109", "FEU", 0.0),
        ("85", "A", 5.0),
        ("8501", "A", 3.0),
        ("85", "FEU", 0.0),
    ]
)
NOMENCLATURE = Law(
    "nomenclature",
    pd.DataFrame({"hs_code": product_codes(), "tax_type": None, "tax_rate": np.nan}),
    NO_ROUTES,
)


@dataclass(frozen=True)
class Trade:
    """Declarations: all, and those that were inspected. Both are under the law."""

    everyone: pd.DataFrame
    inspected: pd.DataFrame
    law: Law

    def population(self) -> pd.DataFrame:
        """The rows of the asset ``population``."""
        return count_population(self.everyone)

    def safe(self, dominance: Dominance = DOMINANCE, k: int = K) -> pd.DataFrame:
        """What is safe of each part."""
        return count_safe_parts(Population.of_frames([self.population()]), self.law, k, dominance)

    def tuples(self, root: Root, dominance: Dominance = DOMINANCE, k: int = K) -> pd.DataFrame:
        """What is shown of each inspected declaration."""
        return self.disclosed(SafeParts(self.safe(dominance, k)), root, dominance, k)

    def disclosed(self, safe: SafeParts, root: Root, dominance: Dominance = DOMINANCE, k: int = K) -> pd.DataFrame:
        """The same of safe parts that were counted before."""
        return disclosed_tuples(self.inspected, safe, self.law, min_group=k, dominance=dominance, root=root)


def trade_of(
    law: Law = CODE_LAW, seed: int = 1, rows: int = 1600, codes: tuple[str, ...] = CODES, importers: int = 120
) -> Trade:
    """A random trade of some codes under a law; about four in ten declarations are inspected.

    Without rates in the law, those of the standard law are declared.
    """
    rng = np.random.default_rng(seed)
    declared_law = law if law.has_rates else PREFIX_LAW
    traded = np.array(codes)[rng.permutation(len(codes))[: len(codes) * 2 // 3]]
    traded.sort()
    home = rng.integers(0, len(traded), importers)
    at = home[importer := rng.integers(0, importers, rows)]
    # Near the importer's own code in the order of the codes, and some codes are far more common than others.
    near = np.clip(at + rng.integers(-3, 4, rows), 0, len(traded) - 1)
    code = traded[np.where(rng.random(rows) < 0.88, near - near % 4, near)]
    origin = np.array(ORIGINS)[np.minimum(rng.geometric(0.4, rows) - 1, len(ORIGINS) - 1)]
    lines = declared_law.rates_of(np.unique(code).astype(object))
    frame = pd.DataFrame(
        {
            "declaration_id": [f"d{number}" for number in range(rows)],
            "importer_id": [f"importer {number}" for number in importer],
            "hs6_code": code,
            "country_of_origin": origin,
            "country_of_departure": np.where(
                rng.random(rows) < 0.7, origin, [_HUBS.get(one, ("NL", "BE"))[rng.integers(2)] for one in origin]
            ),
            "chance": rng.random(rows),
        }
    )
    claims = frame.merge(lines, on="hs6_code")
    claims = claims[
        declared_law.open_routes(
            *(claims[name].to_numpy() for name in ("tax_type", "country_of_origin", "country_of_departure"))
        )
    ]
    claims = claims.sample(frac=1.0, random_state=seed).drop_duplicates("declaration_id")
    made = frame[["declaration_id"]].merge(claims.drop(columns="chance"), on="declaration_id")
    assert len(made) == rows
    seller = rng.integers(0, 40, rows)
    mass = rng.lognormal(3, 1, rows).round(2) + 0.01
    fraud = (rng.random(rows) < 0.3).astype(int)
    made = made.assign(
        # The second rate is that of a longer code.
        hs10_code=made["hs6_code"] + np.where(made["tax_rate"] == 20, "9000", "0000"),
        seller_id=np.where(rng.random(rows) < 0.7, [f"seller {one}" for one in seller], ""),
        net_mass=mass,
        item_price=(mass * rng.lognormal(2, 1, rows)).round(),
        fraud=fraud,
        critical_fraud=fraud * rng.integers(1, 3, rows),
    ).drop(columns="hs6_code")
    return Trade(made, made[rng.random(rows) < 0.4].reset_index(drop=True), law)


def real_codes() -> tuple[str, ...]:
    """Codes of the Harmonized System of three chapters."""
    codes = product_codes()
    chapters = pd.Series(codes).str[:2]
    return tuple(code for chapter in ("09", "61", "85") for code in codes[(chapters == chapter).to_numpy()][::2][:40])


def importers_of(declarations: pd.DataFrame, columns: list[str]) -> pd.Series:
    """How many importers declared each combination of columns of :data:`RELEASED_TUPLE`."""
    rows = declarations.assign(hs6_code=declarations["hs10_code"].str[:6])
    assert set(columns) <= {*RELEASED_TUPLE}
    return rows.groupby(columns)["importer_id"].nunique()

"""The law of a world of ``worlds.py``: which product codes there are, what they cost, and on which routes an agreement holds.

What belongs here is the law alone, as any administration might publish it. Who trades under it stands in ``worlds.py``.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from customs_assets.declaration import BY_NAME
from customs_assets.law.nomenclature import product_codes
from customs_assets.seeds import Root, derive_rng

HARMONIZED_SYSTEM = Path(__file__).parents[2] / "shared" / "data" / "harmonized-system" / "harmonized-system.csv"

# Rates in per cent that a schedule uses, ascending. A chapter has its usual place in it, a heading lies near, a code may not.
_LADDER = np.array([0, 1, 2, 3, 4, 5, 6.5, 8, 10, 13, 16, 20, 24, 27, 30, 36, 40, 45, 54, 72])
_CUTS = np.array([0.0, 0.2, 0.4, 0.5, 0.6, 0.8])
_LIKELY_CUTS = np.array([0.5, 0.1, 0.1, 0.12, 0.1, 0.08])

BASIC, BOUND, TECHNOLOGY = "A", "C", "CIT"
OPEN_TYPES = (BASIC, BOUND, TECHNOLOGY)

# Parties of the agreements by tax type, and the hubs that their goods may depart from.
_EU = "DE IT FR NL ES BE AT SE PL CZ IE FI DK PT HU RO SK GR BG"
_ASEAN = "VN TH ID MY SG PH KH MM LA"
AGREEMENTS: dict[str, tuple[str, str]] = {
    "FCN1": ("CN", "HK"),
    "FEU1": (_EU, "NL BE DE"),
    "FUS1": ("US", "PA"),
    "FAS1": (_ASEAN, "SG MY HK"),
    "FVN1": ("VN", "SG"),
    "FIN1": ("IN", "SG AE"),
    "FTR1": ("TR", "AE"),
    "FAU1": ("AU", "SG"),
    "FCL1": ("CL PE CO", "PA"),
    "FCA1": ("CA", "US"),
    "FRC1": (f"CN JP AU NZ {_ASEAN}", "SG HK"),
    "R": ("BD KH MM LA NP ET", "SG AE HK"),
}


def own_codes(rng: np.random.Generator) -> list[str]:
    """Some 5,300 six-digit codes that no nomenclature has: headings and subheadings of every chapter, sorted."""
    codes = []
    for chapter in (number for number in range(1, 98) if number != 77):
        for heading in range(1, int(np.clip(rng.gamma(2.2, 6.6), 2, 60)) + 1):
            count = 1 + min(rng.poisson(rng.gamma(1.6, 1.9)), 20)
            ends = np.sort(rng.choice(np.arange(10, 100), count, replace=False)) if count > 1 else [0]
            codes += [f"{chapter:02d}{heading:02d}{end:02d}" for end in ends]
    return codes


def harmonized_codes(path: Path = HARMONIZED_SYSTEM) -> list[str]:
    """The six-digit codes of the Harmonized System that a declaration may bear, sorted.

    Raises:
        FileNotFoundError: there is no list of the Harmonized System at ``path``.
    """
    if not path.is_file():
        if path == HARMONIZED_SYSTEM:
            # The package has the six-digit codes of the same list.
            return sorted(filter(BY_NAME["hs10_code"].accepts, product_codes()))
        raise FileNotFoundError(
            f"there is no list of the Harmonized System at {path}; name one (columns hscode, level)"
        )
    with path.open(encoding="utf-8", newline="") as lines:
        codes = [row["hscode"] for row in csv.DictReader(lines) if row["level"] == "6"]
    return sorted(code for code in codes if BY_NAME["hs10_code"].accepts(code))


def domestic_codes(hs6: Sequence[str], rng: np.random.Generator) -> np.ndarray:
    """Ten-digit codes, sorted text: of one six-digit code in eight there are two or three, of the others one."""
    count = np.where(rng.random(len(hs6)) < 0.125, rng.integers(2, 4, len(hs6)), 1)
    ends = {1: ["0000"], 2: ["1000", "9000"], 3: ["1000", "2000", "9000"]}
    return np.array([code + end for code, n in zip(hs6, count, strict=True) for end in ends[int(n)]])


@dataclass(frozen=True, slots=True, eq=False)
class Law:
    """What may be declared.

    Attributes:
        codes: c ten-digit codes, ascending.
        types: t tax types; the first is the basic rate, which every code has.
        rates: per cent, shape (t, c); NaN where a type has no rate for a code.
        countries: n country codes, origins and hubs.
        allowed: shape (t, n, n): whether goods of an origin that depart from a country may claim a type.
    """

    codes: np.ndarray
    types: tuple[str, ...]
    rates: np.ndarray
    countries: np.ndarray
    allowed: np.ndarray

    def tariff(self, short: bool = False) -> pd.DataFrame:
        """The rates as ``hs_code``, ``tax_type`` and ``tax_rate``.

        Args:
            short: write the basic rate by code and each other type by heading, with the codes that differ as exceptions: of the
                prefixes of a code that a type is written for, the longest counts. Else write every code of every type.
        """
        headings, heading = np.unique(self.codes.astype("U4"), return_inverse=True)
        parts = []
        for name, rates in zip(self.types, self.rates, strict=True):
            rows = pd.DataFrame({"hs_code": self.codes, "tax_type": name, "tax_rate": rates, "heading": heading})
            rows = rows[rows["tax_rate"].notna()]
            if short and name != BASIC:
                usual = rows.groupby("heading")["tax_rate"].agg(lambda of_heading: of_heading.mode().iloc[0])
                by_heading = pd.DataFrame({"hs_code": headings[usual.index], "tax_type": name, "tax_rate": usual})
                rows = pd.concat([by_heading, rows[rows["tax_rate"] != rows["heading"].map(usual)]])
            parts.append(rows[["hs_code", "tax_type", "tax_rate"]])
        return pd.concat(parts, ignore_index=True)

    def routes(self) -> pd.DataFrame:
        """The routes as ``tax_type``, ``country_of_origin`` and ``country_of_departure``; open types have none."""
        bound = [number for number, name in enumerate(self.types) if name not in OPEN_TYPES]
        place, origin, departure = np.nonzero(self.allowed[bound])
        return pd.DataFrame(
            {
                "tax_type": np.array(self.types)[bound][place],
                "country_of_origin": self.countries[origin],
                "country_of_departure": self.countries[departure],
            }
        )


def make_law(
    codes: np.ndarray, origins: Sequence[str], hubs: Sequence[str], agreements: Sequence[str], root: Root
) -> Law:
    """A law for ten-digit codes: levels by chapter, heading and code; agreements for the parties among the origins.

    Args:
        codes: ten-digit codes, ascending.
        origins: countries that goods come from.
        hubs: countries that goods may pass; some may be origins, too.
        agreements: names of :data:`AGREEMENTS`.
        root: what draws come from.
    """
    countries = np.array([*origins, *(hub for hub in hubs if hub not in origins)])
    types = (*OPEN_TYPES, *agreements)
    return Law(codes, types, _rates(codes, agreements, root), countries, _allowed(countries, origins, agreements))


def _rates(codes: np.ndarray, agreements: Sequence[str], root: Root) -> np.ndarray:
    rng = derive_rng(root, "worlds", purpose="law")
    chapter = codes.astype("U2").astype(int)
    heading = np.unique(codes.astype("U4"), return_inverse=True)[1]
    count = int(heading.max()) + 1
    usual = np.where(np.arange(100) < 25, rng.integers(7, 15, 100), rng.integers(2, 9, 100))
    usual[84:] = rng.integers(0, 8, 16)
    level = usual[chapter] + np.round(1.4 * rng.standard_normal(count)).astype(int)[heading]
    top = len(_LADDER) - 1
    own = rng.random(len(codes)) < 0.14
    step = rng.choice([-4, -3, -2, -1, 1, 2, 3], len(codes))
    basic = _LADDER[np.clip(np.where(own, level + step, level), 0, top)]
    bound = _LADDER[np.clip(level - rng.integers(1, 4, count)[heading], 0, top)]
    bound[rng.random(count)[heading] >= 0.55] = np.nan
    technology = np.where(np.isin(chapter, (84, 85, 90)) & (rng.random(count)[heading] < 0.3), 0.0, np.nan)
    rates = [basic, bound, technology]
    for _ in agreements:
        # A code with a basic rate of its own has one here, too.
        base = np.where(own, basic, _LADDER[np.clip(level, 0, top)])
        reduced = np.round(base * rng.choice(_CUTS, count, p=_LIKELY_CUTS)[heading], 1)
        covered = rng.random(count) < rng.uniform(0.7, 0.95)
        rates.append(np.where(covered[heading], reduced, np.nan))
    return np.array(rates)


def _allowed(countries: np.ndarray, origins: Sequence[str], agreements: Sequence[str]) -> np.ndarray:
    allowed = np.ones((len(OPEN_TYPES) + len(agreements), len(countries), len(countries)), dtype=bool)
    for number, name in enumerate(agreements, start=len(OPEN_TYPES)):
        parties, hubs = (text.split() for text in AGREEMENTS[name])
        party = np.isin(countries, [code for code in parties if code in origins])
        # Goods depart from where they are made, or from a hub of the agreement.
        allowed[number] = party[:, None] & (np.eye(len(countries), dtype=bool) | np.isin(countries, hubs))
    return allowed

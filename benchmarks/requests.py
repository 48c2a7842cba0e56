"""What each grade of a trader's request costs and hides: before and after, on a lake.

    python benchmarks/requests.py LAKE FOLDER [--workers 2]

``LAKE`` is what ``customs run`` made. For each grade a register asks for one pair, the most declared product of at least three
origins and its first partner country, and the synthetic months are made again into ``FOLDER/<grade>`` with the models of ``LAKE``
under one new secret. What a reader of the release would add up of the pair and of the product stands beside the source's.
"""

from __future__ import annotations

import argparse
import secrets
import sys
from pathlib import Path

import pandas as pd
from secrets_apart import redrawn
from synthesizer import SOURCE, SYNTHETIC

from customs_assets.disclosure.confidential import confidential_pairs, no_pairs
from customs_assets.disclosure.population import Population
from customs_assets.disclosure.register import GRADES
from customs_assets.lake import Lake
from customs_assets.settings import Settings

ORIGIN = "country_of_origin"
_COLUMNS = (
    "rows of the pair",
    "mass of the pair",
    "value of the pair",
    "price per kg of the pair",
    "mass of the product",
)
_FEWEST_ORIGINS = 3


def asked_for(source: pd.DataFrame, safe_codes: pd.Series) -> tuple[str, str]:
    """The most declared safe product of several origins, and its first partner country."""
    code = source["hs10_code"].str[:6]
    rows = source.assign(code=code)[code.isin(safe_codes)]
    origins = rows.groupby("code")[ORIGIN].nunique()
    several = rows[rows["code"].isin(origins.index[origins >= _FEWEST_ORIGINS])]
    product = str(several["code"].mode()[0])
    return product, str(several.loc[several["code"] == product, ORIGIN].mode()[0])


def added_up(rows: pd.DataFrame, product: str, partner: str) -> dict[str, float]:
    """What a reader adds up of a product and of a pair."""
    code = rows["hs6_code"] if "hs6_code" in rows else rows["hs10_code"].str[:6]
    of_product = rows[code == product]
    pair = of_product[of_product[ORIGIN] == partner]
    mass, value = float(pair["net_mass"].sum()), float(pair["item_price"].sum())
    found = (len(pair), mass, value, value / mass if mass else float("nan"), float(of_product["net_mass"].sum()))
    return dict(zip(_COLUMNS, found, strict=True))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lake", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    settings, lake = Settings(), Lake(str(given.lake))  # pyright: ignore[reportCallIssue]
    source = lake.read_frames(SOURCE, lake.partitions(SOURCE))
    safe = lake.read_frame("safe_parts")
    product, partner = asked_for(source, safe.loc[safe["part"] == "code", "place"])
    population = Population.of(lake, lake.partitions("population"))
    before, secret = added_up(source, product, partner), secrets.token_bytes(32)
    print(f"asked for: product {product} from {partner}; of the source, the release shows (1 is the source's own)\n")
    print(f"| grade | {' | '.join(_COLUMNS)} |\n| --- |{' ---: |' * len(_COLUMNS)}")
    for number, grade in enumerate((None, *GRADES)):
        row = {"row": 2, "hs_code": product, ORIGIN: partner, "importer_id": "", "grade": grade}
        pairs = no_pairs() if grade is None else confidential_pairs(pd.DataFrame([row]), population)[0]
        made = Lake(str(given.folder / str(number)))
        redrawn(lake, made, secret, settings, False, given.workers, pairs)
        after = added_up(made.read_frames(SYNTHETIC, made.partitions(SYNTHETIC)), product, partner)
        shares = (after[name] / before[name] for name in _COLUMNS)
        print(f"| {grade or 'no request'} | {' | '.join(f'{share:.2f}' for share in shares)} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

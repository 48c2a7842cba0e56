"""How well are product codes told by all other attributes, on the source and on the synthetic months?

    python benchmarks/product_codes.py LAKE

``LAKE`` is what ``customs run`` made; it is only read. Three columns: trained and tested on the source, trained on the synthetic
months and tested on the source, trained and tested on the synthetic months. Beside them stands guessing the most frequent codes.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence

import numpy as np
import pandas as pd

from customs_assets.benchmark.product_codes import LEVELS, TOPS, accuracy
from customs_assets.benchmark.split import split_months
from customs_assets.lake import Lake
from customs_assets.settings import Settings

_ASSETS = {"source": "anonymized_declarations", "synthetic": "synthetic_declarations"}
_COLUMNS = (("source", "source"), ("synthetic", "source"), ("synthetic", "synthetic"))


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lake")
    args = parser.parse_args(arguments)
    lake, seed = Lake(args.lake), Settings().seed  # pyright: ignore[reportCallIssue]
    months = lake.partitions(_ASSETS["synthetic"])
    split = split_months(months)
    rows = {name: lake.read_frames(asset, months) for name, asset in _ASSETS.items()}
    found = {}
    for trained, tested in _COLUMNS:
        began = time.process_time()
        found[trained, tested] = accuracy(split.rows(rows[trained], "train"), split.rows(rows[tested], "test"), seed)
        print(f"{trained} to {tested}: {time.process_time() - began:.0f} core s", flush=True)
    truth = split.rows(rows["source"], "test")["hs10_code"].str
    known = split.rows(rows["source"], "train")["hs10_code"].str
    print("level    guesses " + " ".join(f"{f'{a} to {b}':>24s}" for a, b in _COLUMNS) + f"{'most frequent':>16s}")
    for level, digits in LEVELS.items():
        frequent = pd.Series(known[:digits]).value_counts().index.to_numpy()
        for top in TOPS:
            blind = float(np.isin(truth[:digits], frequent[:top]).mean())
            shares = " ".join(f"{found[column][level, top]:24.3f}" for column in _COLUMNS)
            print(f"{level:8s} top {top}   {shares}{blind:16.3f}")


if __name__ == "__main__":
    main()

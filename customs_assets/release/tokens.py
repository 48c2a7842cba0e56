"""New identity tokens, drawn at release and kept nowhere.

Scores are measured before, on tokens that source and synthetic tables share. Afterwards nothing of the anonymized tables'
tokens is left to compare with.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

# Length of a published token: couriers have 6 capitals and digits, everybody else 7. Tokens inside the pipeline are longer
# (``anonymization/identities.py``), so none of them can be met here.
TOKEN_LENGTHS = {"declarant_id": 7, "importer_id": 7, "seller_id": 7, "courier_id": 6}

_ALPHABET = np.array(list("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"))


def redraw_tokens(declarations: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """The same rows with published tokens, one for each old one in each of the four roles; an empty identity stays empty.

    New tokens are dealt out in order of first appearance. They depend on the draw and on nothing of the old ones, but that
    none of the old ones is used again.
    """
    redrawn = declarations.copy()
    for role, length in TOKEN_LENGTHS.items():
        codes, old_tokens = pd.factorize(declarations[role])
        fresh = _fresh_tokens(len(old_tokens), length, set(old_tokens), rng)
        renamed = np.array(["" if old == "" else new for old, new in zip(old_tokens, fresh, strict=True)], dtype=object)
        redrawn[role] = renamed[codes] if len(old_tokens) else declarations[role]
    return redrawn


def _fresh_tokens(count: int, length: int, taken: set[str], rng: np.random.Generator) -> list[str]:
    """``count`` distinct tokens, none of which is taken."""
    fresh: dict[str, None] = {}
    while len(fresh) < count:
        for row in rng.integers(len(_ALPHABET), size=(count - len(fresh), length)):
            token = "".join(_ALPHABET[row])
            if token not in taken:
                fresh[token] = None
    return list(fresh)

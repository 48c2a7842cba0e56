"""One more bijection of identity tokens, drawn at release and kept nowhere.

Scores are measured before it, on tokens that source and synthetic tables share; afterwards nothing of the anonymized tables'
token space is left to compare with (decisions 7 and 10 of the architecture).
"""

from __future__ import annotations

import numpy as np
import pandas as pd

# Length of a token in the published shape: couriers have 6 capitals and digits, everybody else 7. Tokens inside the pipeline are
# longer (``anonymization/identities.py``), so none of them can be met here.
TOKEN_LENGTHS = {"declarant_id": 7, "importer_id": 7, "seller_id": 7, "courier_id": 6}

_ALPHABET = np.array(list("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"))


def redraw_tokens(declarations: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """The same rows with tokens of the published shape, one for one in each of the four roles; an empty identity stays empty.

    New tokens are dealt out in order of first appearance, so that they depend on the draw and on nothing of the old ones but
    that none of them is used again.
    """
    redrawn = declarations.copy()
    for role, length in TOKEN_LENGTHS.items():
        codes, known = pd.factorize(declarations[role])
        fresh = _fresh_tokens(len(known), length, set(known), rng)
        renamed = np.array(["" if old == "" else new for old, new in zip(known, fresh, strict=True)], dtype=object)
        redrawn[role] = renamed[codes] if len(known) else declarations[role]
    return redrawn


def _fresh_tokens(count: int, length: int, taken: set[str], rng: np.random.Generator) -> list[str]:
    """``count`` distinct tokens, none of which is taken."""
    used = set(taken)
    fresh: list[str] = []
    while len(fresh) < count:
        for row in rng.integers(len(_ALPHABET), size=(count - len(fresh), length)):
            token = "".join(_ALPHABET[row])
            if token not in used:
                used.add(token)
                fresh.append(token)
    return fresh

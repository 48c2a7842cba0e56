"""The nomenclature: the product codes of the Harmonized System, and the section of each chapter.

The codes stand in ``harmonized_system.csv``; ``harmonized_system.md`` names their source and licence.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np

_TABLE = Path(__file__).with_name("harmonized_system.csv")

# First chapters of the sections of the Harmonized System, I to XXI.
_FIRST_CHAPTERS = (1, 6, 15, 16, 25, 28, 39, 41, 44, 47, 50, 64, 68, 71, 72, 84, 86, 90, 93, 94, 97)


@cache
def product_codes() -> np.ndarray:
    """The 6-digit product codes of the Harmonized System as text, sorted. The array is read-only."""
    _, *codes = _TABLE.read_text(encoding="ascii").split()
    found = np.array(codes, dtype=object)
    found.flags.writeable = False
    return found


def sections(chapters: np.ndarray) -> np.ndarray:
    """The sections of chapters (1 to 97), as numbers from 1 (I) to 21 (XXI). The national chapters 98 and 99 count as 21."""
    return np.searchsorted(_FIRST_CHAPTERS, chapters, side="right")

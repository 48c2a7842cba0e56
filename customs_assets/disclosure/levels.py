"""The levels of the goods, from a product code to all goods.

Between a heading and its chapter stand runs of 2, 4, 8 and 16 neighbouring headings, because neighbours are alike: 8501 to 8503
are electric machines, 8517 to 8519 are for sound and pictures. The code alone says in which runs it lies.
"""

from __future__ import annotations

import pandas as pd

from customs_assets.law.nomenclature import sections

CODE = "hs6_code"
ALL = "all goods"
_RUNS = (2, 4, 8, 16)

# The finest first.
LEVELS: tuple[str, ...] = (CODE, "heading", *(f"{run} headings" for run in _RUNS), "chapter", "section", ALL)


def with_levels(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows with ``hs6_code`` and a text column for each other level of :data:`LEVELS`: where their goods stand there."""
    codes, distinct = pd.factorize(rows[CODE])
    text = pd.Series(distinct, dtype=object)
    heading, chapter = text.str[:4], text.str[:2]
    section = sections(chapter.astype(int).to_numpy()).astype(str).astype(object)
    places = {"heading": heading, "chapter": chapter, "section": pd.Series(section), ALL: pd.Series("", text.index)}
    for run in _RUNS:
        places[f"{run} headings"] = chapter + "/" + (heading.str[2:].astype(int) // run).astype(str)
    return rows.assign(**{level: place.to_numpy(dtype=object)[codes] for level, place in places.items()})

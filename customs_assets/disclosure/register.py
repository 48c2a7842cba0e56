"""The register of requests: which trade is confidential because a trader asked for it, and what of it.

Statistical offices call this passive confidentiality: a figure is withheld where the trader asks for it. Each row of the register
names a product, a partner country, an importer, or several of these; what it leaves empty is any. A row with an importer means
what that importer trades. Everything that matches is withheld for all traders, the whole product and partner: rows of one trader
that look otherwise would point at it.

The grades are those of Finnish Customs (*Confidentiality of data*, tulli.fi): not published is the quantity by country, or all
quantity; alone published is the value, or value and quantity.

The register holds names. What belongs here is to read it whole or to refuse it, and to make tokens of its names. Messages name
rows by their numbers and never say what stands there.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd

from customs_assets.anonymization.identities import tokens
from customs_assets.anonymization.names_alike import name_alike, number_alike
from customs_assets.declaration import COUNTRIES
from customs_assets.named_files import NamedFileError, read_file
from customs_assets.named_rows import Rows, RowsError, read_rows

ROLE = "importer_id"
COLUMNS = ("hs_code", "country_of_origin", ROLE, "grade", "business_number")
_OPTIONAL = ("hs_code", "country_of_origin", ROLE, "business_number")

GRADES = ("quantity by country", "all quantity", "value only", "value and quantity")

# A release has six digits, so the request for a longer code holds for its first six.
_DIGITS = 6
_CODE = re.compile(r"(?!00|77|98|99)\d{2,12}", re.ASCII)


class RegisterError(Exception):
    """The register cannot be read, or others can; the message says what to do and repeats nothing of what stands in it."""


def register_bytes(path: str, lake: str = "") -> bytes:
    """The bytes of the register's file.

    Args:
        path: its file.
        lake: folder of the lake; a register inside it is refused.

    Raises:
        RegisterError: the file is missing, readable by others, or in the lake.
    """
    _require_private(Path(path), lake)
    try:
        return read_file(str(Path(path).resolve()))
    except NamedFileError as error:
        raise RegisterError(f"CUSTOMS_CONFIDENTIAL: {error}") from error


def read_register(content: bytes, path: str, key: bytes) -> pd.DataFrame:
    """The register, with tokens for names.

    Args:
        content: the bytes of its file.
        path: the file, whose suffix says what it is.
        key: the identity key.

    Returns:
        One row for each row of the file and each token of its importer (a name and a business number have one each): ``row`` (its
        number in the file), ``hs_code`` (2 to 6 digits), ``country_of_origin``, ``importer_id`` (a token) and ``grade`` (one of
        :data:`GRADES`). What a row leaves open is the empty text.

    Raises:
        RegisterError: the file is broken.
    """
    try:
        rows = read_rows(content, path, COLUMNS, optional=_OPTIONAL, is_secret=True, may_be_empty=True)
    except RowsError as error:
        raise RegisterError(f"CUSTOMS_CONFIDENTIAL: {error}") from error
    cells = rows.cells.apply(lambda column: column.str.strip())
    cells["hs_code"] = cells["hs_code"].str.replace(r"[.\s]+", "", regex=True)
    cells["grade"] = cells["grade"].str.lower().str.replace(r"[\s_-]+", " ", regex=True)
    parties = [
        {name_alike(name), number_alike(number)} - {""}
        for name, number in zip(cells[ROLE], cells["business_number"], strict=True)
    ]
    _refuse(rows, cells, parties)
    exploded = pd.DataFrame(
        {
            "row": rows.numbers,
            "hs_code": cells["hs_code"].str[:_DIGITS],
            "country_of_origin": cells["country_of_origin"],
            ROLE: [sorted(names) or [""] for names in parties],
            "grade": cells["grade"],
        }
    ).explode(ROLE, ignore_index=True)
    return exploded.assign(**{ROLE: tokens(exploded[ROLE].to_numpy(dtype=object), ROLE, key)})


def _require_private(path: Path, lake: str) -> None:
    if not path.is_file():
        return  # Who reads it says so.
    if lake and "://" not in lake and path.resolve().is_relative_to(Path(lake).resolve()):
        raise RegisterError(f"the register {path} lies in the lake {lake}; keep it somewhere else")
    if path.stat().st_mode & 0o077:
        raise RegisterError(f"the register {path} is readable by others; run: chmod 600 {path}")


def _refuse(rows: Rows, cells: pd.DataFrame, parties: list[set[str]]) -> None:
    """Raise RegisterError where a row breaks the form; the first is named, and the others are counted."""
    code, country, grade = (cells[name] for name in ("hs_code", "country_of_origin", "grade"))
    named = np.array([bool(names) for names in parties], dtype=bool)
    has_text = (cells[ROLE] != "") | (cells["business_number"] != "")
    faults = {
        f"the grade is none of: {', '.join(GRADES)}": ~grade.isin(GRADES),
        "hs_code is no product code of 2 to 12 digits in a chapter of the Harmonized System": (code != "")
        & ~code.map(lambda one: _CODE.fullmatch(one) is not None).astype(bool),
        "country_of_origin is no country of the list (ISO 3166-1, two capital letters)": (country != "")
        & ~country.isin(COUNTRIES),
        "the importer has no letter and no digit": has_text & ~named,
        "it names no product, no country and no importer": (code == "") & (country == "") & ~has_text,
    }
    found = [(int(np.argmax(bad)), fault) for fault, bad in faults.items() if bad.any()]
    if found:
        place, fault = min(found)
        others = int(np.logical_or.reduce(list(faults.values())).sum()) - 1
        more = f"; rows that break the form beside it: {others}" if others else ""
        raise RegisterError(f"{rows.name}, row {rows.numbers[place]}: {fault}{more}")

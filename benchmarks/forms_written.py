"""A world's declarations as other administrations write them: in the columns, codes and marks of the forms that ship.

What belongs here turns the declarations of ``worlds.py``, which have the form ``korea``, into the cells of another form. Names
become numbers of taxpayers, prices another currency, years others, codes those of the form.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

# How much one unit of the form's currency is worth in the world's.
_RATES = {"bacuda": 1300.0, "asycuda": 2.1, "eu-h1": 1450.0}
_YEARS_BACK = {"bacuda": 7, "asycuda": 4, "eu-h1": 1}
_SEPARATORS = {"bacuda": ",", "asycuda": ";", "eu-h1": ","}

_MODES = {"10": "1", "40": "4", "20": "2", "30": "3", "50": "5"}


def written(form: str, world: pd.DataFrame, seed: int = 1) -> pd.DataFrame:
    """The declarations as a form writes them, all cells as text.

    Args:
        form: ``bacuda``, ``asycuda`` or ``eu-h1``.
        world: declarations with the attributes of the form ``korea``, in types; labels null where nobody inspected.
        seed: of what a form has beside them (quantities, taxes, amounts recovered).
    """
    rng = np.random.default_rng(seed)
    rows = world.reset_index(drop=True)
    price = (rows["item_price"] / _RATES[form]).round(2).clip(lower=0.01)
    days = rows["date"].astype("datetime64[ns]") - pd.DateOffset(years=_YEARS_BACK[form])
    found = rows["fraud"].astype("Int8").astype("string").fillna("")
    duty = (price * rows["tax_rate"] / 100).round(2)
    raised = (duty * rng.uniform(0.1, 0.9, len(rows)) + 25).round(2)
    amounts = raised.astype(str).where(found == "1", "0.0").where(found != "", "")
    cells = _WRITERS[form](rows, days, price, found, amounts, rng)
    return pd.DataFrame(cells).astype(str)


def write(form: str, world: pd.DataFrame, folder: Path, seed: int = 1) -> list[Path]:
    """Write the declarations as one extract for each year; the files."""
    folder.mkdir(parents=True, exist_ok=True)
    frame, years = written(form, world, seed), world["date"].astype("datetime64[ns]").dt.year.to_numpy()
    files = []
    for year in sorted(set(years)):
        files.append(folder / f"extract-{year - _YEARS_BACK[form]}.csv")
        frame[years == year].to_csv(files[-1], index=False, sep=_SEPARATORS[form], lineterminator="\n")
    return files


def _numbers(names: pd.Series, pattern: str) -> pd.Series:
    """A number for each party, whichever way its name is spelled; nothing where there is none."""
    plain = names.str.upper().str.replace(r"[^A-Z0-9]", "", regex=True)
    numbers = pd.Series(pd.factorize(plain)[0], names.index).map(
        lambda number: pattern.format(number * 7919 % 1_000_003)
    )
    return numbers.where(plain != "", "")


def _bacuda(
    rows: pd.DataFrame,
    days: pd.Series,
    price: pd.Series,
    found: pd.Series,
    amounts: pd.Series,
    rng: np.random.Generator,
) -> dict[str, pd.Series]:
    return {
        "sgd.id": "SGD" + rows["declaration_id"].str.replace("-", ""),
        "sgd.date": days.dt.strftime("%y-%m-%d"),
        "importer.id": _numbers(rows["importer_id"], "IMP{:06d}"),
        "declarant.id": _numbers(rows["declarant_id"], "DEC{:06d}"),
        "country": rows["country_of_origin"],
        "office.id": "OFFICE" + rows["office_id"],
        # A program that takes codes for numbers drops the zero of the first chapters.
        "tariff.code": rows["hs10_code"].str.lstrip("0"),
        "quantity": pd.Series(rng.integers(1, 500, len(rows)), rows.index),
        "gross.weight": (rows["net_mass"] * 1.05).round(1),
        "fob.value": (price * 0.93).round(2),
        "cif.value": price,
        "total.taxes": (price * (rows["tax_rate"] / 100 + 0.075)).round(2),
        "illicit": found,
        "revenue": amounts,
    }


def _asycuda(
    rows: pd.DataFrame,
    days: pd.Series,
    price: pd.Series,
    found: pd.Series,
    amounts: pd.Series,
    rng: np.random.Generator,
) -> dict[str, pd.Series]:
    lanes = pd.Series(rng.choice(["RED", "YELLOW"], len(rows)), rows.index)
    return {
        "IDE_CUO_COD": "GT" + rows["office_id"].str.zfill(3),
        "IDE_TYP_SAD": rows["process_type"].map({"B": "IM 4", "A": "IM 5", "D": "IM 7"}),
        # Two items of a declaration; each office counts its declarations anew every year.
        "IDE_REG_NBR": _within(rows["office_id"] + days.dt.year.astype(str)).floordiv(2).add(1),
        "KEY_ITM_NBR": _within(rows["office_id"] + days.dt.year.astype(str)).mod(2).add(1),
        "IDE_REG_DAT": days.dt.strftime("%d/%m/%Y"),
        "CMP_CON_COD": _numbers(rows["importer_id"], "{:07d}P"),
        "CMP_EXP_NAM": rows["seller_id"],
        "DEC_COD": _numbers(rows["declarant_id"], "{:06d}T"),
        "GEN_CTY_EPT_COD": rows["country_of_departure"],
        "TPT_MOT_BRD_COD": rows["mode_of_transport"].map(_MODES).fillna("1"),
        "TAR_HSC_NB1": rows["hs10_code"].str[:8],
        "TAR_PRC_EXT": rows["import_type"].map({"11": "4000", "87": "4051"}).fillna("4071"),
        "TAR_PRC_NAT": rows["import_use"].str.zfill(3),
        "TAR_PRF": rows["tax_type"],
        "GDS_ORG_CTY": rows["country_of_origin"],
        "VIT_WGT_NET": rows["net_mass"],
        "VIT_STV": price,
        "TAX_LIN_RAT": rows["tax_rate"],
        "Inspection Result": found.map({"0": "Conforme", "1": "Infraction", "": ""}),
        "AMT_RECOVERED": amounts,
        "PTY_COL_DSC": lanes.where(found != "", "GREEN"),
    }


def _eu(
    rows: pd.DataFrame,
    days: pd.Series,
    price: pd.Series,
    found: pd.Series,
    amounts: pd.Series,
    rng: np.random.Generator,
) -> dict[str, pd.Series]:
    return {
        "MRN": days.dt.strftime("%y")
        + "DE"
        + rows["declaration_id"].str.replace("-", "").str[-12:].str.zfill(12)
        + "B3",
        "goodsItemNumber": pd.Series("1", rows.index),
        "acceptanceDate": days.dt.strftime("%Y%m%d"),
        "customsOfficeOfImport": "DE00" + rows["office_id"].str.zfill(3) + "1",
        "additionalDeclarationType": rows["process_type"].map({"B": "A", "A": "D", "D": "Z"}),
        "requestedAndPreviousProcedure": rows["import_type"].map({"11": "4000", "87": "4051"}).fillna("4071"),
        "additionalProcedure": rows["import_use"].map({"21": "000"}).fillna("C07"),
        "methodOfPayment": rows["payment_type"].map({"11": "A", "43": "E"}).fillna("R"),
        "modeOfTransportAtTheBorder": rows["mode_of_transport"].map(_MODES).fillna("1"),
        "declarant": _numbers(rows["declarant_id"], "DE8{:08d}"),
        "importer": _numbers(rows["importer_id"], "DE{:09d}"),
        "seller": rows["seller_id"].where(rows["seller_id"] != "", "NULL"),
        "commodityCode": rows["hs10_code"],
        "countryOfDispatch": rows["country_of_departure"],
        "countryOfOrigin": rows["country_of_origin"],
        "taxRate": rows["tax_rate"],
        "preference": pd.Series(np.where(rows["tax_type"].str.startswith("F"), "300", "100"), rows.index),
        "netMass": rows["net_mass"],
        "statisticalValue": price,
        "controlType": pd.Series(np.where(found == "", "", "documents"), rows.index),
        "controlResult": found.map({"0": "false", "1": "true", "": "NULL"}),
        "additionalDuty": amounts,
    }


def _within(groups: pd.Series) -> pd.Series:
    """The place of each row within its group, from 0."""
    return groups.groupby(groups).cumcount()


_WRITERS: dict[str, Callable[..., dict[str, pd.Series]]] = {"bacuda": _bacuda, "asycuda": _asycuda, "eu-h1": _eu}

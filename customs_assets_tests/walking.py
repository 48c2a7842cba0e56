"""An extract that nobody has described, and what a person corrects in the form that ``customs inspect`` writes for it.

For the walk of ``docs/your-data.md``: ``benchmarks/walk.py`` shows it, a test takes it. Semicolons, Latin-1, decimal commas, a
title above the headers, the office's own codes for countries, words for labels; or bars, two-digit years and no ID.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

MONTHS = ("2015-01", "2015-02", "2015-03")

# The office's own codes for countries.
COUNTRIES = {
    "P01": "BR",
    "P02": "CN",
    "P03": "DE",
    "P04": "VN",
    "P05": "FR",
    "P06": "IN",
    "P07": "MA",
    "P08": "US",
}
_OWN = {country: own for own, country in COUNTRIES.items()}

# Product code (its zero lost where a spreadsheet had it), origin, kilograms, price of a kilogram.
_GOODS = (
    ("9012100", "BR", 900.0, 2900.0),
    ("61091000", "CN", 120.0, 9000.0),
    ("61091000", "IN", 120.0, 7000.0),
    ("84713000", "CN", 40.0, 210000.0),
    ("87032319", "DE", 1400.0, 9000.0),
    ("87032319", "FR", 1300.0, 8000.0),
    ("95030039", "VN", 60.0, 5200.0),
    ("10063098", "IN", 22000.0, 330.0),
    ("15179090", "MA", 5000.0, 800.0),
    ("85171300", "CN", 8.0, 310000.0),
    ("30049000", "FR", 70.0, 52000.0),
    ("84295200", "US", 18000.0, 5000.0),
)

_HEADERS = (
    *(
        "N° déclaration",
        "Date validation",
        "Bureau",
        "Code opérateur",
        "Déclarant",
        "NDP",
        "Pays d'origine",
        "Provenance",
    ),
    *("Poids net", "Valeur CAF", "Droits", "Résultat"),
)


def declarations(month: str, rows: int, seed: int = 5) -> list[dict[str, str]]:
    """Declarations of a month, in the words and marks of the office. An importer in ten rows has one good or two."""
    rng = np.random.default_rng([seed, int(month.replace("-", ""))])
    importers = max(rows // 4, 24)
    habits = np.random.default_rng(seed).integers(len(_GOODS), size=(importers, 2))
    found = []
    for number in range(rows):
        who = int(rng.integers(importers))
        code, origin, kilograms, price = _GOODS[habits[who, int(rng.integers(2))]]
        mass = kilograms * float(np.exp(rng.normal(0, 0.7)))
        value = mass * price * float(np.exp(rng.normal(0, 0.3)))
        is_fraud = rng.random() < (0.5 if code.startswith(("9503", "6109")) else 0.12)
        inspected = rng.random() < 0.8
        day = int(rng.integers(1, 29))
        found.append(
            {
                "number": f"{month[2:4]}C{number + 1:05d}",
                "day": f"{day:02d}/{month[5:]}/{month[:4]}",
                "short": f"{day:02d}-{('Jan', 'Feb', 'Mar')[int(month[5:]) - 1]}-{month[2:4]}",
                "office": ("CIAB1", "CIAB3", "CISP2")[who % 3],
                "importer": f"Société Ivoirienne {who:04d}",
                "declarant": f"Transit Été {who % 14:02d}",
                "code": code,
                "origin": origin,
                "departure": "FR" if rng.random() < 0.1 else origin,
                "mass": f"{mass:.1f}".replace(".", ","),
                "value": f"{value:.0f},5",
                "duty": f"{value * 0.2:.0f},0",
                "found": ("infraction" if is_fraud else "conforme") if inspected else "NULL",
            }
        )
    return found


def write_extract(folder: Path, rows: int, months: Sequence[str] = MONTHS) -> None:
    """The extract with semicolons: a file a month, a title above the headers, countries in the office's own codes."""
    folder.mkdir(parents=True)
    for place, month in enumerate(months):
        with (folder / f"extrait_{place + 1:02d}.csv").open("w", encoding="latin-1", newline="") as stream:
            stream.write("Extraction SYDAM;direction des systèmes d'information\r\n")
            writer = csv.writer(stream, delimiter=";")
            writer.writerow(_HEADERS)
            for row in declarations(month, rows):
                origin, departure = (_OWN[row[name]] for name in ("origin", "departure"))
                named = (row[name] for name in ("number", "day", "office", "importer", "declarant", "code"))
                writer.writerow([*named, origin, departure, *(row[n] for n in ("mass", "value", "duty", "found"))])


def write_bars(folder: Path, rows: int, months: Sequence[str] = MONTHS) -> None:
    """The extract with bars: one file, no ID of a declaration, labels as numbers, a column that nobody uses."""
    folder.mkdir(parents=True)
    headers = (
        "date_validation",
        "Bureau",
        "code opérateur",
        "ndp",
        "org",
        "provenance",
        "valeur",
        "montant",
        "poids net",
    )
    with (folder / "extrait.csv").open("w", encoding="latin-1", newline="") as stream:
        writer = csv.writer(stream, delimiter="|")
        writer.writerow([*headers, "qcs", "contentieux"])
        for month in months:
            for row in declarations(month, rows):
                label = {"conforme": "0", "infraction": "1", "NULL": ""}[row["found"]]
                named = (row[name] for name in ("short", "office", "importer", "code", "origin", "departure", "value"))
                writer.writerow([*named, row["duty"], row["mass"], "1", label])


def corrections(semicolons: bool = True) -> Mapping[str, str]:
    """What a person writes instead, by the beginning of the line: the title, the currency, and which country each code is."""
    own = ", ".join(f'"{code}" = "{country}"' for code, country in COUNTRIES.items())
    lines = {
        "title = ": 'title = "Import declarations of an office in Abidjan"',
        "currency = ": 'currency = "XOF"',
    }
    return lines | {"codes = ": f"codes = {{ {own} }}"} if semicolons else lines


def corrected(form: str, lines: Mapping[str, str]) -> tuple[str, int]:
    """The form after a person corrected it, and how many lines that took."""
    text, changed = [], 0
    for line in form.splitlines():
        instead = next((new for begin, new in lines.items() if line.startswith(begin)), line)
        changed += instead != line
        text.append(instead)
    return "\n".join(text) + "\n", changed

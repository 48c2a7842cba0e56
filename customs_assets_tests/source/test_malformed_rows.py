"""One thousand malformed rows in a month: each quarantined with its reason and place, the rest unharmed."""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Callable

import numpy as np
import pyarrow.parquet as pq
import pytest

from customs_assets.source.quarantine import Reason

MALFORMED = 1000

# What is done to a good row to break it, by reason: (column, value), in turn.
CELLS: dict[Reason, list[tuple[str, str]]] = {
    Reason.CONTROL_CHARACTERS: [("importer_id", "A\x00B"), ("seller_id", "x\x1b[2J"), ("process_type", "B\x07")],
    Reason.TEXT_TOO_LONG: [("seller_id", "가" * 5000), ("declaration_id", "9" * 4097)],
    Reason.MISSING_VALUE: [
        ("importer_id", ""),
        ("declarant_id", "  "),
        ("date", ""),
        ("net_mass", ""),
        ("tax_type", ""),
        ("item_price", "NaN"),
        ("importer_id", "NULL"),
        ("office_id", "-"),
    ],
    Reason.MALFORMED_DATE: [("date", "2020-02-30"), ("date", "05.01.2020"), ("date", "2020/01/05"), ("date", "43831")],
    Reason.DATE_OUTSIDE_MONTH: [("date", "2019-12-31"), ("date", "2031-01-01"), ("date", "0001-01-01")],
    Reason.MALFORMED_CODE: [
        ("office_id", "1"),
        ("import_use", "2l"),
        ("tax_type", "=A1"),
        ("office_id", "\uff11\uff13"),
    ],
    Reason.MALFORMED_HS_CODE: [("hs10_code", "1234"), ("hs10_code", "9.0121E+08"), ("hs10_code", "0901.2x")],
    Reason.RESERVED_CHAPTER: [("hs10_code", "7712345678"), ("hs10_code", "9801000000"), ("hs10_code", "990000")],
    Reason.UNKNOWN_CODE: [("process_type", "Q"), ("country_of_origin", "XX"), ("mode_of_transport", "11")],
    Reason.TEXT_IN_NUMBER: [("net_mass", "1,234"), ("item_price", "12 KRW"), ("tax_rate", "8%"), ("net_mass", "0x1F")],
    Reason.NEGATIVE_NUMBER: [("net_mass", "-3"), ("item_price", "-0.01"), ("tax_rate", "-1e400")],
    Reason.NUMBER_OUT_OF_RANGE: [
        ("net_mass", "1e12"),
        ("item_price", "Infinity"),
        ("tax_rate", "1000.5"),
        ("net_mass", "inf"),
    ],
    Reason.UNKNOWN_LABEL: [("fraud", "2"), ("critical_fraud", "3"), ("fraud", "perhaps"), ("critical_fraud", "0.5")],
    Reason.INCOMPLETE_LABELS: [("fraud", ""), ("critical_fraud", "")],
}


# A CSV file has neither formulas nor units.
REASONS = tuple(reason for reason in Reason if reason not in (Reason.NO_VALUE_OF_FORMULA, Reason.OTHER_UNIT))


def _malformed(reason: Reason, turn: int, row: dict[str, str], earlier_id: str, line_of: Callable[..., bytes]) -> bytes:
    """The line of a row that is broken in one way."""
    if reason in CELLS:
        column, value = CELLS[reason][turn % len(CELLS[reason])]
        return line_of(row | {column: value})
    match reason:
        case Reason.INCONSISTENT_LABELS:
            fraud, critical = (("0", "1"), ("0", "2"), ("1", "0"))[turn % 3]
            return line_of(row | {"fraud": fraud, "critical_fraud": critical})
        case Reason.DUPLICATE_DECLARATION_ID:
            return line_of(row | {"declaration_id": earlier_id})
        case Reason.WRONG_FIELD_COUNT:
            line = line_of(row)
            return line.rstrip(b"\n") + b",more\n" if turn % 2 else line.rsplit(b",", 3)[0] + b"\n"
        case Reason.UNDECODABLE_BYTES:
            return line_of(row | {"seller_id": "BAD"}).replace(b"BAD", b"\xff\xfe" if turn % 2 else b"caf\xe9")
        case _:
            broken = ('"never closed', '"closed" early')[turn % 2]
            return line_of(row | {"seller_id": "BAD"}).replace(b"BAD", broken.encode())


@pytest.mark.parametrize("name", ["declarations-2020-01.csv", "all.csv"])
def test_a_thousand_malformed_rows_are_set_aside_with_their_reasons_and_the_rest_is_unharmed(
    tmp_path, good_rows, csv_text, read, name
):
    def line_of(row: dict[str, str]) -> bytes:
        return csv_text([row]).split("\n", 1)[1].encode()

    good = good_rows(3000)
    for number in range(0, 3000, 100):
        good[number]["importer_id"] = "two\nlines, and a comma"
    spare = good_rows(MALFORMED, first_number=50_000_000, seed=8)
    rng = np.random.default_rng(11)
    # The first rows stay good, so that there is an earlier ID to repeat.
    places = np.sort(rng.choice(np.arange(100, 3000 + MALFORMED), MALFORMED, replace=False))
    reasons = [REASONS[turn % len(REASONS)] for turn in range(MALFORMED)]
    is_malformed = np.isin(np.arange(3000 + MALFORMED), places)
    header = csv_text([]).encode()
    content, clean, expected = io.BytesIO(), io.BytesIO(), []
    content.write(header)
    clean.write(header)
    goods = broken = 0
    for place, malformed in enumerate(is_malformed):
        if malformed:
            reason, row = reasons[broken], spare[broken] | {"date": good[goods - 1]["date"]}
            earlier = good[int(rng.integers(0, goods))]["declaration_id"]
            content.write(_malformed(reason, broken // len(REASONS), row, earlier, line_of))
            expected.append((place + 2, reason.value))
            broken += 1
        else:
            content.write(line_of(good[goods]))
            clean.write(line_of(good[goods]))
            goods += 1
    (tmp_path / name).write_bytes(content.getvalue())
    (tmp_path / f"clean-{name}").write_bytes(clean.getvalue())

    result = read(tmp_path / name)

    quarantine = result.quarantine.to_pylist()
    assert [(row["row"], row["reason"]) for row in quarantine] == expected
    assert min(Counter(reason for _, reason in expected).values()) >= MALFORMED // len(REASONS)
    assert result.rows_in == 4000
    assert {row["file"] for row in quarantine} == {name}
    assert all(json.loads(row["record"]) for row in quarantine)
    assert _parquet_bytes(result.declarations) == _parquet_bytes(read(tmp_path / f"clean-{name}").declarations)


def _parquet_bytes(table) -> bytes:
    stream = io.BytesIO()
    pq.write_table(table, stream)
    return stream.getvalue()


def test_the_detail_names_the_column_and_the_value_and_the_other_rules_broken(tmp_path, good_rows, csv_text, read):
    rows = good_rows(3)
    rows[1] |= {"net_mass": "-3", "process_type": "Q", "fraud": ""}
    (tmp_path / "d.csv").write_text(csv_text(rows))
    (quarantined,) = read(tmp_path / "d.csv").quarantine.to_pylist()
    assert quarantined["reason"] == "unknown_code"
    assert quarantined["column"] == "process_type"
    assert quarantined["detail"] == (
        "process_type is 'Q', which is not in the list of its codes; "
        "also net_mass: negative_number, fraud: incomplete_labels"
    )
    assert quarantined["declaration_id"] == "00000002"
    assert quarantined["row"] == 3
    assert json.loads(quarantined["record"])["net_mass"] == "-3"


def test_the_first_good_row_of_an_id_is_kept_over_all_files_in_order(tmp_path, good_rows, csv_text, read):
    first, second = good_rows(4), good_rows(4, seed=9)
    first[2]["net_mass"] = "much"
    (tmp_path / "a.csv").write_text(csv_text(first))
    (tmp_path / "b.csv").write_text(csv_text(second))
    result = read(tmp_path)
    kept = result.declarations.column("declaration_id").to_pylist()
    assert kept == ["00000001", "00000002", "00000004", "00000003"]
    places = [(row["reason"], row["file"], row["row"]) for row in result.quarantine.to_pylist()]
    assert places == [
        ("text_in_number", "a.csv", 4),
        ("duplicate_declaration_id", "b.csv", 2),
        ("duplicate_declaration_id", "b.csv", 3),
        ("duplicate_declaration_id", "b.csv", 5),
    ]
    assert "row 2 of a.csv" in result.quarantine.to_pylist()[1]["detail"]

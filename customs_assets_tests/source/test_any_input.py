"""Whatever a file holds: every row is kept or quarantined, once, in one month, or the reading stops with a sentence."""

from __future__ import annotations

import csv
import io
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from customs_assets.declaration import NAMES
from customs_assets.source import csv_rows
from customs_assets.source.reading import SourceError

# Mostly sound cells, so that many of the drawn blocks are sound and both ways of cutting are compared.
CELLS = st.sampled_from(["a", "", '"b"', '"c\nd"', '"e""f"', "\xe9", "h", '""', '"', 'g"h', "i\r"])
HOSTILE = st.one_of(
    st.text(max_size=12),
    st.sampled_from(["", " ", "=1+1", "1e999", "-0", "NaN", "1,234", '"', '""', "\r", "\n", "\x00", "NULL", "\ufeff"]),
    st.floats().map(str),
    st.dates().map(str),
)
QUICK = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@given(data=st.data())
@QUICK
def test_any_mix_of_cells_is_accounted_for(good_rows, read, data):
    rows = good_rows(data.draw(st.integers(1, 12)))
    for row in rows:
        if data.draw(st.booleans()):
            row[data.draw(st.sampled_from(NAMES))] = data.draw(HOSTILE)
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, quoting=csv.QUOTE_ALL, lineterminator=data.draw(st.sampled_from(["\n", "\r\n"])))
    writer.writerows([NAMES, *([row[name] for name in NAMES] for row in rows)])
    content = stream.getvalue().encode("utf-8", "surrogatepass")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "declarations-2020-01.csv")
        path.write_bytes(content)
        result = read(path)
    assert result.rows_in == len(rows)
    assert result.declarations.num_rows + result.quarantine.num_rows == len(rows)


@given(data=st.data())
@QUICK
def test_any_bytes_are_accounted_for_or_refused_in_one_sentence(good_rows, csv_text, read, data):
    content = bytearray(csv_text(good_rows(8)).encode(data.draw(st.sampled_from(["utf-8", "utf-8-sig", "cp949"]))))
    for _ in range(data.draw(st.integers(0, 6))):
        place = data.draw(st.integers(0, len(content)))
        removed = data.draw(st.integers(0, 40))
        content[place : place + removed] = data.draw(st.one_of(st.binary(max_size=6), st.sampled_from([b'"', b"\r"])))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "d.csv")
        path.write_bytes(content)
        try:
            result = read(path)
        except SourceError as error:
            assert "d.csv" in str(error)
            return
    assert result.declarations.num_rows + result.quarantine.num_rows == result.rows_in <= 60


@given(
    lines=st.lists(st.lists(CELLS, min_size=3, max_size=3) | st.lists(CELLS, min_size=1, max_size=4), max_size=8),
    end=st.sampled_from(["\n", "\r\n", "\r", ""]),
)
@settings(max_examples=600, deadline=None)
def test_whole_array_cutting_agrees_with_reading_record_by_record(lines, end):
    buffer = "\n".join(",".join(cells) for cells in lines).encode("latin-1") + end.encode()
    shape = csv_rows.Shape(fields=3, id_position=0, may_be_damaged=True)
    block = csv_rows.cut_sound_block(buffer, True, shape) if buffer else None
    if block is None:
        return
    records = csv_rows.cut_row_by_row(buffer, True, shape)
    assert [column.to_pylist() for column in block.columns] == [column.to_pylist() for column in records.columns]
    assert block.positions.tolist() == records.positions.tolist()
    assert block.broken == records.broken
    assert (block.rows, block.consumed) == (records.rows, records.consumed)


@given(data=st.data())
@settings(QUICK, max_examples=60)
def test_every_row_of_a_file_belongs_to_exactly_one_month(good_rows, csv_text, read, data):
    months = ["2020-01", "2020-02", "2020-03"]
    rows = [row for number, month in enumerate(months) for row in good_rows(4, month=month, first_number=number * 10)]
    days = st.sampled_from(["", "soon", "2019-12-31", "2020-01-09", "2020-03-09", "2050-01-01"])
    for row in rows[1:]:
        if data.draw(st.booleans()):
            row["date"] = data.draw(days)
    lines = csv_text(rows).splitlines()
    for place in data.draw(st.lists(st.integers(1, len(lines)), max_size=3)):
        lines.insert(place, "too,few")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "d.csv")
        path.write_text("\n".join(lines))
        results = [read(path, month) for month in months]
        assert sum(result.rows_in for result in results) == len(lines) - 1
        places = [number for result in results for number in result.quarantine.column("row").to_pylist()]
    assert len(set(places)) == len(places)

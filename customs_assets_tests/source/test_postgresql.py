"""A PostgreSQL table as a source, on a real server: the same rules as for files, every row in one month, no secret shown."""

from __future__ import annotations

import csv
import io
import os
import queue
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from pathlib import Path

import dagster as dg
import pyarrow as pa
import pytest

from customs_assets.automation.running import Outcome, _create, _outcome
from customs_assets.automation.workers import Workers
from customs_assets.declaration import NAMES
from customs_assets.lake import Lake
from customs_assets.settings import Settings
from customs_assets.source.address import open_source, source_of
from customs_assets.source.files import FileSource
from customs_assets.source.postgresql import PostgreSQLSource
from customs_assets.source.reading import SourceError, SourceUnreachable
from customs_assets_tests.lakes import out_of_date
from customs_assets_tests.postgresql_server import PASSWORD, PASSWORD_IN_ADDRESS, Server

TODAY = date(2021, 12, 31)
MONTH = "2020-01"

Row = dict[str, str]


@pytest.fixture(autouse=True)
def password(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("PG")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PGPASSWORD", PASSWORD)


@pytest.fixture
def source_at(postgresql: Server) -> Callable[..., PostgreSQLSource]:
    """A function that opens a table as a source, on a fixed day."""

    def open_table(table: str = "declarations", database: str = "postgres", **columns: str) -> PostgreSQLSource:
        return PostgreSQLSource(postgresql.address(database), table, columns, TODAY)

    return open_table


def _text_table(rows: list[Row]) -> pa.Table:
    return pa.Table.from_pylist(rows, pa.schema([(name, pa.string()) for name in rows[0]]))


_NATIVE = """
create table {name} as select declaration_id, date::date, office_id::int, process_type::char(3), import_type, import_use,
    payment_type, mode_of_transport::smallint, declarant_id, importer_id, nullif(seller_id, '') as seller_id, courier_id,
    hs10_code::bigint, country_of_departure, country_of_origin, tax_rate::numeric(6, 2), tax_type,
    country_of_origin_indicator, net_mass::float8, item_price::numeric, fraud::int::boolean as fraud,
    critical_fraud::float8 as critical_fraud
from {source}
"""


def test_text_and_native_types_read_as_the_same_declarations(postgresql, source_at, good_rows, assert_kept):
    rows = [row | {"import_use": "21", "office_id": "20"} for row in good_rows(500)]
    postgresql.load("as_text", _text_table(rows))
    postgresql.execute(_NATIVE.format(name="native", source="as_text"))
    native = source_at("native").read_month(MONTH)
    assert_kept(native, rows)
    assert native.declarations.equals(source_at("as_text").read_month(MONTH).declarations)
    assert native.quarantine.num_rows == 0


_BROKEN: list[Row] = [
    {"importer_id": ""},
    {"declarant_id": "  "},
    {"seller_id": "x\x1b[2J"},
    {"seller_id": "가" * 5000},
    {"date": "2020-01-32"},
    {"date": "2020-01-1x"},
    {"office_id": "1"},
    {"import_use": "２１"},
    {"hs10_code": "7712345678"},
    {"process_type": "Q"},
    {"country_of_origin": "XX"},
    {"net_mass": "1,234"},
    {"item_price": "12 KRW"},
    {"net_mass": "-3"},
    {"tax_rate": "1000.5"},
    {"net_mass": "NaN"},
    {"fraud": "perhaps"},
    {"fraud": ""},
    {"fraud": "0", "critical_fraud": "2"},
    {"declaration_id": "00000005"},
    {"net_mass": "-1", "process_type": "Q", "fraud": ""},
]


def test_rows_that_break_the_form_are_quarantined_as_those_of_a_file_are(tmp_path, postgresql, source_at, good_rows):
    rows = good_rows(60)
    for turn, change in enumerate(_BROKEN):
        rows[10 + 2 * turn] |= change
    rows.sort(key=lambda row: (row["date"], row["declaration_id"]))
    content = io.StringIO(newline="")
    writer = csv.DictWriter(content, NAMES)
    writer.writeheader()
    writer.writerows(rows)
    (tmp_path / f"declarations-{MONTH}.csv").write_text(content.getvalue())
    by_file = FileSource(str(tmp_path), TODAY).read_month(MONTH)
    postgresql.load("broken", _text_table(rows))

    by_table = source_at("broken").read_month(MONTH)

    assert (by_table.rows_in, by_table.quarantine.num_rows) == (60, len(_BROKEN))
    wanted = ("reason", "column", "declaration_id", "record")
    expected = Counter(tuple(row[name] for name in wanted) for row in by_file.quarantine.to_pylist())
    found = by_table.quarantine.to_pylist()
    assert Counter(tuple(row[name] for name in wanted) for row in found) == expected
    assert len({row["reason"] for row in found}) == 14
    assert {row["file"] for row in found} == {"broken"}
    kept = by_table.declarations.sort_by("declaration_id")
    assert kept.equals(by_file.declarations.sort_by("declaration_id"))


def test_every_row_is_in_one_month_and_those_without_a_date_are_in_the_first(postgresql, source_at, good_rows):
    rows = [*good_rows(20, "2020-02"), *good_rows(10, "2020-04", 100), *good_rows(5, "2019-11", 200)]
    for kind, undated in (
        ("date", ("null", "'infinity'", "'-infinity'", "'9999-12-31'")),
        ("timestamp", ("null", "'infinity'", "'-infinity'", "'9999-12-31 10:00'")),
        ("timestamptz", ("null", "'infinity'", "'-infinity'", "'9999-12-31 10:00'")),
        ("text", ("null", "''", "'soon'", "'05.02.2020'", "'2031-01-01'")),
    ):
        table = f"dated_{kind}"
        postgresql.load(table, _text_table(rows))
        postgresql.execute(f"alter table {table} alter column date type {kind} using date::{kind}")
        for number, value in enumerate(undated):
            postgresql.execute(
                f"insert into {table} select * from {table} where declaration_id = '00000001'",
                f"update {table} set declaration_id = 'undated-{number}', date = {value} where ctid in "
                f"(select max(ctid) from {table} where declaration_id = '00000001')",
            )
        source = source_at(table)
        assert source.months() == ["2020-02", "2020-04"]
        first, between, last = (source.read_month(month) for month in ("2020-02", "2020-03", "2020-04"))
        assert (first.rows_in, between.rows_in, last.rows_in) == (20 + len(undated), 0, 10)
        assert first.declarations.num_rows == 20
        reasons = Counter(first.quarantine.column("reason").to_pylist())
        assert set(reasons) == {"missing_value", "malformed_date", "date_outside_month"}


def test_a_month_is_the_same_in_whatever_order_the_table_keeps_it(postgresql, source_at, good_rows):
    rows = good_rows(300)
    rows[200] |= {"declaration_id": rows[7]["declaration_id"], "date": rows[7]["date"], "net_mass": "77.7"}
    postgresql.load("forwards", _text_table(rows))
    postgresql.load("backwards", _text_table(rows[::-1]))
    one, other = (source_at(table).read_month(MONTH) for table in ("forwards", "backwards"))
    assert one.declarations.equals(other.declarations)
    assert one.quarantine.drop(["file", "detail"]).equals(other.quarantine.drop(["file", "detail"]))
    assert one.quarantine.column("reason").to_pylist() == ["duplicate_declaration_id"]


def test_the_fingerprint_follows_the_months_rows_and_nothing_else(postgresql, source_at, good_rows):
    postgresql.load("changing", _text_table([*good_rows(50), *good_rows(50, "2020-02", 100)]))
    source = source_at("changing")
    known = source.fingerprint(MONTH)
    postgresql.execute(
        "update changing set net_mass = '5' where declaration_id = '00000101'",
        "create table again as select * from changing order by random()",
        "truncate changing",
        "insert into changing select * from again",
        "create index on changing (date)",
    )
    assert source.fingerprint(MONTH) == known
    for statement in (
        "update changing set net_mass = '5' where declaration_id = '00000003'",
        "delete from changing where declaration_id = '00000003'",
        "insert into changing select * from again where declaration_id = '00000003'",
        "insert into changing select * from again where declaration_id = '00000003'",
        "alter table changing add column remark text default 'new'",
    ):
        postgresql.execute(statement)
        before, known = known, source.fingerprint(MONTH)
        assert known != before, statement
    assert source_at("changing", courier_id="remark").fingerprint(MONTH) != known


def test_names_are_taken_as_they_stand_whatever_they_hold(postgresql, source_at, good_rows, assert_kept):
    rows = good_rows(30)
    postgresql.load("plain", _text_table(rows))
    renamed = {"importer_id": "납세자", "net_mass": 'weight"; drop table plain; --', "date": "Declared On"}
    quoted = {name: '"' + column.replace('"', '""') + '"' for name, column in renamed.items()}
    columns = ", ".join(f"{name} as {quoted.get(name, name)}" for name in NAMES)
    postgresql.execute(
        'create schema "Im.port"',
        f'create table "Im.port"."Decl""s" as select {columns}, \'y\' as "Net Mass", 7 as extra from plain',
    )
    source = source_at('"Im.port"."Decl""s"', **renamed)
    month = source.read_month(MONTH)
    assert month.declarations.column_names == [*NAMES, "extra"]
    assert month.declarations.column("extra").to_pylist() == ["7"] * 30
    assert_kept(type(month)(month.declarations.select(list(NAMES)), month.quarantine, month.rows_in), rows)
    assert postgresql.fetch("select count(*) from plain") == [(30,)]


def test_types_that_files_do_not_have_become_their_text(postgresql, source_at, good_rows):
    postgresql.load("typed", _text_table([row | {"fraud": "", "critical_fraud": ""} for row in good_rows(4)]))
    postgresql.execute(
        "create type mode as enum ('10', '40')",
        "create domain price as numeric(12, 2) check (value < 1e9)",
        "create domain dear_price as price",
        "alter table typed alter column mode_of_transport type mode using mode_of_transport::mode",
        "alter table typed alter column item_price type dear_price using item_price::dear_price",
        "alter table typed alter column fraud type float8 using 'NaN'",
        "alter table typed alter column critical_fraud type numeric using null",
        "alter table typed alter column hs10_code type bigint using 901210000",
        "alter table typed add column noted jsonb default '{\"a\": [1, null]}', add column seen inet default '10.0.0.1'",
        "alter table typed alter column net_mass type float8 using case declaration_id when '00000002' then 'NaN' else 1e5 end",
    )
    month = source_at("typed").read_month(MONTH)
    assert month.quarantine.column("reason").to_pylist() == ["missing_value"]
    kept = month.declarations.to_pylist()
    assert {row["hs10_code"] for row in kept} == {"0901210000"}
    assert {(row["fraud"], row["critical_fraud"], row["net_mass"]) for row in kept} == {(None, None, 100000.0)}
    assert {(row["noted"], row["seen"]) for row in kept} == {('{"a": [1, null]}', "10.0.0.1/32")}


def test_a_time_with_a_zone_counts_for_the_day_that_the_session_sees(postgresql, source_at, good_rows, monkeypatch):
    postgresql.load("zoned", _text_table(good_rows(2)))
    postgresql.execute("alter table zoned alter column date type timestamptz using '2020-01-31 20:00+00'")
    monkeypatch.setenv("PGTZ", "UTC")
    assert source_at("zoned").months() == [MONTH]
    monkeypatch.setenv("PGTZ", "Asia/Seoul")
    assert source_at("zoned").months() == ["2020-02"]
    assert source_at("zoned").read_month("2020-02").declarations.column("date").to_pylist() == [date(2020, 2, 1)] * 2


def test_other_encodings_come_as_they_are_meant_and_bytes_without_meaning_cost_their_row_alone(
    postgresql, source_at, good_rows, monkeypatch
):
    rows = [row | {"declarant_id": "관세사"} for row in good_rows(4)]
    monkeypatch.setenv("PGCLIENTENCODING", "UTF8")
    for name, encoding in (("korean", "EUC_KR"), ("raw", "SQL_ASCII")):
        postgresql.execute(f"create database {name} encoding '{encoding}' locale 'C' template template0")
        postgresql.load("declarations", _text_table(rows), name)
    monkeypatch.delenv("PGCLIENTENCODING")
    korean = source_at(database="korean").read_month(MONTH)
    assert korean.declarations.column("declarant_id").to_pylist() == ["관세사"] * 4
    postgresql.execute(
        r"update declarations set seller_id = E'caf\xe9' where declaration_id = '00000002'", database="raw"
    )
    raw = source_at(database="raw").read_month(MONTH)
    assert raw.declarations.column("declarant_id").to_pylist() == ["관세사"] * 3
    (quarantined,) = raw.quarantine.to_pylist()
    assert (quarantined["reason"], quarantined["column"], quarantined["row"]) == ("undecodable_bytes", "seller_id", 2)


def test_a_month_comes_in_pieces_and_reading_changes_nothing(postgresql, source_at, good_rows):
    postgresql.load("once", _text_table(good_rows(1)))
    columns = ", ".join(f"n::text as {name}" if name == "declaration_id" else name for name in NAMES)
    postgresql.execute(
        f"create table many as select {columns}, repeat('x', 1000) as remark from once, generate_series(1, 60000) n"
    )
    stream = source_at("many").stream_month(MONTH)
    sizes = [piece.num_rows for piece in stream]
    assert sum(sizes) == stream.rows_in == 60_000
    assert len(sizes) >= 3
    postgresql.execute(
        "create table touched (n int)",
        "create function touch() returns text language plpgsql as "
        "$$ begin insert into touched values (1); return 'x'; end $$",
        "create view touching as select *, touch() as mark from once",
    )
    with pytest.raises(SourceError, match="read-only transaction"):
        source_at("touching").read_month(MONTH)
    assert postgresql.fetch("select count(*) from touched") == [(0,)]


def test_what_is_wrong_with_a_source_is_said_in_one_sentence_without_the_password(postgresql, source_at, good_rows):
    postgresql.load("right", _text_table(good_rows(3)))
    postgresql.execute(
        "create table partial as select declaration_id, date from right_ limit 0".replace("right_", '"right"'),
        'create table numbered as select *, 1 as day from "right"',
        f"create role reader login password '{PASSWORD}'",
        'create table empty as select * from "right" limit 0',
    )
    port, secret = postgresql.port, PASSWORD_IN_ADDRESS
    address = postgresql.address_with_password()

    kinds = []

    def refusal(address: str, table: str = "right", **columns: str) -> str:
        with pytest.raises(SourceError) as caught:
            open_source(address, table, columns).months()
        kinds.append(caught.type)
        assert caught.value.__suppress_context__ or caught.value.__context__ is None
        return str(caught.value)

    sentences = {
        "refused": refusal(f"postgresql://customs:{secret}@127.0.0.1:1/postgres"),
        "authentication failed": refusal(f"postgresql://customs:{secret}x@127.0.0.1:{port}/postgres"),
        '"nowhere" does not exist': refusal(f"postgresql://customs:{secret}@127.0.0.1:{port}/nowhere"),
        "has no table missing that this role can see": refusal(address, "missing"),
        "names no table": refusal(address, "a.b.c"),
        "lacks the columns office_id": refusal(address, "partial"),
        "has no column weight (for net_mass)": refusal(address, net_mass="weight"),
        "maps mass, which is no attribute": refusal(address, mass="net_mass"),
        "has the type integer, which holds no dates": refusal(address, "numbered", date="day"),
        "permission denied": refusal(f"postgresql://reader:{secret}@127.0.0.1:{port}/postgres"),
        "has no row with a date": refusal(address, "empty"),
        "cannot be read": refusal(f"postgresql://customs:{PASSWORD}@x@127.0.0.1:{port}/postgres"),
        "invalid URI query parameter": refusal(f"{address}?passwd={secret}"),
        "PGPASSWORD": refusal(f"postgresql://customs@127.0.0.1:{port}/postgres?password={secret}x"),
    }
    # A server that is down may come back; whatever else is wrong stays so until somebody mends it.
    assert kinds == [SourceUnreachable, *[SourceError] * (len(sentences) - 1)]
    for expected, sentence in sentences.items():
        assert expected in sentence
        assert PASSWORD not in sentence
        assert secret not in sentence
        assert "\n" not in sentence
    source = open_source(address, "right")
    assert PASSWORD_IN_ADDRESS not in f"{source!r} {source.description}"


def test_the_origin_is_server_database_and_table_without_user_and_password(monkeypatch):
    def origin(address: str, table: str = "declarations") -> str:
        return PostgreSQLSource(address, table).origin

    whole = 'postgresql://db.example:5432/customs/"declarations"'
    for address in (
        "postgresql://reader@db.example/customs",
        f"postgres://other:{PASSWORD_IN_ADDRESS}@DB.example:5432/customs?connect_timeout=3",
        f"postgresql:///customs?host=db.example&password={PASSWORD_IN_ADDRESS}",
    ):
        assert origin(address) == whole
    monkeypatch.setenv("PGHOST", "db.example")
    monkeypatch.setenv("PGDATABASE", "customs")
    monkeypatch.setenv("PGUSER", "reader")
    assert origin("postgresql://") == whole
    assert origin("postgresql://", "Filing.Imports") == 'postgresql://db.example:5432/customs/"Filing"."Imports"'
    monkeypatch.setenv("PGPORT", "5433")
    assert origin("postgresql://") == whole.replace("5432", "5433")
    assert origin("postgresql://[::1]:7/customs") == 'postgresql://[::1]:7/customs/"declarations"'
    monkeypatch.setenv("PGSERVICE", "filing")
    assert origin("postgresql://").endswith("?service=filing")


def test_a_server_that_goes_away_while_it_is_read_ends_with_a_sentence(postgresql, source_at, good_rows):
    postgresql.load("seed", _text_table(good_rows(1)))
    columns = ", ".join(f"n::text as {name}" if name == "declaration_id" else name for name in NAMES)
    postgresql.execute(
        f"create table long as select {columns}, repeat('x', 1000) as remark from seed, generate_series(1, 80000) n"
    )
    pieces = iter(source_at("long").stream_month(MONTH))
    next(pieces)
    postgresql.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'customs'",
    )
    with pytest.raises(SourceUnreachable, match=r"the table long of PostgreSQL at .* cannot be read"):
        for _ in pieces:
            pass


def _everything_under(folder: Path) -> Iterator[tuple[Path, bytes]]:
    for path in folder.rglob("*"):
        if path.is_file():
            yield path, path.read_bytes()


def _run_by_a_worker(log_folder: Path, month: str, assets: Sequence[str]) -> Outcome:
    ended: queue.Queue[tuple[str, str]] = queue.Queue()
    with dg.DagsterInstance.get() as instance:
        workers = Workers(instance, log_folder)
        workers.on_end = lambda run_id, problem: ended.put((run_id, problem))
        run = _create(instance, "month", month, assets)
        workers.take(run.run_id)
        run_id, problem = ended.get(timeout=120)
        workers.close()
        return _outcome(instance, run_id, problem)


def test_a_run_makes_the_months_and_its_password_is_in_no_log_record_or_metadata(
    postgresql, good_rows, tmp_path, monkeypatch
):
    postgresql.load("filed", _text_table([*good_rows(200), *good_rows(100, "2020-02", 1000)]))
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "dagster"))
    monkeypatch.setenv("CUSTOMS_LAKE", str(tmp_path / "lake"))
    monkeypatch.setenv("CUSTOMS_SOURCE", postgresql.address_with_password())
    monkeypatch.setenv("CUSTOMS_POSTGRESQL_TABLE", "public.filed")
    monkeypatch.setenv("CUSTOMS_POSTGRESQL_COLUMNS", '{"net_mass": "net_mass"}')
    (tmp_path / "dagster").mkdir()
    assets = ("quarantine", "raw_declarations", "labelled_declarations")
    months = ["2020-01", "2020-02"]

    made = [_run_by_a_worker(tmp_path / "workers", month, assets) for month in months]

    assert [outcome.problems for outcome in made] == [(), ()]
    lake, settings = Lake(str(tmp_path / "lake")), Settings()  # pyright: ignore[reportCallIssue]
    assert lake.read_table("raw_declarations", "2020-01").num_rows == 200
    first = ("raw_declarations", "2020-01")
    assert not {first, ("quarantine", "2020-02")}.intersection(out_of_date(lake, months))
    postgresql.execute("update filed set net_mass = '1.5' where declaration_id = '00000009'")
    stale = out_of_date(lake, months)
    assert first in stale
    assert ("raw_declarations", "2020-02") not in stale

    monkeypatch.setenv("CUSTOMS_SOURCE", postgresql.address_with_password().replace("%21b", "%21b-wrong"))
    failed = _run_by_a_worker(tmp_path / "workers", "2020-01", assets)
    assert "authentication failed" in failed.problems[0]
    assert (
        source_of(settings).description
        == f"the table public.filed of PostgreSQL at 127.0.0.1:{postgresql.port}/postgres"
    )

    written = dict(_everything_under(tmp_path))
    assert any(path.name == "index.db" or path.suffix == ".db" for path in written)
    assert any("worker-" in path.name for path in written)
    with dg.DagsterInstance.from_config(str(tmp_path / "dagster")) as instance:
        told = [str(entry) for run in instance.get_runs() for entry in instance.all_logs(run.run_id)]
    assert any("rows in, 200 kept" in entry for entry in told)
    for secret in (PASSWORD, PASSWORD_IN_ADDRESS):
        assert [path for path, content in written.items() if secret.encode() in content] == []
        assert [entry for entry in told if secret in entry] == []

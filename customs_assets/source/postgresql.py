"""Declarations from a PostgreSQL table or view, streamed as Arrow.

The server casts every column to text, so that one set of rules judges tables and files. A month comes sorted by date,
declaration ID and then every other column, by bytes, so that the same rows give the same month in whatever order the
table keeps them; a row's number in the quarantine is its place in that order.

A row belongs to the month of its date. A row without one (it is missing, infinite, no date at all, or lies in a month
that has not begun) is counted with the earliest month of the table, and quarantined there. Rows dated before the
pipeline's first month are the table's history; they are not read.

What belongs here is the connection, the statements and the table's layout. The address may hold a password: neither it
nor an error of the driver leaves this module as it stands.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qsl, unquote

import numpy as np
import pyarrow as pa

from customs_assets.declaration import LABELS, NAMES, spelled
from customs_assets.lake import read_sql
from customs_assets.months import FIRST_MONTH, first_day, next_month
from customs_assets.source.headers import column_names
from customs_assets.source.judging import judged_month
from customs_assets.source.parquet_rows import text_rows, with_leading_zero
from customs_assets.source.reading import MonthStream, RawRows, SourceError, SourceMonth, SourceUnreachable

if TYPE_CHECKING:
    from adbc_driver_manager.dbapi import Cursor


# How much text the driver gathers before it hands rows over; some fifteen thousand rows of the whole form.
_BATCH_BYTES = 1 << 24
_CONNECT_SECONDS = 10

_DAYS = ("date", "timestamp without time zone", "timestamp with time zone")
_TEXTS = ("text", "character varying", "character")
_INTEGERS = ("smallint", "integer", "bigint")
_WITH_NAN = ("real", "double precision", "numeric")

_READ_ONLY = "set transaction isolation level repeatable read, read only"
_MONTH_OF_TEXT = "substring(btrim({day}) from '^([0-9]{{4}}-(?:0[1-9]|1[0-2]))-[0-9][0-9]') collate \"C\""

_NAME_PART = r'(?:"(?:[^"]|"")+"|[^".]+)'
_TABLE_NAME = re.compile(rf"({_NAME_PART})(?:\.({_NAME_PART}))?")

# Stricter than libpq, which reads a password with a bare @ in it as part of the host, and would then show it.
_USER_PART = r"(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*"
_ADDRESS = re.compile(
    rf"postgres(?:ql)?://(?:{_USER_PART}(?::(?P<password>{_USER_PART}))?@)?"
    r"(?P<host>[A-Za-z0-9._%:,\[\]-]*)(?:/(?P<database>[^/?#@\s]*))?(?:\?(?P<parameters>[^#\s]*))?"
)
_SECRET_PARAMETERS = ("password", "sslpassword")

# Errors that may pass within minutes: classes of SQLSTATE (connection lost, no room, told to stop) where the server
# could send one, else words of libpq's. A wrong password stays wrong.
_PASSING_STATES = ("08", "53", "57P")
_PASSING_WORDS = re.compile(
    r"connection refused|connection reset|timed? ?out|timeout expired|no route to host|network is unreachable"
    r"|temporary failure in name resolution|server closed the connection|terminating connection|broken pipe"
    r"|could not receive data|is starting up|is shutting down|in recovery mode|too many clients|connection slots",
    re.IGNORECASE,
)


class _Column(NamedTuple):
    """A column of the table: its name in the pipeline, its name in the table, its type there."""

    name: str
    column: str
    type: str

    @property
    def expression(self) -> str:
        """The column as the text that a file would hold."""
        value = f"t.{_quoted(self.column)}"
        if self.type == "timestamp with time zone":
            value = f"{value}::timestamp"
        elif self.type == "boolean":
            value = f"{value}::int"
        elif self.name in LABELS and self.type in _WITH_NAN:
            value = f"nullif({value}, 'NaN')"
        return f'({value})::text collate "C"'


@dataclass(frozen=True)
class PostgreSQLSource:
    """A table or view as a source.

    Every method raises SourceUnreachable where the server is down, starting, full or goes away, and SourceError where
    it refuses, or where the table is missing, lacks columns or has no date.

    Attributes:
        address: ``postgresql://user@host:port/database?parameter=value``. What it leaves out, the password above all,
        is taken from
            the environment as libpq does (``PGPASSWORD``, ``PGPASSFILE``, ``PGSERVICE``, ``PGHOST``, …).
        table: name of the table as the catalogue spells it, with its schema where the search path does not lead to it;
        double
            quotes around a part that holds a dot.
        columns: the table's column of each attribute that has neither its name nor its published header.
        today: the day of reading; today where it is None.
    """

    address: str = field(repr=False)
    table: str = "declarations"
    columns: Mapping[str, str] = field(default_factory=dict)
    today: date | None = None

    @property
    def description(self) -> str:
        """What the source is, for a person; without user and password."""
        return f"the table {self.table} of {self._server}"

    @property
    def _server(self) -> str:
        address = self._parsed()
        host = address["host"] or os.environ.get("PGHOST", "")
        database = address["database"] or os.environ.get("PGDATABASE", "")
        place = f"{host}/{database}" if host or database else "the environment's address"
        return f"PostgreSQL at {place}"

    @property
    def origin(self) -> str:
        """Server, database and table, as the address or else the environment names them; without user and password."""
        address = self._parsed()
        parameters = dict(parse_qsl(address["parameters"]))
        hosts = unquote(address["host"]).lower()
        host, _, port = hosts.rpartition(":") if re.search(r":\d+$", hosts) and "," not in hosts else (hosts, "", "")
        service = parameters.get("service") or os.environ.get("PGSERVICE", "")
        server = {
            "host": parameters.get("host") or host or os.environ.get("PGHOST", ""),
            "port": parameters.get("port") or port or os.environ.get("PGPORT", "") or ("" if service else "5432"),
            "database": parameters.get("dbname") or unquote(address["database"]) or os.environ.get("PGDATABASE", ""),
        }
        of_service = f"?service={service}" if service else ""
        table = ".".join(map(_quoted, _table_parts(self.table)))
        return f"postgresql://{server['host']}:{server['port']}/{server['database']}/{table}{of_service}"

    def check(self) -> None:
        """Check that address, table name and mapping can be read; nothing is connected to.

        Raises:
            SourceError: one of them cannot.
        """
        self._parsed()
        _table_parts(self.table)
        unknown = [name for name in self.columns if name not in NAMES]
        if unknown:
            raise SourceError(
                f"CUSTOMS_POSTGRESQL_COLUMNS maps {', '.join(unknown)}, which is no attribute of a declaration; "
                f"the attributes are {', '.join(NAMES)}"
            )

    def months(self) -> list[str]:
        """The months from 2020-01 on that the table has rows dated in, in order."""
        with self._session(FIRST_MONTH) as session:
            months = session.months(self._layout(session))
        if not months:
            raise SourceError(
                f"{self.description} has no row with a date between {FIRST_MONTH} and today, so it has no month"
            )
        return months

    def fingerprint(self, month: str) -> str:
        """A hash of the month's rows, computed by the server, and of the columns that they are read from."""
        with self._session(month) as session:
            columns = self._layout(session)
            content = session.content_hash(columns, month)
        layout = [f"{column.name}={column.column}:{column.type}" for column in columns]
        return hashlib.sha256("\x1f".join([self.table, month, *layout, *content]).encode()).hexdigest()

    def read_month(self, month: str) -> SourceMonth:
        """The declarations of a month and its quarantined rows, in memory."""
        return self.stream_month(month).collect()

    def stream_month(self, month: str) -> MonthStream:
        """The same as they are read."""
        with self._session(month) as session:
            columns = self._layout(session)
        return judged_month(month, [column.name for column in columns], self._lots(month, columns))

    def _lots(self, month: str, columns: list[_Column]) -> Iterator[tuple[RawRows, str]]:
        names = [column.name for column in columns]
        position = names.index("hs10_code")
        before = 0
        with self._session(month) as session:
            for batch in session.rows(columns, month):
                numbers = np.arange(before + 1, before + batch.num_rows + 1)
                before += batch.num_rows
                with_codes = batch
                if columns[position].type in _INTEGERS:
                    with_codes = batch.set_column(position, "hs10_code", with_leading_zero(batch.column(position)))
                yield text_rows(with_codes, names, numbers, self.table), self.table

    def _layout(self, session: _Session) -> list[_Column]:
        """The table's columns as the pipeline names them: the mapped ones, then the others in the table's order."""
        types = session.columns()
        if not types:
            raise SourceError(
                f"{self._server} has no table {self.table} that this role can see; name it in CUSTOMS_POSTGRESQL_TABLE "
                "as the catalogue spells it, with its schema (schema.table)"
            )
        absent = [f"{column} (for {name})" for name, column in self.columns.items() if column not in types]
        if absent:
            raise SourceError(
                f"{self.description} has no column {', '.join(absent)}, which CUSTOMS_POSTGRESQL_COLUMNS names; "
                f"it has {', '.join(types)}"
            )
        mapped = set(self.columns.values())
        others = [column for column in types if column not in mapped and spelled(column) not in self.columns]
        headers = [*self.columns, *others]
        advice = "Map attributes to columns in CUSTOMS_POSTGRESQL_COLUMNS, or make a view that has them"
        names = column_names(headers, self.description, advice)
        found = [*self.columns.values(), *others]
        columns = [_Column(name, column, types[column]) for name, column in zip(names, found, strict=True)]
        day = _day_column(columns)
        if day.type not in (*_DAYS, *_TEXTS):
            raise SourceError(
                f"the column {day.column} of {self.description} has the type {day.type}, which holds no dates; "
                "make a view that casts it to a date"
            )
        return columns

    def _parsed(self) -> dict[str, str]:
        match = _ADDRESS.fullmatch(self.address)
        if match is None:
            raise SourceError(
                "the address of the PostgreSQL source cannot be read (it is not shown, as it may hold a password); "
                "write postgresql://user@host:port/database, special characters as %XX, and set PGPASSWORD"
            )
        return {name: text or "" for name, text in match.groupdict().items()}

    def _secrets(self) -> list[str]:
        """What must not be shown, the longest first."""
        address = self._parsed()
        parameters = [part.partition("=") for part in address["parameters"].split("&")]
        written = [address["password"], *(text for name, _, text in parameters if name in _SECRET_PARAMETERS)]
        return sorted(
            {*written, *map(unquote, written), os.environ.get("PGPASSWORD", "")} - {""}, key=len, reverse=True
        )

    def _sentence(self, problem: str, error: Exception, advice: str) -> SourceError:
        """An error of the driver as one sentence without secrets; SourceUnreachable where it may pass."""
        state = getattr(error, "sqlstate", None) or ""
        may_pass = state.startswith(_PASSING_STATES) if state else bool(_PASSING_WORDS.search(str(error)))
        cause = re.sub(r"^[A-Z_]+: |\[libpq\] |SQLSTATE: \w+$", "", " ".join(str(error).split())).strip(" .")
        # The driver repeats the statement; the server's own words come after it.
        cause = cause.rpartition("ERROR: ")[2].strip()
        for secret in self._secrets():
            cause = cause.replace(secret, "***")
        kind = SourceUnreachable if may_pass else SourceError
        return kind(f"{self.description} {problem} ({cause[:300]}); {advice}")

    def _uri(self) -> str:
        parameters = self._parsed()["parameters"]
        added = ["fallback_application_name=customs"]
        if "connect_timeout=" not in parameters and "PGCONNECT_TIMEOUT" not in os.environ:
            added.append(f"connect_timeout={_CONNECT_SECONDS}")
        base = self.address.partition("?")[0]
        return f"{base}?{'&'.join([*filter(None, [parameters]), *added])}"

    @contextmanager
    def _session(self, month: str) -> Iterator[_Session]:
        """A read-only transaction in which the month is bound."""
        self.check()
        import adbc_driver_postgresql.dbapi as driver

        begins, unbegun = first_day(month), first_day(next_month(f"{self.today or date.today():%Y-%m}"))
        bounds = [day.isoformat() for day in (begins, first_day(next_month(month)), unbegun)]
        try:
            connection = driver.connect(self._uri())
        except driver.Error as error:
            advice = "check host, port, database and user, and the password in PGPASSWORD or PGPASSFILE"
            raise self._sentence("cannot be connected to", error, advice) from None
        try:
            with connection, connection.cursor() as cursor:
                cursor.execute(_READ_ONLY)
                cursor.execute(read_sql("postgresql_session.sql"), bounds)
                cursor.fetchall()
                yield _Session(cursor, ".".join(map(_quoted, _table_parts(self.table))))
        except (driver.Error, pa.ArrowException, OSError) as error:
            advice = "check that the role may read the table, and run again"
            raise self._sentence("cannot be read", error, advice) from None


class _Session(NamedTuple):
    """The statements on one table, within one transaction."""

    cursor: Cursor
    table: str

    def columns(self) -> dict[str, str]:
        """The type of each column of the table, in order."""
        self.cursor.execute(read_sql("postgresql_columns.sql"), [self.table])
        return dict(self.cursor.fetchall())

    def months(self, columns: list[_Column]) -> list[str]:
        """The months that rows are dated in, from the pipeline's first to the current one."""
        dated = _Dated.of(columns)
        self.cursor.execute(f"select distinct {dated.month} from {self.table} t where {dated.begun}")
        return sorted(month for (month,) in self.cursor.fetchall())

    def rows(self, columns: list[_Column], month: str) -> Iterator[pa.RecordBatch]:
        """The rows of a month, every column as text, in the one order that their content gives."""
        expressions = ", ".join(column.expression for column in columns)
        positions = range(1, len(columns) + 1)
        by_id_first = sorted(positions, key=lambda position: columns[position - 1].name != "declaration_id")
        order = ", ".join([_Dated.of(columns).day, *map(str, by_id_first)])
        statement = (
            f"select {expressions} from {self.table} t where {self._is_of_month(columns, month)} order by {order}"
        )
        self.cursor.adbc_statement.set_options(**{"adbc.postgresql.batch_size_hint_bytes": str(_BATCH_BYTES)})
        self.cursor.execute(statement)
        yield from self.cursor.fetch_record_batch()

    def content_hash(self, columns: list[_Column], month: str) -> tuple[str, str]:
        """The number of the month's rows and the sum of their hashes."""
        self.cursor.execute(
            'select count(*)::text, coalesce(sum(hashtextextended((t.*)::text collate "C", 0)), 0)::text '
            f"from {self.table} t where {self._is_of_month(columns, month)}"
        )
        ((rows, total),) = self.cursor.fetchall()
        return rows, total

    def _is_of_month(self, columns: list[_Column], month: str) -> str:
        """The condition on the month's rows; the earliest month has those without a date as well."""
        dated = _Dated.of(columns)
        self.cursor.execute(f"select min({dated.month}) from {self.table} t where {dated.begun}")
        ((earliest,),) = self.cursor.fetchall()
        return f"(({dated.in_month}) or ({dated.undated}))" if earliest == month else dated.in_month


class _Dated(NamedTuple):
    """Conditions on the date column. An index on it serves them where it holds days."""

    day: str
    holds_days: bool

    @classmethod
    def of(cls, columns: list[_Column]) -> _Dated:
        column = _day_column(columns)
        return cls(f"t.{_quoted(column.column)}", column.type in _DAYS)

    @property
    def month(self) -> str:
        """The month of a row, as text."""
        return f"to_char({self.day}, 'YYYY-MM')" if self.holds_days else _MONTH_OF_TEXT.format(day=self.day)

    def _between(self, start: str, end: str) -> str:
        if self.holds_days:
            return f"{self.day} >= {start}::date and {self.day} < {end}::date"
        return f"{self.month} >= left({start}, 7) and {self.month} < left({end}, 7)"

    @property
    def in_month(self) -> str:
        return self._between(_bound("first_day"), _bound("end_day"))

    @property
    def begun(self) -> str:
        return self._between(f"'{FIRST_MONTH}-01'", _bound("unbegun_day"))

    @property
    def undated(self) -> str:
        if self.holds_days:
            return f"{self.day} is null or {self.day} = '-infinity' or {self.day} >= {_bound('unbegun_day')}::date"
        return f"{self.month} is null or {self.month} >= left({_bound('unbegun_day')}, 7)"


def _bound(name: str) -> str:
    return f"current_setting('customs.{name}')"


def _day_column(columns: list[_Column]) -> _Column:
    return next(column for column in columns if column.name == "date")


def _quoted(identifier: str) -> str:
    """An identifier in SQL, whatever characters it has."""
    return '"' + identifier.replace('"', '""') + '"'


def _table_parts(name: str) -> list[str]:
    """The schema, where there is one, and the table.

    Raises:
        SourceError: the name is none.
    """
    match = _TABLE_NAME.fullmatch(name.strip())
    if match is None or "\x00" in name:
        raise SourceError(
            f"CUSTOMS_POSTGRESQL_TABLE is {name!r}, which names no table; write table or schema.table, with double quotes "
            "around a part that holds a dot"
        )
    parts = [part for part in match.groups() if part]
    return [part[1:-1].replace('""', '"') if part.startswith('"') else part for part in parts]

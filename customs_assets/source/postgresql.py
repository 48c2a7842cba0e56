"""Declarations from a PostgreSQL table or view, streamed as Arrow.

The server casts every column to text, so that the same rules judge tables and files. A month is sorted by date, declaration ID
and then every other column, by bytes. So the same rows give the same month in whatever order the table stores them. A row's
number in the quarantine is its place in that order.

A row belongs to the month of its date. A date may be missing, infinite, malformed, or in a month that has not begun. Such a row
is counted with the table's earliest month and quarantined there. Rows before the pipeline's first month are not read.

What belongs here is the connection, the statements and the table's columns. The address may hold a password, so neither it nor an
error of the driver leaves this module unchanged.
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

from customs_assets.forms import Form, form_in_force
from customs_assets.lake import read_sql
from customs_assets.months import first_day, next_month
from customs_assets.source.headers import column_names
from customs_assets.source.judging import judged_month
from customs_assets.source.parquet_rows import text_rows
from customs_assets.source.reading import MonthStream, RawRows, SourceError, SourceMonth, SourceUnreachable

if TYPE_CHECKING:
    from adbc_driver_manager.dbapi import Cursor


# How much text the driver gathers before it hands over rows: about fifteen thousand rows of the form.
_BATCH_BYTES = 1 << 24
_CONNECT_SECONDS = 10

_DAYS = ("date", "timestamp without time zone", "timestamp with time zone")
_TEXTS = ("text", "character varying", "character")
_LABELS = ("fraud", "critical_fraud")
_WITH_NAN = ("real", "double precision", "numeric")

_READ_ONLY = "set transaction isolation level repeatable read, read only"
# The bounds that sql/postgresql_session.sql sets.
_FIRST_DAY, _END_DAY, _UNBEGUN_DAY = (
    f"current_setting('customs.{name}')" for name in ("first_day", "end_day", "unbegun_day")
)
_MONTH_OF_TEXT = "substring(btrim({day}) from '^([0-9]{{4}}-(?:0[1-9]|1[0-2]))-[0-9][0-9]') collate \"C\""

_NAME_PART = r'(?:"(?:[^"]|"")+"|[^".]+)'
_TABLE_NAME = re.compile(rf"({_NAME_PART})(?:\.({_NAME_PART}))?")

# Stricter than libpq, which takes a password with a bare @ in it for a part of the host, and would then show it.
_USER_PART = r"(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*"
_ADDRESS = re.compile(
    rf"postgres(?:ql)?://(?:{_USER_PART}(?::(?P<password>{_USER_PART}))?@)?"
    r"(?P<host>[A-Za-z0-9._%:,\[\]-]*)(?:/(?P<database>[^/?#@\s]*))?(?:\?(?P<parameters>[^#\s]*))?"
)
_SECRET_PARAMETERS = ("password", "sslpassword")

# Errors that may pass within minutes: classes of SQLSTATE (connection lost, no resources, shut down) where the server sent one,
# else words of libpq. A wrong password stays wrong.
_PASSING_STATES = ("08", "53", "57P")
_PASSING_WORDS = re.compile(
    r"connection refused|connection reset|timed? ?out|timeout expired|no route to host|network is unreachable"
    r"|temporary failure in name resolution|server closed the connection|terminating connection|broken pipe"
    r"|could not receive data|is starting up|is shutting down|in recovery mode|too many clients|connection slots",
    re.IGNORECASE,
)


class _Column(NamedTuple):
    """A column of the table: its name in the pipeline, and its name and type in the table."""

    name: str
    column: str
    type: str

    @property
    def expression(self) -> str:
        """SQL for the column as the text that a file would hold."""
        value = f"t.{_quoted(self.column)}"
        if self.type == "timestamp with time zone":
            value = f"{value}::timestamp"
        elif self.type == "boolean" and self.name not in _LABELS:
            value = f"{value}::int"
        elif self.type in _WITH_NAN:
            value = f"nullif({value}, 'NaN')"
        return f'({value})::text collate "C"'


@dataclass(frozen=True)
class PostgreSQLSource:
    """A table or view as a source.

    Every method raises SourceUnreachable where the server is down, starting, full or goes away. It raises SourceError where the
    server refuses, or where the table is missing, lacks columns or has no dates.

    Attributes:
        address: ``postgresql://user@host:port/database?parameter=value``. libpq takes what is missing, above all the password,
            from the environment (``PGPASSWORD``, ``PGPASSFILE``, ``PGSERVICE``, ``PGHOST``, …).
        table: the table's name in the catalogue, with its schema where the search path does not lead to it, and with double
            quotes around a part that has a dot.
        columns: the table's column of each attribute whose column has neither its name nor its published header.
        today: the day of reading; the present day where it is None.
        form: the form of the declarations; the one in force where none is given.
    """

    address: str = field(repr=False)
    table: str = "declarations"
    columns: Mapping[str, str] = field(default_factory=dict)
    today: date | None = None
    form: Form = field(default_factory=form_in_force, repr=False)

    @property
    def description(self) -> str:
        """The source in words, without user and password."""
        return f"the table {self.table} of {self._server}"

    @property
    def _server(self) -> str:
        address = self._parsed()
        host = address["host"] or os.environ.get("PGHOST", "")
        database = address["database"] or os.environ.get("PGDATABASE", "")
        return f"PostgreSQL at {host}/{database}" if host or database else "PostgreSQL at the environment's address"

    @property
    def origin(self) -> str:
        """Server, database and table, from the address or else the environment; without user and password."""
        address = self._parsed()
        parameters = dict(parse_qsl(address["parameters"]))
        hosts = unquote(address["host"]).lower()
        host, _, port = hosts.rpartition(":") if re.search(r":\d+$", hosts) and "," not in hosts else (hosts, "", "")
        service = parameters.get("service") or os.environ.get("PGSERVICE", "")
        host = parameters.get("host") or host or os.environ.get("PGHOST", "")
        port = parameters.get("port") or port or os.environ.get("PGPORT", "") or ("" if service else "5432")
        database = parameters.get("dbname") or unquote(address["database"]) or os.environ.get("PGDATABASE", "")
        return f"postgresql://{host}:{port}/{database}/{self._quoted_table()}{f'?service={service}' if service else ''}"

    def check(self) -> None:
        """Check address, table name and mapping without connecting.

        Raises:
            SourceError: one of them cannot be read.
        """
        self._parsed()
        self._quoted_table()
        unknown = [name for name in self.columns if name not in self.form.columns]
        if unknown:
            raise SourceError(
                f"CUSTOMS_POSTGRESQL_COLUMNS maps {', '.join(unknown)}, which is no attribute of a declaration; "
                f"the attributes are {', '.join(self.form.columns)}"
            )

    def months(self) -> list[str]:
        """The months from the form's first on in which the table has rows, in order."""
        with self._read(self.form.first_month) as table:
            months = table.months()
        if not months:
            raise SourceError(
                f"{self.description} has no row with a date between {self.form.first_month} and today, so it has no month"
            )
        return months

    def fingerprint(self, month: str) -> str:
        """A hash of the month's rows, computed by the server, and of the columns that they are read from."""
        with self._read(month) as table:
            content = table.content_hash(month)
            columns = [f"{column.name}={column.column}:{column.type}" for column in table.columns]
        return hashlib.sha256(
            self.form.fingerprint + "\x1f".join([self.table, month, *columns, *content]).encode()
        ).hexdigest()

    def read_month(self, month: str) -> SourceMonth:
        """The declarations of a month and its quarantined rows, in memory."""
        return self.stream_month(month).collect()

    def stream_month(self, month: str) -> MonthStream:
        """The same, piece by piece."""
        with self._read(month) as table:
            columns = table.columns
        return judged_month(month, [column.name for column in columns], self._lots(month, columns), self.form)

    def _lots(self, month: str, columns: list[_Column]) -> Iterator[tuple[RawRows, str]]:
        names = [column.name for column in columns]
        before = 0
        with self._read(month, columns) as table:
            for batch in table.rows(month):
                numbers = np.arange(before + 1, before + batch.num_rows + 1)
                before += batch.num_rows
                yield text_rows(batch, names, numbers, self.table, self.form), self.table

    def _layout(self, types: Mapping[str, str]) -> list[_Column]:
        """The table's columns with their names in the pipeline: the mapped columns, then the others in the table's order."""
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
        others = [column for column in types if column not in mapped and self.form.spelled(column) not in self.columns]
        advice = "Map attributes to columns in CUSTOMS_POSTGRESQL_COLUMNS, or make a view that has them"
        names = column_names([*self.columns, *others], self.description, self.form, advice)
        in_table = [*self.columns.values(), *others]
        columns = [_Column(name, column, types[column]) for name, column in zip(names, in_table, strict=True)]
        day = columns[names.index("date")]
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

    def _quoted_table(self) -> str:
        """The table in SQL, with its schema where it has one."""
        match = _TABLE_NAME.fullmatch(self.table.strip())
        if match is None or "\x00" in self.table:
            raise SourceError(
                f"CUSTOMS_POSTGRESQL_TABLE is {self.table!r}, which names no table; write table or schema.table, with double "
                "quotes around a part that holds a dot"
            )
        parts = [part for part in match.groups() if part]
        return ".".join(_quoted(part[1:-1].replace('""', '"') if part.startswith('"') else part) for part in parts)

    def _sentence(self, problem: str, error: Exception, advice: str) -> SourceError:
        """An error of the driver as one sentence without secrets; SourceUnreachable where it may pass."""
        state = getattr(error, "sqlstate", None) or ""
        may_pass = state.startswith(_PASSING_STATES) if state else bool(_PASSING_WORDS.search(str(error)))
        cause = re.sub(r"^[A-Z_]+: |\[libpq\] |SQLSTATE: \w+$", "", " ".join(str(error).split())).strip(" .")
        # The driver repeats the statement. The server's words come after it.
        cause = cause.rpartition("ERROR: ")[2].strip()
        address = self._parsed()
        parameters = [part.partition("=") for part in address["parameters"].split("&")]
        written = [address["password"], *(text for name, _, text in parameters if name in _SECRET_PARAMETERS)]
        secrets = {*written, *map(unquote, written), os.environ.get("PGPASSWORD", "")} - {""}
        for secret in sorted(secrets, key=len, reverse=True):
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
    def _read(self, month: str, columns: list[_Column] | None = None) -> Iterator[_Table]:
        """The table in a read-only transaction in which the bounds of the month are set; its columns are read where None."""
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
                if columns is None:
                    cursor.execute(read_sql("postgresql_columns.sql"), [self._quoted_table()])
                    columns = self._layout(dict(cursor.fetchall()))
                yield _Table(cursor, self._quoted_table(), columns, self.form.first_month)
        except (driver.Error, pa.ArrowException, OSError) as error:
            advice = "check that the role may read the table, and run again"
            raise self._sentence("cannot be read", error, advice) from None


class _Table(NamedTuple):
    """The statements on the table, within one transaction. An index on the date column serves them where it has a date type."""

    cursor: Cursor
    name: str
    columns: list[_Column]
    first_month: str

    def months(self) -> list[str]:
        """The months that rows are dated in, from the pipeline's first month to the present one."""
        self.cursor.execute(f"select distinct {self._month} from {self.name} t where {self._readable}")
        return sorted(month for (month,) in self.cursor.fetchall())

    def rows(self, month: str) -> Iterator[pa.RecordBatch]:
        """The rows of a month, every column as text, in an order that depends on their content alone."""
        expressions = ", ".join(column.expression for column in self.columns)
        positions = range(1, len(self.columns) + 1)
        by_id_first = sorted(positions, key=lambda position: self.columns[position - 1].name != "declaration_id")
        order = ", ".join([self._day, *map(str, by_id_first)])
        of_month = self._is_of_month(month)
        self.cursor.adbc_statement.set_options(**{"adbc.postgresql.batch_size_hint_bytes": str(_BATCH_BYTES)})
        self.cursor.execute(f"select {expressions} from {self.name} t where {of_month} order by {order}")
        yield from self.cursor.fetch_record_batch()

    def content_hash(self, month: str) -> tuple[str, str]:
        """The number of the month's rows and the sum of their hashes."""
        self.cursor.execute(
            'select count(*)::text, coalesce(sum(hashtextextended((t.*)::text collate "C", 0)), 0)::text '
            f"from {self.name} t where {self._is_of_month(month)}"
        )
        ((rows, total),) = self.cursor.fetchall()
        return rows, total

    def _is_of_month(self, month: str) -> str:
        """The condition for the month's rows. Rows without a date belong to the earliest month too."""
        self.cursor.execute(f"select min({self._month}) from {self.name} t where {self._readable}")
        ((earliest,),) = self.cursor.fetchall()
        in_month = self._between(_FIRST_DAY, _END_DAY)
        if earliest != month:
            return in_month
        if self._holds_days:
            undated = f"{self._day} is null or {self._day} = '-infinity' or {self._day} >= {_UNBEGUN_DAY}::date"
        else:
            undated = f"{self._month} is null or {self._month} >= left({_UNBEGUN_DAY}, 7)"
        return f"(({in_month}) or ({undated}))"

    @property
    def _date_column(self) -> _Column:
        return next(column for column in self.columns if column.name == "date")

    @property
    def _day(self) -> str:
        return f"t.{_quoted(self._date_column.column)}"

    @property
    def _holds_days(self) -> bool:
        return self._date_column.type in _DAYS

    @property
    def _month(self) -> str:
        """The month of a row, as text."""
        return f"to_char({self._day}, 'YYYY-MM')" if self._holds_days else _MONTH_OF_TEXT.format(day=self._day)

    @property
    def _readable(self) -> str:
        """The condition for rows from the pipeline's first month to the present one."""
        return self._between(f"'{self.first_month}-01'", _UNBEGUN_DAY)

    def _between(self, start: str, end: str) -> str:
        if self._holds_days:
            return f"{self._day} >= {start}::date and {self._day} < {end}::date"
        return f"{self._month} >= left({start}, 7) and {self._month} < left({end}, 7)"


def _quoted(identifier: str) -> str:
    """An identifier in SQL, whatever characters it has."""
    return '"' + identifier.replace('"', '""') + '"'

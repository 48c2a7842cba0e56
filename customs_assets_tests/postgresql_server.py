"""A PostgreSQL server of the tests' own: real, empty, on a free port of 127.0.0.1, gone when they end."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import adbc_driver_postgresql.dbapi as driver
import pyarrow as pa

USER = "customs"
PASSWORD = "Geheim-7!b"
PASSWORD_IN_ADDRESS = "Geheim-7%21b"


def binaries() -> Path | None:
    """The folder of the newest PostgreSQL server on this machine, None where there is none."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name), reverse=True)
    on_path = shutil.which("postgres")
    folders += [Path(on_path).resolve().parent] if on_path else []
    return next((path for path in folders if (path / "initdb").exists() and (path / "postgres").exists()), None)


def _server_user() -> dict[str, Any]:
    """Root may not run a server: who does, as arguments of ``subprocess``."""
    if os.geteuid() != 0:
        return {}
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    entry = names.get("postgres") or names["nobody"]
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


@dataclass(frozen=True)
class Server:
    """A running server.

    Attributes:
        port: its port on 127.0.0.1.
        log: the file it writes its log to.
    """

    port: int
    log: Path

    def address(self, database: str = "postgres", user: str = USER) -> str:
        """The address without the password."""
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    def address_with_password(self, database: str = "postgres") -> str:
        return f"postgresql://{USER}:{PASSWORD_IN_ADDRESS}@127.0.0.1:{self.port}/{database}"

    def execute(self, *statements: str, database: str = "postgres") -> None:
        """Run statements, each by itself, committed at once."""
        with driver.connect(self.address_with_password(database), autocommit=True) as connection:
            for statement in statements:
                with connection.cursor() as cursor:
                    cursor.execute(statement)

    def fetch(self, statement: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        with driver.connect(self.address_with_password(database)) as connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall()

    def load(self, table: str, rows: pa.Table, database: str = "postgres") -> None:
        """Make a table anew from an Arrow table."""
        with driver.connect(self.address_with_password(database)) as connection, connection.cursor() as cursor:
            cursor.adbc_ingest(table, rows, mode="replace")
            connection.commit()


@contextmanager
def running_server(folder: Path, network: str = "") -> Iterator[Server]:
    """A server whose binaries are in a folder.

    Args:
        folder: the folder.
        network: an address of this machine by which other hosts reach the server, too.
    """
    data = Path(tempfile.mkdtemp(prefix="customs-postgresql-"))
    runs_as = _server_user()
    try:
        password_file = data / "password"
        password_file.write_text(PASSWORD)
        if runs_as:
            for path in (data, password_file):
                os.chown(path, runs_as["user"], runs_as["group"])
        arguments = ["-D", str(data / "data"), "-U", USER, f"--pwfile={password_file}", "--no-sync"]
        arguments += ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C"]
        made = subprocess.run(
            [folder / "initdb", *arguments], cwd=data, capture_output=True, text=True, check=False, **runs_as
        )
        assert made.returncode == 0, made.stderr
        if network:
            with (data / "data" / "pg_hba.conf").open("a") as access:
                access.write(f"host all all {network}/24 scram-sha-256\n")
        with _serving(folder, data, runs_as, network) as server:
            yield server
    finally:
        shutil.rmtree(data)


@contextmanager
def _serving(folder: Path, data: Path, runs_as: dict[str, Any], network: str = "") -> Iterator[Server]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = {"listen_addresses": "127.0.0.1", "unix_socket_directories": str(data), "fsync": "off"}
    options |= {"log_statement": "all", "max_connections": "20"}
    if network:
        options |= {"listen_addresses": f"127.0.0.1,{network}", "log_statement": "none", "max_connections": "200"}
    command = [str(folder / "postgres"), "-D", str(data / "data"), "-p", str(port)]
    command += [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
    with (data / "log").open("w") as log:
        process = subprocess.Popen(command, cwd=data, stdout=log, stderr=log, **runs_as)
        server = Server(port, data / "log")
        try:
            _wait_until_ready(server, process)
            yield server
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_until_ready(server: Server, process: subprocess.Popen[str]) -> None:
    for _ in range(200):
        assert process.poll() is None, server.log.read_text()
        try:
            server.fetch("select 1")
            return
        except driver.OperationalError:
            time.sleep(0.1)
    raise AssertionError(f"the server does not answer: {server.log.read_text()}")

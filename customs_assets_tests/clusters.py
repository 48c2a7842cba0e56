"""A cluster as an administration would have one, on one machine: a head and other hosts of Ray, PostgreSQL, an object store.

What belongs here starts the services and gives every host its settings, secrets and environment, as ``deploy/ray/`` does on
machines. What is run on it stands in the tests and in ``benchmarks/cluster.py``.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from customs_assets.lake.objects import Objects
from customs_assets_tests.hosts import Host, running_hosts
from customs_assets_tests.object_store import SECRET_KEY, Store, running_store
from customs_assets_tests.postgresql_server import PASSWORD_IN_ADDRESS, USER, Server, binaries, running_server

PROJECT = Path(__file__).parents[1]
JOBS_PORT, HEAD_PORT = 8265, 6379

# What each process keeps of its work in shared memory: nothing of the pipeline's goes through it.
_SHARED_BYTES = 100_000_000

_TRIES = 4


@dataclass
class Cluster:
    """A running cluster.

    Attributes:
        head: the host that executes no run.
        hosts: the hosts that execute runs.
        store: the object store, with a bucket "lake".
        database: PostgreSQL.
        settings: what `customs run` is started with, on the head alone.
        secrets: the secrets by the name of their file, as every host has them.
        takes_jobs: whether the head takes jobs, as dagster-ray's launcher submits them.
    """

    head: Host
    hosts: list[Host]
    store: Store
    database: Server
    settings: dict[str, str]
    secrets: dict[str, bytes]
    takes_jobs: bool = False

    @property
    def lake(self) -> str:
        """The lake's address."""
        return self.settings["CUSTOMS_LAKE"]

    def environment(self, host: Host, **more: str) -> dict[str, str]:
        """What processes of a host see: where its secrets are, and no setting of the pipeline but those given."""
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(("CUSTOMS_", "DAGSTER_", "AWS_", "RAY_"))}
        net = self.head.address.rpartition(".")[0]
        address = f"postgresql+psycopg2://{USER}:{PASSWORD_IN_ADDRESS}@{net}.1:{self.database.port}/postgres"
        return {
            **inherited,
            **self.store.environment,
            "AWS_SHARED_CREDENTIALS_FILE": str(host.place / "objects.credentials"),
            "CUSTOMS_CLUSTER": f"{self.head.address}:{HEAD_PORT}",
            "CUSTOMS_CLUSTER_JOBS": f"http://{self.head.address}:{JOBS_PORT}",
            "CUSTOMS_DAGSTER_DATABASE": address,
            "CUSTOMS_IDENTITY_KEY": str(host.place / "identity.key"),
            "CUSTOMS_RELEASE_SECRET": str(host.place / "release.secret"),
            "CUSTOMS_PUBLISHED": str(host.place / "published"),
            "DAGSTER_HOME": str(host.place / "home"),
            "HOME": str(host.place),
            "TMPDIR": str(host.place / "tmp"),
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN_PATH": str(host.place / "ray.token"),
            "RAY_USAGE_STATS_ENABLED": "0",
            # A host that does not answer three times, ten seconds each, is lost; five times if it is not said.
            "RAY_health_check_failure_threshold": "3",
            "PYTHONPATH": str(PROJECT),
            "OMP_NUM_THREADS": "1",
            "COLUMNS": "200",
            **more,
        }

    def boot(self) -> None:
        """Give each host its files, and start Ray on all of them."""
        for host in [self.head, *self.hosts]:
            for name, content in self.secrets.items():
                host.install(name, content)
            host.install("tmp/here", b"")
        self._start_ray(self.head, "--head", f"--port={HEAD_PORT}", "--num-cpus=0")
        for host in self.hosts:
            self.join(host)

    def join(self, host: Host) -> None:
        """Have a host join the cluster, with one core."""
        self._start_ray(host, f"--address={self.head.address}:{HEAD_PORT}", "--num-cpus=1")

    def _start_ray(self, host: Host, *arguments: str) -> None:
        """Start Ray, and once more where it took longer than its thirty seconds, as systemd would."""
        for attempt in range(_TRIES):
            try:
                host.run(self.environment(host), *self._ray(host, *arguments))
            except RuntimeError:
                if attempt == _TRIES - 1:
                    raise
                host.run(self.environment(host), sys.executable, "-m", "ray.scripts.scripts", "stop", "--force")
            else:
                return

    def _ray(self, host: Host, *arguments: str) -> list[str]:
        on_head = [
            f"--include-dashboard={str(self.takes_jobs).lower()}",
            f"--temp-dir={host.place / 'ray'}",
            f"--dashboard-host={host.address}",
            f"--dashboard-port={JOBS_PORT}",
        ]
        return [
            *(sys.executable, "-m", "ray.scripts.scripts", "start", *arguments, f"--node-ip-address={host.address}"),
            *("--disable-usage-stats", f"--object-store-memory={_SHARED_BYTES}"),
            *(on_head if host is self.head else []),
        ]

    def customs(self, *arguments: str, **options: Any) -> subprocess.Popen[Any]:
        """Start the ``customs`` command on the head."""
        environment = self.environment(self.head, **self.settings)
        command = [sys.executable, "-m", "customs_assets.cli", *arguments]
        return self.head.start(environment, *command, cwd="/", **options)

    def hosts_of_runs(self, under_way: bool = False) -> dict[str, list[str]]:
        """The runs that each host worked on, or works on now, by its name."""
        import dagster as dg
        from dagster_postgres import DagsterPostgresStorage

        if not self.database.fetch("select 1 from pg_tables where tablename = 'event_logs'"):
            return {}
        address = self.database.address_with_password().replace("postgresql:", "postgresql+psycopg2:")
        storage = DagsterPostgresStorage(address, should_autocreate_tables=False)
        found: dict[str, list[str]] = {}
        for run in storage.run_storage.get_runs():
            if under_way and run.status is not dg.DagsterRunStatus.STARTED:
                continue
            for entry in storage.event_log_storage.get_logs_for_run(
                run.run_id, of_type=dg.DagsterEventType.ENGINE_EVENT
            ):
                data = entry.dagster_event.engine_event_data if entry.dagster_event else None
                host = data.metadata.get("host") if data else None
                if host is not None:
                    found.setdefault(str(host.value), []).append(run.run_id)
        return found

    def runs_by_status(self) -> dict[str, int]:
        """How many runs ended in which way."""
        return dict(self.database.fetch("select status, count(*) from runs group by status order by status"))


@contextmanager
def running_cluster(settings: Mapping[str, str], hosts: int = 2, takes_jobs: bool = False) -> Iterator[Cluster]:
    """A cluster of a head and some hosts.

    Args:
        settings: settings of the pipeline beside lake and secrets.
        hosts: hosts that execute runs.
        takes_jobs: whether the head takes jobs, as dagster-ray's launcher submits them.
    """
    folder = binaries()
    assert folder is not None, "no PostgreSQL server is installed"
    names = ["head", *(f"host-{number}" for number in range(1, hosts + 1))]
    with (
        running_hosts(*names) as (here, [head, *others]),
        running_store(here) as store,
        running_server(folder, here) as database,
    ):
        store.make_bucket("lake")
        of_the_pipeline = {"CUSTOMS_LAKE": "s3://lake/declarations", **settings}
        cluster = Cluster(head, others, store, database, of_the_pipeline, _secrets(store), takes_jobs)
        cluster.boot()
        yield cluster


def _secrets(store: Store) -> dict[str, bytes]:
    """The secrets of all hosts. Those behind tokens and draws are the same in every test, so that bytes can be compared."""
    fixed = {name: hashlib.sha256(f"tests, {name}".encode()).digest() for name in ("identity.key", "release.secret")}
    return {
        **fixed,
        "ray.token": secrets.token_hex(32).encode(),
        "objects.credentials": (store.folder / "credentials").read_bytes(),
    }


def leaks(cluster: Cluster) -> list[str]:
    """Where a secret stands that should not be there: in an object, in PostgreSQL, in a file of a host that is not its own."""
    named = {**cluster.secrets, "database password": PASSWORD_IN_ADDRESS.encode(), "object key": SECRET_KEY.encode()}
    spelled = {name: [value, value.hex().encode(), value.hex().upper().encode()] for name, value in named.items()}
    found = []

    def look(where: str, content: bytes) -> None:
        found.extend(f"{name} in {where}" for name, forms in spelled.items() if any(form in content for form in forms))

    with cluster.store.used_here():
        objects = Objects(cluster.lake)
        for path, _, _ in objects.below(objects.root):
            look(f"s3://{path}", objects.read(path))
    for (table,) in cluster.database.fetch("select tablename from pg_tables where schemaname = 'public'"):
        for (row,) in cluster.database.fetch(f"select t::text from {table} t"):
            look(f"table {table}", row.encode())
    for host in [cluster.head, *cluster.hosts]:
        for path, content in host.files().items():
            if path not in cluster.secrets:
                look(f"{path} on {host.name}", content)
    return found


def wait_until(holds: Any, seconds: float, what: str) -> None:
    """Wait until something holds.

    Raises:
        TimeoutError: it does not within the time.
    """
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {seconds:.0f} s in vain for {what}")
        time.sleep(0.5)

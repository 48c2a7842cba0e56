"""Runs on a cluster: real hosts of Ray, a real PostgreSQL, a real object store (``clusters.py``); one host is lost on the way.

The long form, six months from source to page, is ``benchmarks/cluster.py``.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
import yaml

from customs_assets.automation.cluster import ClusterError, RayWorkers
from customs_assets.automation.jobs import JOB_OF
from customs_assets.automation.launched import environment_of_runs, needs_of, placed
from customs_assets.definitions import graph
from customs_assets.graph import Needs
from customs_assets.lake import Lake
from customs_assets.settings import Settings
from customs_assets_tests.clusters import Cluster, leaks, running_cluster, wait_until
from customs_assets_tests.hosts import can_be_made
from customs_assets_tests.lakes import artifacts
from customs_assets_tests.object_store import is_installed
from customs_assets_tests.postgresql_server import binaries
from customs_assets_tests.services import small_environment

DEPLOY = Path(__file__).parents[2] / "deploy"
MONTHS = ["2020-01", "2020-02"]
SETTINGS = {"CUSTOMS_SOURCE": "simulated?declarations=54000&inspected=0.1", "CUSTOMS_EPOCHS": "60"}

# The jobs of the law and of a month, up to its model.
KEYS = sorted(key for key, job in JOB_OF.items() if job in ("law", "month"))

# What `customs run` does, of some assets alone.
_BUILD = """
import json, sys
from customs_assets.cli import _build
from customs_assets.lake import Lake
from customs_assets.settings import Settings
months, keys = json.loads(sys.argv[1])
outcomes, unbuilt = _build(Lake(Settings().lake), Settings(), months, None, False, keys)
print(json.dumps([unbuilt, [[run.title, outcome.problems, outcome.warnings] for run, outcome in outcomes.items()]]))
"""


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Two hosts; where a machine cannot make them, these tests are skipped, in CI they fail."""
    missing = {
        "Ray (make setup-cluster)": importlib.util.find_spec("ray") is not None,
        "an object store": is_installed(),
        "PostgreSQL": binaries() is not None,
        "the right to make network namespaces": can_be_made(),
    }
    if not all(missing.values()):
        sentence = f"no cluster without {', '.join(name for name, there in missing.items() if not there)}"
        pytest.fail(sentence) if os.environ.get("CI") else pytest.skip(sentence)
    with running_cluster(SETTINGS) as running:
        yield running


def _build_on(cluster: Cluster) -> subprocess.Popen[str]:
    environment = cluster.environment(cluster.head, **cluster.settings)
    command = [sys.executable, "-W", "ignore", "-c", _BUILD, json.dumps([MONTHS, KEYS])]
    return cluster.head.start(
        environment, *command, cwd="/", stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def _works_on_a_month(cluster: Cluster, host: str) -> bool:
    runs = cluster.hosts_of_runs(under_way=True).get(host, [])
    return any(
        cluster.database.fetch(f"select 1 from runs where run_id = '{run}' and pipeline_name = 'month'") for run in runs
    )


def _said(process: subprocess.Popen[str]) -> tuple[list, list]:
    output, _ = process.communicate(timeout=900)
    assert process.returncode == 0, output
    unbuilt, outcomes = json.loads(output.strip().rpartition("\n")[2])
    return unbuilt, outcomes


def _alone(folder: Path) -> dict[str, str]:
    """The checksums of what one machine builds with the same secrets."""
    for name in ("identity.key", "release.secret"):
        (folder / name).touch(0o600)
        (folder / name).write_bytes(hashlib.sha256(f"tests, {name}".encode()).digest())
    command = [sys.executable, "-W", "ignore", "-c", _BUILD, json.dumps([MONTHS, KEYS])]
    environment = small_environment(folder, **SETTINGS)
    subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True, timeout=900)
    return artifacts(folder / "lake")


def test_two_hosts_build_what_one_machine_builds_though_one_of_them_is_lost_and_no_secret_leaves_its_file(
    cluster: Cluster, tmp_path: Path
):
    reference = _alone(tmp_path)
    command = _build_on(cluster)
    wait_until(lambda: _works_on_a_month(cluster, "host-2"), 600, "the second host to work on a month")
    cluster.hosts[1].lose_power()
    unbuilt, outcomes = _said(command)
    assert unbuilt == []
    assert [outcome for outcome in outcomes if outcome[1]] == []
    lost = [
        title for title, _, warnings in outcomes if any("the host that worked on it was lost" in w for w in warnings)
    ]
    assert len(lost) == 1
    assert lost[0] in MONTHS
    assert cluster.runs_by_status() == {"FAILURE": 1, "SUCCESS": 3}
    with cluster.store.used_here():
        lake = Lake(cluster.lake)
        assert lake.objects is not None
        found = {path[len(lake.root) + 1 :]: lake.objects.read(path) for path, _, _ in lake.objects.below(lake.root)}
    here = {path: hashlib.sha256(content).hexdigest() for path, content in found.items() if not path.startswith(".")}
    assert here == reference
    assert {f"ctgan_model/{month}.safetensors" for month in MONTHS} <= reference.keys()
    assert leaks(cluster) == []


def test_a_host_with_another_secret_or_none_refuses_and_makes_none(cluster: Cluster):
    host = cluster.hosts[0]
    host.run(cluster.environment(host), "rm", str(host.place / "release.secret"))
    with cluster.store.used_here():
        Lake(cluster.lake).objects.delete("lake/declarations/ctgan_model/2020-01.safetensors")  # pyright: ignore
    _unbuilt, outcomes = _said(_build_on(cluster))
    assert [(title, problems) for title, problems, _ in outcomes] == [
        ("2020-01", ["host-1 has another release_secret than the host of the command; run again to finish"])
    ]
    assert "release.secret" not in host.files()
    host.install("release.secret", cluster.secrets["release.secret"])
    assert _said(_build_on(cluster))[0] == []


def test_settings_go_with_a_run_and_secrets_do_not(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("CUSTOMS_EPOCHS", "7")
    monkeypatch.setenv("CUSTOMS_LAKE", "s3://lake/x")
    monkeypatch.setenv("CUSTOMS_SOURCE", "postgresql://clerk:opensesame@db/x")
    monkeypatch.setenv("CUSTOMS_ALERTS", "json://token@hook")
    monkeypatch.setenv("CUSTOMS_RELEASE_SECRET", str(tmp_path / "release.secret"))
    monkeypatch.setenv("CUSTOMS_DAGSTER_DATABASE", "postgresql://dagster:opensesame@db/x")
    passed = environment_of_runs(Settings())  # pyright: ignore[reportCallIssue]
    assert {name: value for name, value in passed.items() if name.startswith("CUSTOMS_")} == {
        "CUSTOMS_EPOCHS": "7",
        "CUSTOMS_LAKE": "s3://lake/x",
    }
    assert passed["OMP_NUM_THREADS"] == "1"
    tags = placed(Needs(), passed)
    assert json.loads(tags["dagster-ray/config"])["runtime_env"] == {"env_vars": passed}
    [container] = json.loads(tags["dagster-k8s/config"]).values()
    assert {entry["name"]: entry["value"] for entry in container["env"]} == passed
    assert "opensesame" not in str(tags)


def test_a_run_needs_the_most_that_any_of_its_assets_needs():
    run = dg.DagsterRun("x", asset_selection=frozenset({dg.AssetKey("tariff"), dg.AssetKey("fraud_benchmark")}))
    assert graph["fraud_benchmark"].needs.gigabytes > Needs().gigabytes
    assert needs_of(graph, run) == graph["fraud_benchmark"].needs
    assert Needs.most([Needs(gpus=1), Needs(cores=4, gigabytes=0.5)]) == Needs(cores=4, gigabytes=2, gpus=1)
    assert all(graph[key].needs.cores == 1 for key in graph.assets), "sums come out in one order only"


def test_a_home_that_other_hosts_cannot_read_is_refused(tmp_path: Path):
    pytest.importorskip("ray")
    with (
        dg.DagsterInstance.local_temp(str(tmp_path)) as instance,
        pytest.raises(ClusterError, match="have to be recorded in PostgreSQL"),
    ):
        RayWorkers(instance, graph, Settings(cluster="127.0.0.1:1"))  # pyright: ignore[reportCallIssue]


def test_the_units_of_a_cluster_start_ray_with_a_token_and_no_secret_of_their_own():
    config = yaml.safe_load((DEPLOY / "ray" / "dagster.yaml").read_text())
    assert config["storage"]["postgres"]["postgres_url"] == {"env": "CUSTOMS_DAGSTER_DATABASE"}
    assert config["run_launcher"]["config"]["ray"]["address"] == {"env": "CUSTOMS_CLUSTER_JOBS"}
    example = (DEPLOY / "ray" / "cluster.env.example").read_text()
    assert "RAY_AUTH_MODE=token" in example
    assert "RAY_USAGE_STATS_ENABLED=0" in example
    for unit in ("customs-ray-head", "customs-ray-host"):
        text = (DEPLOY / "ray" / f"{unit}.service").read_text()
        assert "EnvironmentFile=/etc/customs/cluster.env" in text
        assert "--disable-usage-stats" in text
        assert "NoNewPrivileges=true" in text

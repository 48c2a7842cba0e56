"""The values for Dagster's Helm chart: what Dagster's own library says of them, and that no secret stands in them.

The chart itself is not in a package registry, so what it makes of the values is not tested: its run launcher's part is checked
against the launcher's own schema, pods against Kubernetes' own models.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from customs_assets.automation.launched import LAUNCHER, placed
from customs_assets.graph import Needs
from customs_assets.settings import Settings

VALUES = Path(__file__).parents[2] / "deploy" / "kubernetes" / "values.yaml"

# The chart's own sections that the values set, as its documentation names them.
SECTIONS = {
    *("global", "postgresql", "generatePostgresqlPasswordSecret", "dagster-user-deployments", "runLauncher"),
    *("dagsterDaemon", "dagsterWebserver", "computeLogManager", "telemetry"),
}


@pytest.fixture(scope="module")
def values() -> dict[str, Any]:
    return yaml.safe_load(VALUES.read_text(encoding="utf-8"))


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()


def _in_snake_case(value: Any) -> Any:
    if isinstance(value, dict):
        return {_snake(key): _in_snake_case(entry) for key, entry in value.items()}
    return [_in_snake_case(entry) for entry in value] if isinstance(value, list) else value


def test_the_run_launcher_takes_its_values(values: dict[str, Any]):
    launcher = pytest.importorskip("dagster_k8s").K8sRunLauncher
    from dagster._config import process_config, resolve_to_config_type

    assert values["runLauncher"]["type"] == "K8sRunLauncher"
    config = dict(values["runLauncher"]["config"]["k8sRunLauncher"])
    # Kubernetes' own objects keep their spelling.
    kept = {name: config.pop(name) for name in ("resources",)}
    of_a_run = {_snake(name): entry for name, entry in config.pop("runK8sConfig").items()}
    config = _in_snake_case(config) | kept | {"run_k8s_config": of_a_run}
    schema = resolve_to_config_type(launcher.config_type())
    # What the chart adds from other sections.
    added = {
        "instance_config_map": "dagster-instance",
        "postgres_password_secret": "customs-database",
        "dagster_home": "/x",
    }
    done = process_config(schema, config | added | {"service_account_name": "dagster"})
    assert done.success, [error.message for error in done.errors or ()]
    wrong = process_config(schema, config | added | {"service_account_name": "dagster", "job_namespaces": "x"})
    assert not wrong.success


def test_a_run_with_its_tags_is_a_pod_that_kubernetes_takes(values: dict[str, Any]):
    job = pytest.importorskip("dagster_k8s.job")
    from dagster_k8s.models import k8s_model_from_dict  # pyright: ignore[reportMissingImports]
    from kubernetes.client import models  # pyright: ignore[reportMissingImports]

    tags = placed(Needs(cores=1, gigabytes=3, gpus=1))
    of_tags = job.UserDefinedDagsterK8sConfig.from_dict(json.loads(tags["dagster-k8s/config"]))
    assert of_tags.container_config["resources"]["limits"] == {"memory": str(3 << 30), "nvidia.com/gpu": "1"}
    assert json.loads(placed(Needs())["dagster-ray/config"]) == {"num_cpus": 1.0, "memory": 2 << 30}
    [deployment] = values["dagster-user-deployments"]["deployments"]
    volumes = [k8s_model_from_dict(models.V1Volume, _in_snake_case(volume)) for volume in deployment["volumes"]]
    mounts = [k8s_model_from_dict(models.V1VolumeMount, _in_snake_case(mount)) for mount in deployment["volumeMounts"]]
    assert {mount.name for mount in mounts} == {volume.name for volume in volumes}
    secrets = {volume.name for volume in volumes if volume.secret is not None}
    assert secrets == {"secrets", "objects"}
    assert all(mount.read_only for mount in mounts if mount.name in secrets)
    assert all(volume.secret.default_mode == 0o400 for volume in volumes if volume.secret is not None)
    of_a_run = {
        _snake(key): entry for key, entry in values["runLauncher"]["config"]["k8sRunLauncher"]["runK8sConfig"].items()
    }
    assert (
        job.UserDefinedDagsterK8sConfig.from_dict(of_a_run).pod_spec_config["automount_service_account_token"] is False
    )


def test_the_values_name_settings_that_there_are_and_hold_no_secret(values: dict[str, Any]):
    assert values.keys() == SECTIONS
    [deployment] = values["dagster-user-deployments"]["deployments"]
    environment = {entry["name"]: entry["value"] for entry in deployment["env"]}
    known = {f"CUSTOMS_{name.upper()}" for name in Settings.model_fields}
    assert {name for name in environment if name.startswith("CUSTOMS_")} <= known
    assert environment["CUSTOMS_CLUSTER"] == LAUNCHER
    assert environment["OMP_NUM_THREADS"] == "1"
    mounted = {mount["mountPath"] for mount in deployment["volumeMounts"] if mount.get("readOnly")}
    for name in ("CUSTOMS_IDENTITY_KEY", "CUSTOMS_RELEASE_SECRET", "AWS_SHARED_CREDENTIALS_FILE"):
        assert str(Path(environment[name]).parent) in mounted
    assert not re.search(r"(?i)(password|secret_key|access_key): *[^\s$]", VALUES.read_text(encoding="utf-8"))
    assert values["telemetry"] == {"enabled": False}
    assert values["dagsterWebserver"]["service"]["type"] == "ClusterIP"

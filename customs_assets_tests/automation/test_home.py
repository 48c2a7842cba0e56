"""An old Dagster home is compared with the project's settings, key by key, and never changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from customs_assets.automation.instance import PROJECT, config_differences, prepare_home


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A new home with limits of its own."""
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "home"))
    return prepare_home(workers=7)


def test_a_new_home_differs_in_nothing_whatever_its_limits_and_further_keys(home: Path):
    config = home / "dagster.yaml"
    assert "max_concurrent_runs: 7" in config.read_text()
    config.write_text(config.read_text() + "\nretention:\n  sensor:\n    purge_after_days: 3\n")
    assert config_differences(home) == []


def test_an_old_home_is_told_what_it_lacks_and_has_otherwise_and_stays_as_it_is(home: Path):
    config = home / "dagster.yaml"
    old = config.read_text().replace("run_queue:\n  dequeue_interval_seconds: 1\n", "")
    old = old.replace("poll_interval_seconds: 30", "poll_interval_seconds: 120").replace(
        "granularity: run", "granularity: op"
    )
    config.write_text(old)
    assert config_differences(home) == [
        f'{config}: concurrency.pools.granularity is "op"; the project\'s dagster.yaml has "run"',
        f"{config}: run_queue.dequeue_interval_seconds is missing; the project's dagster.yaml has 1",
        f"{config}: run_monitoring.poll_interval_seconds is 120; the project's dagster.yaml has 30",
    ]
    assert config.read_text() == old
    config.write_text("")
    assert f"{config}: telemetry.enabled is missing; the project's dagster.yaml has false" in config_differences(home)


def test_a_servers_home_is_compared_with_the_file_for_servers(home: Path):
    server = (PROJECT / "deploy" / "dagster.yaml").read_text()
    config = home / "dagster.yaml"
    config.write_text(server)
    assert config_differences(home) == []
    config.write_text(server.replace("max_retries: 2", "max_retries: 0"))
    assert config_differences(home) == [
        f"{config}: run_retries.max_retries is 0; the project's deploy/dagster.yaml has 2"
    ]


@pytest.mark.parametrize(
    "storage",
    [
        "storage: {postgres: {postgres_url: 'postgresql://dagster:s3cret@db/x'}}",
        "storage: {postgres: {postgres_url: {env: 'postgresql://dagster:s3cret@db/x'}}}",
        "storage:\n  password: s3cret\n postgres: [",
    ],
)
def test_no_difference_and_no_error_shows_a_password(home: Path, storage: str):
    (home / "dagster.yaml").write_text(storage)
    said = config_differences(home)
    assert said
    assert "s3cret" not in "".join(said)


def test_a_file_that_is_no_yaml_is_named_with_its_line(home: Path):
    (home / "dagster.yaml").write_text("telemetry:\n  enabled: [\n")
    [said] = config_differences(home)
    assert said == f"{home / 'dagster.yaml'} cannot be read (ParserError, line 3)"

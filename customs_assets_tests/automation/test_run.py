"""``customs run`` as a person uses it: a real command, worker processes, a real instance, a real lake."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import html
import io
import json
import os
import random
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import dagster as dg
import pandas as pd
import pytest

from customs_assets.benchmark.detectors import DETECTORS
from customs_assets.claims import from_json
from customs_assets.declaration import RELEASED
from customs_assets.definitions import graph
from customs_assets.disclosure.population import Population, months_of_population
from customs_assets.lake import Lake
from customs_assets.law.law import Law
from customs_assets.privacy.deep_goals import DEEP
from customs_assets.privacy.gate import reasons_of_claims
from customs_assets.privacy.shadows.exposed import Exposed
from customs_assets.privacy.shadows.shadow import World, shadow
from customs_assets.privacy.shadows.standing import reasons_to_hold_back, why_not_standing
from customs_assets.secret_files import release_secret
from customs_assets.settings import Settings
from customs_assets_tests.conftest import fixed_secrets
from customs_assets_tests.lakes import TOO_FEW_IMPORTERS, artifacts, compare, out_of_date
from customs_assets_tests.services import customs

MONTHS = ["2020-01", "2020-02", "2020-03", "2020-04"]

# A seed whose digits stand nowhere by chance.
SEED = "918273645"


@dataclass(frozen=True)
class Finished:
    """A finished run of the command and where it left its things."""

    folder: Path
    environment: dict[str, str]
    output: str
    status: int

    @property
    def lake(self) -> Lake:
        return Lake(str(self.folder / "lake"))

    def again(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return _customs(self.folder, self.environment, *arguments)


def _customs(folder: Path, environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from customs_assets.cli import main; main()", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, small_source: Path) -> Finished:
    """Four months at once, each in a process of its own."""
    folder = tmp_path_factory.mktemp("run")
    fixed_secrets(folder / ".customs")
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("CUSTOMS_", "DAGSTER_"))},
        "CUSTOMS_SOURCE": str(small_source),
        "CUSTOMS_EPOCHS": "2",
        "CUSTOMS_RELEASE_DESPITE": TOO_FEW_IMPORTERS,
        "CUSTOMS_SEED": SEED,
        "XDG_DATA_HOME": str(folder / "data of the user"),
        "COLUMNS": "200",
    }
    done = _customs(folder, environment, "run", "--months", "2020-01:2020-04", "--workers", "4")
    return Finished(folder, environment, done.stdout + done.stderr, done.returncode)


def test_deep_attacks_are_made_on_demand_and_a_shadow_alone_is_the_same(
    finished: Finished, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Four shadows, two at once, on a copy of the lake; then one of them by a call of its function."""
    assert graph.on_demand and not any(finished.lake.partitions_recorded(key) for key in graph.on_demand)
    shutil.copytree(finished.folder, tmp_path / "copy")
    copy = Finished(tmp_path / "copy", {**finished.environment, "CUSTOMS_SHADOWS": "4"}, "", 0)
    done = copy.again("deep-attacks", "--workers", "2")
    said = done.stdout + done.stderr
    found, lake = copy.lake.read_json("deep_attacks"), copy.lake
    assert found["shadows"] == 4 and found["targets"] >= 10, said
    assert all(f"shadow {number:02d}: built in" in said for number in range(1, 5)), said
    assert [claim["key"] for claim in found["claims"]][:2] == list(DEEP)
    assert found["made_of"] == {
        f"{asset} {month}": record.sha256
        for asset in ("anonymized_declarations", "synthetic_declarations")
        for month in MONTHS
        if (record := lake.record(asset, month)) is not None
    }
    assert why_not_standing(lake) == ""
    assert reasons_to_hold_back(lake, {}), "thirteen targets in four shadows say nothing"
    reasons = reasons_to_hold_back(lake, json.loads(TOO_FEW_IMPORTERS))
    assert done.returncode == (1 if reasons else 0), said
    assert ("nothing may be published" if reasons else "let the release be published") in said
    page = Path(lake.path("evidence_report", suffix="html")).read_text()
    assert found["trained_on"] in html.unescape(page), "the page was made again"
    assert "nothing to do" in copy.again("deep-attacks").stdout
    # The same shadow, by the function alone, in this process.
    world = World(
        {month: lake.read_frame("anonymized_declarations", month) for month in MONTHS},
        Population.of(lake, MONTHS),
        months_of_population(lake, MONTHS),
        Law.of(lake.read_table("tariff"), lake.read_table("tariff_routes")),
        lake.read_frame("confidential_trade"),
    )
    monkeypatch.setenv("CUSTOMS_EPOCHS", "2")
    monkeypatch.setenv("CUSTOMS_SHADOWS", "4")
    secret = (copy.folder / ".customs" / "release.secret").read_bytes()
    targets = Exposed.from_json(lake.read_json("exposed_importers"))
    alone = shadow(world, targets, 2, Settings(), secret)  # pyright: ignore[reportCallIssue]
    assert alone == lake.read_json("shadow_scores", "03")


def test_the_league_measures_on_demand_and_touches_nothing_else(finished: Finished, tmp_path: Path):
    """One synthesizer on one month of a copy of the lake, by a run of its own, and a page."""
    shutil.copytree(finished.folder, tmp_path / "copy")
    copy = Finished(tmp_path / "copy", finished.environment, "", 0)
    before = artifacts(copy.folder / "lake", records=True)
    done = copy.again("league", "--months", "2020-02", "--synthesizers", "trees", "--workers", "1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "trees on 2020-02: built in" in done.stdout and "/league.html" in done.stdout.splitlines()[-1]
    entry = copy.lake.read_json("synthesizer_league", "2020-02|trees")
    assert entry["polished"]["NewRowSynthesis"] > 0.9 and 0 <= entry["draft"]["nearer_to_training"] <= 1
    after = artifacts(copy.folder / "lake", records=True)
    assert {path: after[path] for path in before} == before, "no release depends on it"
    new = {path for path in after.keys() - before.keys() if not path.startswith(".records/synthesizer_league/")}
    assert new == {"synthesizer_league/2020-02|trees.json", "league.html"}
    assert "nothing to do" in copy.again("league", "--months", "2020-02", "--synthesizers", "trees").stdout
    strange = copy.again("league", "--synthesizers", "trees,gan")
    assert strange.returncode == 2 and "gan: no such synthesizer; there are ctgan, ctgan_plain" in strange.stderr


def test_four_months_at_once_make_everything(finished: Finished):
    assert finished.status == 0, finished.output
    for key, asset in graph.assets.items():
        partitions = finished.lake.partitions_recorded(key)
        assert len(partitions) == {"month": 4, "cell": 2 * len(DETECTORS), "whole": 1}[asset.cut]
        assert all(finished.lake.record(key, "" if name == "whole" else name) for name in partitions)
    assert "Kolmogorov-Smirnov" in finished.output
    assert "LightGBM" in finished.output
    assert finished.output.splitlines()[-1] == f"released: {finished.folder}/lake/synthetic_release"
    assert "lock" not in finished.output.lower()


def test_every_run_is_recorded_with_its_partition_and_its_checks(finished: Finished):
    with dg.DagsterInstance.from_config(str(finished.folder / ".dagster")) as instance:
        runs = instance.get_runs()
        # The law, months, what they share, the rehearsal; drift; synthesis; the candidate, the measures, the attacks, trade,
        # cells; the gate, the page.
        assert len(runs) == 1 + 4 + 2 + 4 + 4 + 4 + 2 * len(DETECTORS) + 2
        assert {run.status for run in runs} == {dg.DagsterRunStatus.SUCCESS}
        for job in ("month", "synthesis"):
            assert {run.tags.get("dagster/partition") for run in runs if run.job_name == job} == set(MONTHS)
        key = dg.AssetKey("synthetic_declarations")
        assert instance.get_materialized_partitions(key) == set(MONTHS)
        month = [run.run_id for run in runs if run.tags.get("dagster/partition") == "2020-03"]
        checks = [
            entry.dagster_event.asset_check_evaluation_data
            for run_id in month
            for entry in instance.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION)
            if entry.dagster_event
        ]
        assert {check.asset_key.to_user_string() for check in checks} >= {"raw_declarations", "synthetic_declarations"}
        assert all(check.passed for check in checks if check.severity is dg.AssetCheckSeverity.ERROR)


def test_the_release_has_published_headers_four_months_of_rows_and_no_name(finished: Finished):
    release = finished.folder / "lake" / "synthetic_release"
    train = pd.read_csv(release / "train.csv", dtype=str, keep_default_na=False)
    assert list(train.columns) == [attribute.header for attribute in RELEASED]
    assert len(train) == 4 * 150
    assert train["HS6 Code"].str.fullmatch(r"\d{6}").all()
    assert "090121" in set(train["HS6 Code"])
    assert train["Declaration ID"].is_unique
    for line in (release / "SHA256SUMS").read_text().splitlines():
        checksum, _, name = line.partition("  ")
        assert hashlib.sha256((release / name).read_bytes()).hexdigest() == checksum
    past_anonymization = ("anonymized_declarations", "synthetic_declarations", "synthetic_release", "quality_report")
    for artifact in past_anonymization:
        for path in (finished.folder / "lake" / artifact).rglob("*.*"):
            assert "주식회사".encode() not in path.read_bytes()


def test_sdv_s_metadata_and_sdmetrics_made_the_scores_and_left_nothing_with_the_user(finished: Finished):
    assert finished.status == 0
    found = finished.lake.read_json("release_evidence")["sdmetrics"]
    assert found["made_by"] == {name: version(name) for name in ("sdmetrics", "sdv")} | {"metadata": "V2"}
    assert found["quality"]["report"] == "QualityReport" and found["quality"]["rows"]["synthetic"] == 600
    described = json.loads((finished.folder / "lake" / "synthetic_release" / "metadata.json").read_text())
    assert list(described["tables"]["declarations"]["columns"]) == [attribute.header for attribute in RELEASED]
    scores = finished.lake.read_json("release_quality")
    assert [set(score) for score in scores] == [{"metric", "score", "columns"}] * 8
    assert not (finished.folder / "data of the user").exists(), "no configuration and no log of SDV"


def test_released_rows_are_sampled_by_a_condition(finished: Finished):
    done = finished.again("sample", "--month", "2020-03", "--where", "fraud=1", "--rows", "5")
    assert done.returncode == 0, done.stderr
    sampled = pd.read_csv(io.StringIO(done.stdout), dtype=str, keep_default_na=False)
    month = finished.folder / "lake" / "synthetic_release" / "declarations-2020-03.csv"
    assert len(sampled.merge(pd.read_csv(month, dtype=str, keep_default_na=False))) == len(sampled) == 5
    assert set(sampled["Fraud"]) == {"1"}


def test_sixty_importers_are_too_few_to_release_without_a_reason(finished: Finished):
    privacy = finished.lake.read_json("release_privacy")
    set_aside = {entry["claim"]: entry["objection"] for entry in privacy["despite"]}
    assert "the interval is too wide to exclude the limit of 0.6" in set_aside["membership"]
    reasons = reasons_of_claims(from_json(privacy["claims"]))
    # A release of so few may also tell something for certain, by the halves that the secret draws. That comes first.
    assert "unmeasured, because the interval is too wide to exclude the limit: Membership inference" in reasons[-1]


def test_neither_secret_nor_seed_stands_in_what_leaves_the_house_or_in_a_log(finished: Finished):
    secret = (finished.folder / ".customs" / "release.secret").read_bytes()
    sought = [SEED.encode(), secret, secret.hex().encode(), base64.b64encode(secret)]
    lake = finished.folder / "lake"
    leaving = [*(lake / "synthetic_release").iterdir(), lake / "evidence_report.html"]
    logs = [path for path in (finished.folder / ".dagster").rglob("*") if path.is_file()]
    assert len(logs) > 10
    for path in [*leaving, *logs]:
        content = path.read_bytes()
        assert not any(text in content for text in sought), path
    assert not any(text.decode() in finished.output for text in (sought[0], sought[2], sought[3]))


def test_a_destroyed_secret_leaves_everything_up_to_date_and_another_one_nothing_that_was_drawn(
    finished: Finished, tmp_path: Path
):
    assert finished.status == 0
    folder = tmp_path / "again"
    shutil.copytree(finished.folder, folder)
    done = _customs(folder, finished.environment, "destroy-release-secret", "--yes")
    assert done.returncode == 0 and not (folder / ".customs" / "release.secret").exists()
    status = _customs(folder, finished.environment, "status", "--months", "2020-01:2020-04").stdout
    assert "up to date: 4 months" in status
    release_secret(folder / ".customs" / "release.secret").obtain()
    status = _customs(folder, finished.environment, "status", "--months", "2020-01:2020-04").stdout
    stale = {line.split(" ")[0].rstrip(":") for line in status.splitlines()}
    assert {"unit_prices", "ctgan_model", "synthetic_declarations", "rehearsed_declarations"} <= stale
    assert not {"raw_declarations", "labelled_declarations", "anonymized_declarations"} & stale


def test_a_second_call_does_nothing(finished: Finished):
    assert finished.status == 0
    done = finished.again("run", "--months", "2020-01:2020-04")
    assert done.returncode == 0
    assert "nothing to do" in done.stdout
    with dg.DagsterInstance.from_config(str(finished.folder / ".dagster")) as instance:
        assert instance.get_runs_count() == 21 + 2 * len(DETECTORS)


def test_one_deleted_month_is_built_again_and_nothing_downstream_as_it_comes_out_the_same(
    finished: Finished, monkeypatch: pytest.MonkeyPatch
):
    assert finished.status == 0
    path = finished.folder / "lake" / "synthetic_declarations" / "2020-02.parquet"
    before = path.read_bytes()
    path.unlink()
    try:
        for name, value in finished.environment.items():
            if name.startswith("CUSTOMS_"):
                monkeypatch.setenv(name, value)
        monkeypatch.chdir(finished.folder)
        assert list(out_of_date(finished.lake, MONTHS)) == [("synthetic_declarations", "2020-02")]
        alone = _materialize(finished, "2020-02", ["synthetic_declarations"])
        assert alone.success
        assert path.read_bytes() == before, "a month made alone must equal the same month made beside three others"
        assert out_of_date(finished.lake, MONTHS) == {}
    finally:
        path.write_bytes(before)


def _materialize(finished: Finished, month: str, assets: list[str]) -> dg.ExecuteInProcessResult:
    from customs_assets.definitions import defs

    with dg.DagsterInstance.ephemeral() as instance:
        return defs.resolve_job_def("synthesis").execute_in_process(
            partition_key=month, asset_selection=[dg.AssetKey(key) for key in assets], instance=instance
        )


def test_killed_at_a_random_moment_and_run_again_the_lake_is_as_if_nothing_had_happened(
    finished: Finished, tmp_path: Path
):
    assert finished.status == 0
    folder = tmp_path / "again"
    shutil.copytree(finished.folder, folder)
    undisturbed = artifacts(finished.folder / "lake", records=True)
    for month in ("2020-02", "2020-03"):
        (folder / "lake" / "synthetic_declarations" / f"{month}.parquet").unlink()
    process = customs(folder, finished.environment, "run", "--months", "2020-01:2020-04", stdout=subprocess.DEVNULL)
    with contextlib.suppress(subprocess.TimeoutExpired):
        # Printed, so that a moment that fails can be tried again.
        seed = random.SystemRandom().randrange(1000)
        print(f"killed at the moment that seed {seed} draws")
        process.wait(random.Random(seed).uniform(2, 8))
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert artifacts(folder / "lake").items() <= artifacts(finished.folder / "lake").items()
    done = _customs(folder, finished.environment, "run", "--months", "2020-01:2020-04")
    assert done.returncode == 0, done.stdout + done.stderr
    assert compare(folder / "lake", undisturbed, whole=True) == []


def test_another_seed_makes_another_month_and_another_epoch_count_is_noticed(
    finished: Finished, monkeypatch: pytest.MonkeyPatch
):
    assert finished.status == 0
    monkeypatch.chdir(finished.folder)
    for name, value in finished.environment.items():
        if name.startswith("CUSTOMS_"):
            monkeypatch.setenv(name, value)
    monkeypatch.setenv("CUSTOMS_EPOCHS", "3")
    stale = out_of_date(finished.lake, MONTHS)
    assert list(stale) == [*(("ctgan_model", month) for month in MONTHS), ("rehearsed_declarations", "")]
    assert {finding.reason for finding in stale.values()} == {"was built with another epochs"}


def test_bad_arguments_end_with_one_clear_sentence(finished: Finished):
    backwards = finished.again("run", "--months", "2020-04:2020-01")
    assert backwards.returncode == 2
    assert "runs backwards" in backwards.stderr
    nowhere = finished.again("run", "--source", "/no/such/folder")
    assert nowhere.returncode == 2
    assert "no .csv, .parquet, .xlsx, .xlsm or .xml file matches" in nowhere.stderr
    assert "Traceback" not in backwards.stderr + nowhere.stderr

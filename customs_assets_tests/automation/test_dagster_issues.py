"""What monthly pipelines met with Dagster, by the number of the issue at github.com/dagster-io/dagster.

Each test shows that this pipeline does not meet it: because Dagster has mended it, or because the pipeline sees to it.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Barrier

import dagster as dg
import pytest
from dagster._core.definitions.data_version import CachingStaleStatusResolver, StaleStatus
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionResolvedStatus

from customs_assets.automation.dagster_view import _Loading, tell_dagster
from customs_assets.automation.staleness import Staleness
from customs_assets.definitions import defs, graph
from customs_assets.expectations import checks
from customs_assets.expectations.validation import Finding, Verdict
from customs_assets.graph import Node
from customs_assets.lake import Lake
from customs_assets.partitions import months
from customs_assets_tests.lakes import BuiltLake
from customs_assets_tests.services import CODE_SERVER, Services, small_environment

READ = ("quarantine", "raw_declarations", "labelled_declarations")

RunMonth = Callable[..., dg.ExecuteInProcessResult]

BROKEN = Verdict(1, (Finding("nothing is wrong", "", 1, 1, (), ()),))


def _fails(monkeypatch: pytest.MonkeyPatch, asset: str) -> None:
    """Have the checks of an asset fail."""
    judge = checks.judge

    def judged(suite, *given) -> dg.AssetCheckResult:
        with pytest.MonkeyPatch.context() as patch:
            if suite.asset == asset:
                patch.setattr(checks, "validate_pieces", lambda *_: BROKEN)
            return judge(suite, *given)

    monkeypatch.setattr(checks, "judge", judged)


def _read_month(home: str, month: str, holds: bool, both: Barrier) -> None:
    """Read a month in a process of its own; the checks of both months are evaluated at the same time."""
    judge = checks.judge

    def judged(suite, *given) -> dg.AssetCheckResult:
        if suite.asset == "labelled_declarations":
            both.wait(120)
        return judge(suite, *given)

    with pytest.MonkeyPatch.context() as patch, dg.DagsterInstance.local_temp(home) as instance:
        if not holds:
            _fails(patch, "labelled_declarations")
            judge = checks.judge
        patch.setattr(checks, "judge", judged)
        defs.resolve_job_def("month").execute_in_process(
            partition_key=month,
            asset_selection=[dg.AssetKey(key) for key in READ],
            instance=instance,
            raise_on_error=False,
        )


def test_17005_and_33803_checks_of_two_months_at_the_same_time_keep_both_verdicts(
    pipeline: Path, instance: dg.DagsterInstance
):
    """Mended in Dagster 1.13: a check has partitions, and names the materialization of its own."""
    spawn, home = multiprocessing.get_context("spawn"), str(pipeline / "home")
    both = spawn.Barrier(2)
    given = [(home, month, holds, both) for month, holds in (("2020-01", True), ("2020-02", False))]
    processes = [spawn.Process(target=_read_month, args=arguments) for arguments in given]
    for process in processes:
        process.start()
    for process in processes:
        process.join(180)
        assert process.exitcode == 0
    lake = Lake(str(pipeline / "lake"))
    good, bad = (lake.record("labelled_declarations", month) for month in ("2020-01", "2020-02"))
    assert good is not None and bad is not None
    assert lake.passed(good) and lake.failed(bad) == ["inspected_rows"]

    key = dg.AssetCheckKey(dg.AssetKey("labelled_declarations"), "inspected_rows")
    state = instance.event_log_storage.get_asset_check_state([(key, months)])[key]
    by_status = {status: set(subset.subset_value.get_partition_keys()) for status, subset in state.subsets.items()}
    assert by_status[AssetCheckExecutionResolvedStatus.SUCCEEDED] == {"2020-01"}
    assert by_status[AssetCheckExecutionResolvedStatus.FAILED] == {"2020-02"}
    for evaluation in _evaluations(instance):
        target = evaluation.target_materialization_data
        assert target is not None
        [record] = [
            record
            for record in instance.fetch_materializations(evaluation.asset_key, limit=10).records
            if record.storage_id == target.storage_id
        ]
        assert record.partition_key == evaluation.partition


def _evaluations(instance: dg.DagsterInstance) -> Iterator[dg.AssetCheckEvaluation]:
    for run in instance.get_runs():
        for entry in instance.all_logs(run.run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION):
            assert entry.dagster_event is not None
            yield entry.dagster_event.asset_check_evaluation_data


def test_27747_a_check_judges_the_month_that_was_built_and_no_other(
    pipeline: Path, instance: dg.DagsterInstance, run_month: RunMonth
):
    """The checks read the lake themselves, by the partition at hand. Dagster 1.13 gives them partitions."""
    assert run_month(*READ, month="2020-02").success
    assert {evaluation.partition for evaluation in _evaluations(instance)} == {"2020-02"}
    assert run_month(*READ, month="2020-03").success
    verdicts = (pipeline / "lake" / ".records").rglob("*.verdict.json")
    assert {path.name.partition(".")[0] for path in verdicts} == {"2020-02", "2020-03"}


def test_25112_a_blocking_check_that_failed_in_an_earlier_run_blocks_a_later_one(
    pipeline: Path, run_month: RunMonth, monkeypatch: pytest.MonkeyPatch
):
    """Dagster blocks within a run. The IO manager refuses such inputs in any run."""
    with monkeypatch.context() as patch:
        _fails(patch, "labelled_declarations")
        assert not run_month(*READ).success
    lake = Lake(str(pipeline / "lake"))
    assert lake.record("labelled_declarations", "2020-02") is not None, "the file is there"
    later = run_month("anonymized_declarations")
    assert not later.success
    assert "labelled_declarations 2020-02 did not pass inspected_rows" in str(later.get_step_failure_events())
    assert lake.record("anonymized_declarations", "2020-02") is None
    assert run_month("labelled_declarations").success
    assert run_month("anonymized_declarations").success


def _tick(instance: dg.DagsterInstance) -> set[Node]:
    result = dg.evaluate_automation_conditions(defs, instance)
    return {
        (key, partition or "")
        for key in graph.assets
        for partition in result.get_requested_partitions(dg.AssetKey(key))
    }


def test_34094_automation_asks_for_nothing_whose_parents_do_not_exist(pipeline: Path, instance: dg.DagsterInstance):
    """Dagster's conditions pass over parents that do not exist. The pipeline's own condition asks the lake."""
    lake = BuiltLake(instance, graph, ["2020-01", "2020-02", "2020-03"])
    for key in graph.assets:
        for partition in graph.partitions(key, ["2020-01"]):
            lake.build(key, partition)
    # 2020-02 was never read; of 2020-03 the declarations were read and lost, and what was built from them is out of date.
    for key in ("quarantine", "raw_declarations", "labelled_declarations"):
        lake.build(key, "2020-03")
    lake.build("raw_declarations", "2020-03", "other rows")
    Path(lake.lake.path("raw_declarations", "2020-03")).unlink()
    assert _tick(instance) == set()
    lake.build("raw_declarations", "2020-03", "other rows")
    job = (
        "month_counts",
        "population",
        "labelled_declarations",
        "anonymized_declarations",
        "unit_prices",
        "ctgan_model",
    )
    assert _tick(instance) == {(key, "2020-03") for key in job}


def test_14305_a_month_that_is_built_again_marks_its_own_month_alone(pipeline: Path, instance: dg.DagsterInstance):
    """Dagster 1.13 compares along monthly edges by partition. What it is told must not blur that."""
    lake, asset_graph = BuiltLake(instance, graph, ["2020-01", "2020-02"]), defs.resolve_asset_graph()
    lake.build_everything()
    monthly = [key for key, asset in graph.assets.items() if asset.cut == "month"]

    def marked() -> set[Node]:
        resolver = CachingStaleStatusResolver(instance, asset_graph, _Loading(instance))
        statuses = {(key, of): resolver.get_status(dg.AssetKey(key), of) for key in monthly for of in lake.months}
        return {node for node, status in statuses.items() if status is not StaleStatus.FRESH}

    def tell() -> None:
        tell_dagster(instance, asset_graph, Staleness(graph, lake.lake, lake.settings), lake.months)

    tell()
    assert marked() == set()
    lake.build("anonymized_declarations", "2020-01", "other rows")
    tell()
    behind = [key for key in monthly if "anonymized_declarations" in graph[key].parents]
    assert len(behind) == 5
    assert marked() == {(key, "2020-01") for key in behind}
    lake.build("unit_prices", "2020-01")
    tell()
    assert marked() == {(key, "2020-01") for key in behind if key != "unit_prices"}


def test_34219_no_asset_passes_over_a_month_in_silence():
    """Dagster calls a backfill failed where a run was green and built nothing. A month that the source lacks fails its run."""
    definitions = [definition for definition in defs.assets or () if isinstance(definition, dg.AssetsDefinition)]
    outputs = [output for definition in definitions for output in definition.node_def.output_defs]
    assert len(outputs) == len(graph.with_on_demand().assets)
    assert all(output.is_required for output in outputs)


def test_33527_and_34219_a_backfill_outlives_a_restart_of_the_code_server_and_says_which_month_failed(
    tmp_path: Path, small_source: Path
):
    """Mended in Dagster 1.13: the backfill of a job, too, waits for the code server."""
    environment = small_environment(tmp_path, CUSTOMS_SOURCE=str(small_source), CUSTOMS_RETRY_WAIT="0.01")
    with Services(tmp_path, environment) as services:
        # The source has four months, to 2020-04.
        backfill = services.launch_backfill("month", ["2020-04", "2020-05"])
        services.kill(CODE_SERVER)
        log = tmp_path / "daemon.log"
        services.wait_until(lambda: "unreachable code server and will retry" in log.read_text(), 90)
        assert services.backfills() == {backfill: "REQUESTED"}
        services.start(CODE_SERVER)
        services.wait_until(lambda: services.backfills()[backfill] != "REQUESTED", 180)
        states = services.backfills()
        runs = {run["tags"]["dagster/partition"]: run["status"] for run in services.runs()}
    assert runs == {"2020-04": "SUCCESS", "2020-05": "FAILURE"}
    assert states == {backfill: "COMPLETED_FAILED"}

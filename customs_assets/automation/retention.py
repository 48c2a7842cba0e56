"""How long records of runs are kept: a job that deletes old runs with their events and logs, and its daily schedule.

Dagster itself keeps every event for ever (Dagster issue 4100). What belongs here deletes Dagster's records, never the lake's.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
from dagster._core.storage.dagster_run import FINISHED_STATUSES

from customs_assets.settings import Settings


def delete_runs(instance: dg.DagsterInstance, before: datetime) -> list[str]:
    """Delete the runs that finished before a time, with their events and what they printed; return their IDs.

    Dagster knows from events what is up to date. So a run stays if it holds the latest materialization of an asset partition, or
    the latest evaluation of a check on one.
    """
    from dagster._core.storage.event_log import SqliteEventLogStorage

    old = instance.get_run_ids(dg.RunsFilter(statuses=FINISHED_STATUSES, updated_before=before))
    needed = {*_latest_materializations(instance), *_latest_evaluations(instance, old)} if old else set()
    deleted = [run_id for run_id in old if run_id not in needed]
    for run_id in deleted:
        # The run goes last: if this is cut off, the next call finds the run again.
        instance.compute_log_manager.delete_logs(prefix=[run_id])
        instance.delete_run(run_id)
        if isinstance(storage := instance.event_log_storage, SqliteEventLogStorage):
            # SQLite has a file for each run, which Dagster empties but leaves at its full size.
            Path(storage.path_for_shard(run_id)).unlink(missing_ok=True)
    return deleted


def _latest_materializations(instance: dg.DagsterInstance) -> Iterator[str]:
    """The runs that hold the latest materialization of any asset partition, or of an asset without partitions."""
    for asset in instance.all_asset_keys():
        latest = instance.get_latest_storage_id_by_partition(asset, dg.DagsterEventType.ASSET_MATERIALIZATION)
        records = list(instance.fetch_materializations(asset, limit=1).records)
        if latest:
            filtered = dg.AssetRecordsFilter(asset, storage_ids=list(latest.values()))
            records += instance.fetch_materializations(filtered, limit=len(latest)).records
        yield from (record.run_id for record in records)


def _latest_evaluations(instance: dg.DagsterInstance, old: Sequence[str]) -> Iterator[str]:
    """The runs that hold the latest evaluation, for any partition, of the checks that some old runs evaluated."""
    checks = {
        entry.dagster_event.asset_check_evaluation_data.asset_check_key
        for run_id in old
        for entry in instance.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION)
        if entry.dagster_event
    }
    for latest in instance.event_log_storage.get_asset_check_partition_info(list(checks)):
        yield latest.latest_planned_run_id


@dg.op(
    description="Deletes runs, their events and what they printed, unless Dagster needs them to know what is up to date."
)
def delete_old_runs(context: dg.OpExecutionContext) -> None:
    days = Settings().keep_runs_days  # pyright: ignore[reportCallIssue]
    deleted = delete_runs(context.instance, datetime.now(UTC) - timedelta(days=days)) if days else []
    context.log.info(
        f"{len(deleted)} runs deleted that finished more than {days} days ago" if days else "all runs are kept"
    )


@dg.job(description="Deletes the records of runs that finished more than CUSTOMS_KEEP_RUNS_DAYS ago.")
def old_runs() -> None:
    delete_old_runs()


def old_runs_schedule(settings: Settings) -> dg.ScheduleDefinition:
    """The schedule of the job; off unless ``CUSTOMS_AUTOMATION`` is set or it is turned on in the UI."""
    return dg.ScheduleDefinition(
        name="delete_old_runs_daily",
        job=old_runs,
        cron_schedule="0 5 * * *",
        description="Every day, at 05:00 UTC: deletes the records of runs that finished more than CUSTOMS_KEEP_RUNS_DAYS ago.",
        default_status=dg.DefaultScheduleStatus.RUNNING if settings.automation else dg.DefaultScheduleStatus.STOPPED,
    )

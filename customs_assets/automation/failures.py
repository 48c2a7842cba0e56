"""Failures: what a finished run has to be told of, as alerts.

What belongs here reads a run's events. An alert leaves the house, so it holds no value of a declaration: what an expectation
expected, how many rows broke it, and the messages of the errors that the project words itself. Of any other error it names the
kind alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import dagster as dg
from dagster._utils.error import SerializableErrorInfo

from customs_assets.automation.alerts import Alert
from customs_assets.automation.jobs import JOB_OF
from customs_assets.masking import mask_credentials
from customs_assets.settings import Settings

# Errors whose messages are the project's own or the operating system's, neither of which quotes a declaration.
_SPEAKING = {
    "LakeError",
    "SourceError",
    "SourceUnreachable",
    "SecretFileError",
    "ReleaseError",
    "OSError",
    "PermissionError",
    "FileNotFoundError",
    "ConnectionRefusedError",
    "TimeoutError",
    "MemoryError",
}
_BLOCKED = "DagsterAssetCheckFailedError"

WILL_RETRY = "dagster/will_retry"


def run_alerts(instance: dg.DagsterInstance, run: dg.DagsterRun, settings: Settings) -> list[Alert]:
    """The alert of a failed run; none where all that failed in it are blocking expectations, which have alerts of their own."""
    errors = list(_step_errors(instance, run.run_id))
    told = [sentence for step, sentence in errors if sentence is not None]
    if errors and not told:
        return []
    lines = [
        f"{_what(run)} failed.",
        *(told or [_run_message(instance, run.run_id)]),
        *(["Dagster tries the run again by itself."] if run.tags.get(WILL_RETRY) == "true" else []),
        f"Run: {_link(settings, run.run_id)}",
    ]
    return [Alert(f"run {run.run_id}", f"Run failed: {_what(run)}", mask_credentials("\n".join(lines)), "error")]


def expectation_alerts(instance: dg.DagsterInstance, run: dg.DagsterRun, settings: Settings) -> list[Alert]:
    """An alert for each expectation of a run that did not hold."""
    found = []
    for entry in instance.all_logs(run.run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION):
        event = entry.dagster_event
        if event and not event.asset_check_evaluation_data.passed:
            found.append(_expectation_alert(event.asset_check_evaluation_data, run, settings))
    return found


def _expectation_alert(evaluation: dg.AssetCheckEvaluation, run: dg.DagsterRun, settings: Settings) -> Alert:
    asset, check = evaluation.asset_key.to_user_string(), evaluation.check_name
    metadata = {name: value.value for name, value in evaluation.metadata.items()}
    month = str(metadata.get("month") or evaluation.partition or run.tags.get("dagster/partition") or "all months")
    is_error = evaluation.severity is dg.AssetCheckSeverity.ERROR
    lines = [
        f"Asset: {asset}",
        f"Month: {month}" if "|" not in month else f"Cell: {month}",
        f"Check: {check} ({'error: what is downstream is blocked' if evaluation.blocking else 'warning'})"
        if evaluation.blocking or not is_error
        else f"Check: {check} (error)",
        *_rows(metadata),
        str(metadata.get("remedy") or evaluation.description or ""),
        f"Run: {_link(settings, run.run_id)}",
    ]
    # What is found again by another run, as a month that is late is every day, names itself.
    key = str(metadata.get("alert_key") or f"{run.run_id} {asset} {check} {evaluation.partition or ''}")
    title = f"Expectation failed: {asset} {month}, {check}"
    return Alert(key, title, mask_credentials("\n".join(lines)), "error" if is_error else "warning")


def _rows(metadata: dict[str, Any]) -> Iterator[str]:
    reasons = metadata.get("reasons")
    if not isinstance(reasons, list):
        return
    yield f"Rows failing: {metadata.get('rows_failing', 0)}"
    for reason in reasons:
        yield f"- {reason['reason']}" + (f": {reason['rows']} rows" if reason["rows"] else "")


def _step_errors(instance: dg.DagsterInstance, run_id: str) -> Iterator[tuple[str, str | None]]:
    """The failed steps of a run with a sentence each; None for a step that a blocking expectation stopped."""
    for entry in instance.all_logs(run_id, of_type=dg.DagsterEventType.STEP_FAILURE):
        data = entry.dagster_event.step_failure_data if entry.dagster_event else None
        chain = _chain(data.error if data else None)
        step = entry.step_key or "a step"
        if any(error.cls_name == _BLOCKED for error in chain):
            yield step, None
        elif data is not None and data.user_failure_data is not None and data.user_failure_data.description:
            yield step, f"{step}: {data.user_failure_data.description}"
        else:
            yield step, f"{step}: {_sentence(chain)}"


def _chain(error: SerializableErrorInfo | None) -> list[SerializableErrorInfo]:
    chain = []
    while error is not None:
        chain.append(error)
        error = error.cause
    return chain


def _sentence(chain: Sequence[SerializableErrorInfo]) -> str:
    if not chain:
        return "failed"
    for error in chain:
        if error.cls_name in _SPEAKING:
            return error.message.strip().splitlines()[0]
    return f"a {chain[-1].cls_name or 'error'}; its text may hold confidential values and stays on the run's page"


def _run_message(instance: dg.DagsterInstance, run_id: str) -> str:
    """Why a run failed of which no step did: its process was killed, it could not be started."""
    for entry in instance.all_logs(run_id, of_type=dg.DagsterEventType.RUN_FAILURE):
        if entry.dagster_event and entry.dagster_event.message:
            return entry.dagster_event.message.strip().splitlines()[0]
    return "It ended without saying why."


def _what(run: dg.DagsterRun) -> str:
    """What a person calls a run: its job and month; of a run without a job, as a backfill from the graph makes, its assets."""
    name = run.job_name
    if name.startswith("__"):
        assets = sorted(key.to_user_string() for key in run.asset_selection or ())
        name = ", ".join(assets if len(assets) <= 3 else sorted({JOB_OF[asset] for asset in assets}))
    partition = run.tags.get("dagster/partition")
    return f"{name} {partition}" if partition else name


def _link(settings: Settings, run_id: str) -> str:
    return f"{settings.ui.rstrip('/')}/runs/{run_id}"

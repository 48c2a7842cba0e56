"""What a finished run has to tell: an alert for each failed expectation, and one for the run if anything else failed in it.

What belongs here turns a run's events into texts. An alert leaves the organization, so it holds no value of a declaration: it
names the expectation, counts rows, and quotes only errors that the project words itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import dagster as dg

from customs_assets.automation.jobs import JOB_OF
from customs_assets.settings import Settings

# The project or the operating system words the messages of these errors, and neither quotes a declaration.
_OF_THE_PROJECT = {"LakeError", "SourceError", "SourceUnreachable", "SecretFileError", "ReleaseError"}
_OF_THE_SYSTEM = {"OSError", "PermissionError", "FileNotFoundError", "ConnectionRefusedError", "TimeoutError"}
_QUOTABLE = _OF_THE_PROJECT | _OF_THE_SYSTEM | {"MemoryError"}

_READ = {dg.DagsterEventType.ASSET_CHECK_EVALUATION, dg.DagsterEventType.STEP_FAILURE, dg.DagsterEventType.RUN_FAILURE}


@dataclass(frozen=True)
class Alert:
    """One failure, in a title of one line and a body. Two alerts with one key are the same failure, which is told once."""

    key: str
    title: str
    body: str
    level: Literal["failure", "warning"]


def alerts_of(instance: dg.DagsterInstance, run: dg.DagsterRun, settings: Settings) -> list[Alert]:
    """The alerts of a finished run. A run in which only blocking expectations failed has no alert of its own."""
    link = f"Run: {settings.ui.rstrip('/')}/runs/{run.run_id}"
    events = [entry.dagster_event for entry in instance.all_logs(run.run_id, of_type=_READ) if entry.dagster_event]
    evaluations = [e.asset_check_evaluation_data for e in events if e.event_type_value == "ASSET_CHECK_EVALUATION"]
    alerts = [_expectation_alert(evaluation, run, link) for evaluation in evaluations if not evaluation.passed]
    if run.is_failure and (reasons := _reasons(events)):
        retry = ["Dagster will try the run again."] if run.tags.get("dagster/will_retry") == "true" else []
        lines = [f"{_title(run)} failed.", *reasons, *retry, link]
        alerts.append(Alert(f"run {run.run_id}", f"Run failed: {_title(run)}", "\n".join(lines), "failure"))
    return alerts


def _expectation_alert(evaluation: dg.AssetCheckEvaluation, run: dg.DagsterRun, link: str) -> Alert:
    asset, check = evaluation.asset_key.to_user_string(), evaluation.check_name
    metadata: dict[str, Any] = {name: value.value for name, value in evaluation.metadata.items()}
    month = str(metadata.get("month") or evaluation.partition or run.tags.get("dagster/partition") or "all months")
    is_error = evaluation.severity is dg.AssetCheckSeverity.ERROR
    effect = "error: assets downstream are blocked" if evaluation.blocking else "error" if is_error else "warning"
    lines = [f"Asset: {asset}", f"{'Cell' if '|' in month else 'Month'}: {month}", f"Check: {check} ({effect})"]
    if isinstance(reasons := metadata.get("reasons"), list):
        lines.append(f"Rows failing: {metadata.get('rows_failing', 0)}")
        lines += [f"- {r['reason']}" + (f": {r['rows']} rows" if r["rows"] else "") for r in reasons]
    lines += [str(metadata.get("remedy") or evaluation.description or ""), link]
    # A check that finds the same failure in every run, such as a late month, gives the key itself.
    key = str(metadata.get("alert_key") or f"{run.run_id} {asset} {check} {evaluation.partition or ''}")
    level = "failure" if is_error else "warning"
    return Alert(key, f"Expectation failed: {asset} {month}, {check}", "\n".join(lines), level)


def _reasons(events: list[dg.DagsterEvent]) -> list[str]:
    """Why a run failed, a sentence for each step; none if blocking expectations stopped every step that failed."""
    if steps := [event for event in events if event.is_step_failure]:
        sentences = [(step.step_key or "a step", _sentence(step)) for step in steps]
        return [f"{name}: {sentence}" for name, sentence in sentences if sentence]
    # No step failed: the process was killed, or could not be started.
    messages = [event.message.strip().partition("\n")[0] for event in events if event.is_run_failure and event.message]
    return messages[:1] or ["Dagster gives no reason."]


def _sentence(step: dg.DagsterEvent) -> str:
    """Why a step failed, without confidential text; empty if a blocking expectation stopped it."""
    failure = step.step_failure_data
    errors = [failure.error] if failure.error else []
    while errors and (cause := errors[-1].cause):
        errors.append(cause)
    if any(error.cls_name == "DagsterAssetCheckFailedError" for error in errors):
        return ""
    if failure.user_failure_data and failure.user_failure_data.description:
        return failure.user_failure_data.description
    quotable = [error.message.strip().partition("\n")[0] for error in errors if error.cls_name in _QUOTABLE]
    kind = errors[-1].cls_name if errors else None
    return (*quotable, f"{kind or 'an error'}; its text may be confidential and stands only on the run's page")[0]


def _title(run: dg.DagsterRun) -> str:
    """The job and partition of a run. A run of a backfill from the graph has no job: its assets name it, or the jobs of many."""
    name = run.job_name
    if name.startswith("__"):
        assets = sorted(key.to_user_string() for key in run.asset_selection or ())
        name = ", ".join(assets if len(assets) <= 3 else sorted({JOB_OF[asset] for asset in assets}))
    return " ".join([name, run.tags.get("dagster/partition", "")]).rstrip()

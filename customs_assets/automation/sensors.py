"""The sensors: failed runs and failed expectations become alerts, and runs whose process is gone are ended.

What belongs here runs in the daemon, a few seconds at a time. What an alert says stands in ``failures.py``, how it is sent and
tried again in ``alerts.py``.
"""

import json
import logging
import time
from collections.abc import Callable, Sequence

import dagster as dg
from dagster._core.event_api import EventLogCursor

from customs_assets.automation.alerts import Alert, Outbox
from customs_assets.automation.channels import channels
from customs_assets.automation.failures import expectation_alerts, run_alerts
from customs_assets.automation.recovery import report_lost_runs
from customs_assets.settings import Settings

SECONDS = 15
# Events read at one tick of each kind.
_PAGE = 50

Tell = Callable[[dg.DagsterInstance, dg.DagsterRun, Settings], list[Alert]]


class StoredLedger:
    """What has been sent, kept in the instance's storage: it outlives sensors, their cursors and the daemon."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self._storage = instance.daemon_cursor_storage

    def has(self, key: str, channel: str) -> bool:
        """Whether an alert has gone through a channel."""
        name = self._name(key, channel)
        return name in self._storage.get_cursor_values({name})

    def note(self, key: str, channel: str) -> None:
        """Note that an alert has gone through a channel."""
        self._storage.set_cursor_values({self._name(key, channel): str(time.time())})

    def _name(self, key: str, channel: str) -> str:
        return f"customs alert {key} {channel}"


def _tick(context: dg.SensorEvaluationContext, ended: Sequence[dg.DagsterEventType], tell: Tell) -> dg.SkipReason:
    """Read the runs that ended since the last tick, post their alerts, deliver what is due."""
    settings = Settings()  # pyright: ignore[reportCallIssue]
    listed = channels(settings.alerts.get_secret_value())
    state = json.loads(context.cursor or "{}")
    outbox, ledger = Outbox.from_json(state.get("outbox", "[]")), StoredLedger(context.instance)
    seen: dict[str, str] = state.get("seen", {})
    found = 0
    for event in ended:
        if event.value not in seen:
            # The first tick only looks where the log stands: what failed before alerts were set up is history.
            seen[event.value] = _end_of_log(context.instance, event)
            continue
        page = context.instance.fetch_run_status_changes(event, _PAGE, cursor=seen[event.value], ascending=True)
        for record in page.records:
            run = context.instance.get_run_by_id(record.event_log_entry.run_id)
            alerts = tell(context.instance, run, settings) if run else []
            found += len(alerts)
            outbox.post(alerts, listed, ledger)
        seen[event.value] = page.cursor
    sent = outbox.deliver(listed, ledger, settings.retry_wait, time.time, _logged(context))
    context.update_cursor(json.dumps({"seen": seen, "outbox": outbox.to_json()}))
    if not listed:
        return dg.SkipReason(f"{found} failures; CUSTOMS_ALERTS names no address")
    return dg.SkipReason(f"{found} failures, {sent} alerts sent, {len(outbox.letters)} waiting")


def _logged(context: dg.SensorEvaluationContext) -> Callable[[str], None]:
    """Takes a line into the tick's log and the daemon's."""

    def log(line: str) -> None:
        context.log.warning(line)
        logging.getLogger("customs_assets").warning(line)

    return log


def _end_of_log(instance: dg.DagsterInstance, event: dg.DagsterEventType) -> str:
    page = instance.fetch_run_status_changes(event, 1)
    return page.cursor if page.records else EventLogCursor.from_storage_id(0).to_string()


def alert_sensors() -> list[dg.SensorDefinition]:
    """The two sensors of alerts, running wherever the daemon does: naming an address is all that they need."""

    @dg.sensor(
        name="failed_runs",
        minimum_interval_seconds=SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Tells every address in CUSTOMS_ALERTS of a failed run, once.",
    )
    def failed_runs(context: dg.SensorEvaluationContext):
        return _tick(context, [dg.DagsterEventType.RUN_FAILURE], run_alerts)

    @dg.sensor(
        name="failed_expectations",
        minimum_interval_seconds=SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Tells every address in CUSTOMS_ALERTS of each expectation that did not hold, once.",
    )
    def failed_expectations(context: dg.SensorEvaluationContext):
        ended = [dg.DagsterEventType.RUN_SUCCESS, dg.DagsterEventType.RUN_FAILURE]
        return _tick(context, ended, expectation_alerts)

    return [failed_runs, failed_expectations]


@dg.sensor(
    name="lost_runs",
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Marks runs as failed whose process was killed, so that they are retried and hold up no queue.",
)
def lost_runs(context: dg.SensorEvaluationContext):
    lost = report_lost_runs(context.instance)
    return dg.SkipReason(f"lost: {', '.join(lost)}" if lost else "every run under way has its process")

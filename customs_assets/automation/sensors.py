"""The sensors that watch runs: one sends alerts of failures, one marks runs as failed whose process is gone."""

import json
import time
from itertools import product

import dagster as dg

from customs_assets.automation.alerts import alerts_of
from customs_assets.automation.channels import channels
from customs_assets.automation.recovery import report_lost_runs
from customs_assets.masking import mask_credentials
from customs_assets.settings import Settings

# Twelve tries take some five hours: the wait is 15 s at first (CUSTOMS_RETRY_WAIT) and doubles up to an hour.
TRIES, LONGEST_WAIT = 12, 3600.0


@dg.sensor(
    minimum_interval_seconds=15,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Tells every address in CUSTOMS_ALERTS of each failed run and each failed expectation, once.",
)
def alerts(context: dg.SensorEvaluationContext):
    """Send the alerts of the runs that ended since the last tick, and of those that wait for another try.

    The cursor holds how far the event log was read, and the runs that wait, each with its tries so far and the time of the next.
    """
    settings = Settings()  # pyright: ignore[reportCallIssue]
    read_up_to, waiting = json.loads(context.cursor or "[{}, {}]")
    for event in (dg.DagsterEventType.RUN_SUCCESS, dg.DagsterEventType.RUN_FAILURE):
        if position := read_up_to.get(event.value):
            page = context.instance.fetch_run_status_changes(event, limit=50, cursor=position, ascending=True)
            waiting |= {record.run_id: (0, 0.0) for record in page.records if record.run_id not in waiting}
        else:
            # The first tick only finds the end of the log: failures from before are not told.
            page = context.instance.fetch_run_status_changes(event, limit=1)
        read_up_to[event.value] = page.cursor
    sent, stop = 0, time.monotonic() + 25.0  # Dagster ends a tick after 60 s; the next tick sends the rest.
    for run_id, (tries, due) in list(waiting.items()):
        if due > time.time() or time.monotonic() > stop:
            continue
        outcomes = _tell(context.instance, run_id, settings, tries, stop)
        sent += outcomes.count("")
        pause = min(settings.retry_wait * 2**tries, LONGEST_WAIT)
        waiting[run_id] = (tries + 1, time.time() + pause)
        if not any(outcomes) or tries + 1 == TRIES:
            del waiting[run_id]
        for problem in filter(None, outcomes):
            outlook = f"next try in {pause:.0f} s" if run_id in waiting else "given up"
            context.log.warning(f"{problem}; try {tries + 1} of {TRIES}, {outlook}")
    context.update_cursor(json.dumps([read_up_to, waiting]))
    return dg.SkipReason(f"{sent} alerts sent, {len(waiting)} runs waiting")


def _tell(instance: dg.DagsterInstance, run_id: str, settings: Settings, tries: int, stop: float) -> list[str]:
    """Send the alerts of a run to every channel that has not had them; for each, return why it failed, or an empty string.

    The instance's storage notes what was sent, so that a crash or a lost cursor sends nothing twice. Each try begins with another
    channel, so that a slow one does not take the time of all.
    """
    outcomes, storage = [], instance.daemon_cursor_storage
    listed = channels(settings.alerts.get_secret_value())
    first = tries % (len(listed) or 1)
    try:
        run = instance.get_run_by_id(run_id)
        found = alerts_of(instance, run, settings) if run and listed else []
        for channel, alert in product(listed[first:] + listed[:first], found):
            note = f"customs alert {alert.key} {channel.fingerprint}"
            if storage.get_cursor_values({note}):
                continue
            late = "the tick had no time left" if time.monotonic() > stop else ""
            problem = late or channel.send(alert.title, alert.body, alert.level)
            if not problem:
                storage.set_cursor_values({note: str(time.time())})
            outcomes.append(problem and f"alert not delivered by {channel.name}: {alert.title}: {problem}")
    except Exception as error:  # Whatever is wrong with this run, later runs must be told.
        reason = str(error).partition("\n")[0]
        outcomes.append(mask_credentials(f"run {run_id} cannot be told: {type(error).__name__}: {reason}"))
    return outcomes


@dg.sensor(
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Marks runs as failed whose process was killed, so that they are tried again and nothing waits for them.",
)
def lost_runs(context: dg.SensorEvaluationContext):
    lost = report_lost_runs(context.instance)
    return dg.SkipReason(f"lost: {', '.join(lost)}" if lost else "every run under way has its process")

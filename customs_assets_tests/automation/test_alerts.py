"""Alerts: real servers get each failure once, with month and reason; a channel that is down, or raises, costs only time."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import apprise
import dagster as dg
import pandas as pd
import pytest
from alert_servers import Hook, Mailbox
from typer.testing import CliRunner

from customs_assets.automation.channels import Channel, channels
from customs_assets.automation.sensors import LONGEST_WAIT, TRIES
from customs_assets.declaration import BY_NAME
from customs_assets.lake import Lake
from customs_assets.masking import mask, mask_credentials
from customs_assets.months import due_month

MONTH = "2020-02"

RunMonth = Callable[..., dg.ExecuteInProcessResult]
Declarations = Callable[[str], pd.DataFrame]


class Ticks:
    """The sensor of the code location, ticked by hand as the daemon does: each tick gets the cursor of the last."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        from customs_assets.definitions import defs

        self._sensor = defs.resolve_sensor_def("alerts")
        self._instance = instance
        self.cursor: str | None = None
        self()

    def __call__(self) -> str:
        context = dg.build_sensor_context(instance=self._instance, cursor=self.cursor)
        skipped = self._sensor(context)
        self.cursor = context.cursor
        assert isinstance(skipped, dg.SkipReason)
        return skipped.skip_message or ""


def _break_labelled(lake: Lake, rows: int) -> None:
    """Give some labelled rows an office that cannot be, as a hand in the lake would."""
    frame = lake.read_frame("labelled_declarations", MONTH)
    frame.loc[: rows - 1, "office_id"] = "4"
    record = lake.record("labelled_declarations", MONTH)
    assert record is not None
    broken = replace(record, sha256=lake.write_table("labelled_declarations", frame, MONTH))
    lake.save_record(broken)
    for check in broken.checks:
        lake.save_verdict(broken, check, passed=True)


def test_a_failed_expectation_is_told_once_to_mail_and_webhook_with_month_rows_and_reason(
    pipeline: Path,
    instance: dg.DagsterInstance,
    run_month: RunMonth,
    mailbox: tuple[Mailbox, str],
    hook: Hook,
    monkeypatch: pytest.MonkeyPatch,
):
    box, address = mailbox
    monkeypatch.setenv("CUSTOMS_ALERTS", f"{address} {hook.address}")
    tick = Ticks(instance)
    assert run_month("quarantine", "raw_declarations", "labelled_declarations").success
    _break_labelled(Lake(str(pipeline / "lake")), rows=7)
    failed = run_month("anonymized_declarations", "unit_prices", "ctgan_model")
    assert not failed.success

    assert tick() == "2 alerts sent, 0 runs waiting", "the blocked run is the same failure"
    assert tick() == "0 alerts sent, 0 runs waiting"
    [(receivers, subject, text)] = box.messages
    assert receivers == ["duty@office.example"]
    assert subject == f"Expectation failed: anonymized_declarations {MONTH}, nobody_named"
    for line in (
        "Asset: anonymized_declarations",
        f"Month: {MONTH}",
        "Check: nobody_named (error: assets downstream are blocked)",
        "Rows failing: 7",
        "- office_id has the form of its code: 7 rows",
        f"Run: https://dagster.office.example/runs/{failed.run_id}",
    ):
        assert line in text.splitlines()
    [call] = hook.calls
    assert (call["title"], call["type"]) == (subject, "failure")
    assert call["message"].splitlines() == text.strip().splitlines()


def test_a_failed_run_is_told_once_and_says_what_its_source_lacks(
    pipeline: Path,
    instance: dg.DagsterInstance,
    run_month: RunMonth,
    small_declarations: Declarations,
    hook: Hook,
    monkeypatch: pytest.MonkeyPatch,
):
    folder = pipeline / "source"
    folder.mkdir()
    small_declarations(MONTH).drop(columns=[BY_NAME["net_mass"].header]).to_csv(folder / f"{MONTH}.csv", index=False)
    monkeypatch.setenv("CUSTOMS_SOURCE", str(folder))
    monkeypatch.setenv("CUSTOMS_ALERTS", hook.address)
    tick = Ticks(instance)
    failed = run_month("quarantine", "raw_declarations")
    assert tick() == "1 alerts sent, 0 runs waiting"
    assert tick() == "0 alerts sent, 0 runs waiting"
    [call] = hook.calls
    assert call["title"] == f"Run failed: month {MONTH}"
    assert f"read_source: {MONTH}.csv lacks the columns net_mass" in call["message"]
    assert f"/runs/{failed.run_id}" in call["message"]
    steps = instance.all_logs(failed.run_id, of_type=dg.DagsterEventType.STEP_UP_FOR_RETRY)
    assert not steps, "bad data stays bad: nothing was tried again"


@pytest.mark.parametrize(
    ("assets", "called"),
    [
        (["quarantine", "raw_declarations"], "quarantine, raw_declarations"),
        (["quarantine", "raw_declarations", "labelled_declarations", "unit_prices"], "month"),
    ],
)
def test_a_failed_run_of_a_backfill_from_the_graph_is_called_by_what_it_makes(
    assets: list[str],
    called: str,
    pipeline: Path,
    instance: dg.DagsterInstance,
    hook: Hook,
    monkeypatch: pytest.MonkeyPatch,
):
    from customs_assets.definitions import defs

    monkeypatch.setenv("CUSTOMS_SOURCE", str(pipeline / "nowhere"))
    monkeypatch.setenv("CUSTOMS_ALERTS", hook.address)
    tick = Ticks(instance)
    failed = defs.resolve_implicit_global_asset_job_def().execute_in_process(
        partition_key=MONTH,
        asset_selection=[dg.AssetKey(asset) for asset in assets],
        instance=instance,
        raise_on_error=False,
    )
    assert not failed.success
    tick()
    assert [call["title"] for call in hook.calls] == [f"Run failed: {called} {MONTH}"]


def test_rows_set_aside_are_told_by_reason_and_no_value_of_a_declaration_is(
    pipeline: Path,
    instance: dg.DagsterInstance,
    run_month: RunMonth,
    small_declarations: Declarations,
    hook: Hook,
    monkeypatch: pytest.MonkeyPatch,
):
    rows = small_declarations(MONTH)
    rows.loc[:4, BY_NAME["net_mass"].header] = "-77.25"
    rows.loc[5, BY_NAME["country_of_origin"].header] = "QQ"
    folder = pipeline / "source"
    folder.mkdir()
    rows.to_csv(folder / f"{MONTH}.csv", index=False)
    monkeypatch.setenv("CUSTOMS_SOURCE", str(folder))
    monkeypatch.setenv("CUSTOMS_ALERTS", hook.address)
    tick = Ticks(instance)
    assert run_month("quarantine", "raw_declarations").success
    tick()
    [call] = hook.calls
    assert call["title"] == f"Expectation failed: quarantine {MONTH}, share"
    assert call["type"] == "warning"
    assert "Rows failing: 6" in call["message"]
    assert "- quarantined: negative_number: 5 rows" in call["message"]
    assert "- quarantined: unknown_code: 1 rows" in call["message"]
    assert "-77.25" not in call["message"]
    assert "QQ" not in call["message"]
    assert "주식회사" not in call["message"]


def test_a_channel_that_is_down_is_logged_without_its_secrets_and_tried_again_until_it_takes_the_alert(
    pipeline: Path,
    instance: dg.DagsterInstance,
    run_month: RunMonth,
    mailbox: tuple[Mailbox, str],
    hook: Hook,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
):
    box, address = mailbox
    monkeypatch.setenv("CUSTOMS_ALERTS", f"{hook.address}, {address}")
    monkeypatch.setenv("CUSTOMS_RETRY_WAIT", "0.0001")
    monkeypatch.setenv("CUSTOMS_SOURCE", str(pipeline / "nowhere"))
    hook.status = 503
    tick = Ticks(instance)
    with caplog.at_level(logging.DEBUG):
        assert not run_month("quarantine", "raw_declarations").success
        assert tick() == "1 alerts sent, 1 runs waiting"
        assert tick() == "0 alerts sent, 1 runs waiting"
        hook.status = 200
        assert tick() == "1 alerts sent, 0 runs waiting"
    tick()
    assert len(box.messages) == len(hook.calls) == 1
    logged = capfd.readouterr().err
    assert "alert not delivered by channel 1 of 2 (json): Run failed: month 2020-02: " in logged
    assert "error=503.; try 1 of 12, next try in 0 s" in logged
    for secret in ("opensesame", "T0KENT0KEN"):
        assert secret not in logged + caplog.text
        for path in (pipeline / "home").rglob("*"):
            assert not path.is_file() or secret.encode() not in path.read_bytes()


def test_an_alert_is_sent_once_even_if_the_sensor_forgets_what_it_has_read(
    pipeline: Path, instance: dg.DagsterInstance, run_month: RunMonth, hook: Hook, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("CUSTOMS_ALERTS", hook.address)
    monkeypatch.setenv("CUSTOMS_SOURCE", str(pipeline / "nowhere"))
    tick = Ticks(instance)
    before = tick.cursor
    run_month("quarantine", "raw_declarations")
    assert tick() == "1 alerts sent, 0 runs waiting"
    tick.cursor = before
    assert tick() == "0 alerts sent, 0 runs waiting"
    assert len(hook.calls) == 1


def test_an_address_that_is_mended_gets_the_alerts_that_waited(
    pipeline: Path, instance: dg.DagsterInstance, run_month: RunMonth, hook: Hook, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("CUSTOMS_ALERTS", "json://127.0.0.1:9/wrong")
    monkeypatch.setenv("CUSTOMS_RETRY_WAIT", "0.0001")
    monkeypatch.setenv("CUSTOMS_SOURCE", str(pipeline / "nowhere"))
    tick = Ticks(instance)
    run_month("quarantine", "raw_declarations")
    assert tick() == "0 alerts sent, 1 runs waiting"
    monkeypatch.setenv("CUSTOMS_ALERTS", hook.address)
    assert tick() == "1 alerts sent, 0 runs waiting"


def test_waits_double_up_to_an_hour_and_end_with_a_line_that_says_so(
    pipeline: Path,
    instance: dg.DagsterInstance,
    run_month: RunMonth,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
):
    now = [1_000.0]
    monkeypatch.setattr(time, "time", lambda: now[0])
    monkeypatch.setenv("CUSTOMS_ALERTS", "json://127.0.0.1:9/closed")
    monkeypatch.setenv("CUSTOMS_SOURCE", str(pipeline / "nowhere"))
    tick = Ticks(instance)
    run_month("quarantine", "raw_declarations")
    pauses = []
    while "1 runs waiting" in tick():
        assert tick() == "0 alerts sent, 1 runs waiting", "it is not due"
        [(_, due)] = json.loads(tick.cursor or "")[1].values()
        pauses.append(due - now[0])
        now[0] = due
    assert pauses == [min(15.0 * 2**n, LONGEST_WAIT) for n in range(TRIES - 1)]
    lines = [line for line in capfd.readouterr().err.splitlines() if "alert not delivered" in line]
    assert len(lines) == TRIES
    assert lines[-1].endswith("try 12 of 12, given up")
    assert "closed" not in "".join(lines)


def test_a_run_that_cannot_be_read_is_logged_and_tried_again_and_later_runs_are_told(
    pipeline: Path,
    instance: dg.DagsterInstance,
    run_month: RunMonth,
    hook: Hook,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
):
    monkeypatch.setenv("CUSTOMS_ALERTS", hook.address)
    monkeypatch.setenv("CUSTOMS_RETRY_WAIT", "0.0001")
    monkeypatch.setenv("CUSTOMS_SOURCE", str(pipeline / "nowhere"))
    tick = Ticks(instance)
    unreadable = run_month("quarantine", "raw_declarations", month="2020-02")
    run_month("quarantine", "raw_declarations", month="2020-03")
    events = pipeline / "home" / "history" / "runs" / f"{unreadable.run_id}.db"
    intact = events.read_bytes()
    events.write_bytes(b"no database" * 1000)
    assert tick() == "1 alerts sent, 1 runs waiting"
    assert [call["title"] for call in hook.calls] == ["Run failed: month 2020-03"]
    logged = capfd.readouterr().err
    assert f"run {unreadable.run_id} cannot be told: DatabaseError: " in logged
    assert "try 1 of 12, next try in 0 s" in logged
    events.write_bytes(intact)
    assert tick() == "1 alerts sent, 0 runs waiting"
    assert [call["title"] for call in hook.calls] == ["Run failed: month 2020-03", "Run failed: month 2020-02"]


def test_a_channel_whose_library_raises_is_logged_without_its_secrets_and_others_are_told(
    pipeline: Path,
    instance: dg.DagsterInstance,
    run_month: RunMonth,
    mailbox: tuple[Mailbox, str],
    hook: Hook,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
):
    instantiate = apprise.Apprise.instantiate

    def fail_for_json(address: str, **options: Any) -> Any:
        if address.startswith("json"):
            raise RuntimeError(f"no plugin takes {address}")
        return instantiate(address, **options)

    box, address = mailbox
    monkeypatch.setenv("CUSTOMS_ALERTS", f"{hook.address} {address}")
    monkeypatch.setenv("CUSTOMS_RETRY_WAIT", "0.0001")
    monkeypatch.setenv("CUSTOMS_SOURCE", str(pipeline / "nowhere"))
    tick = Ticks(instance)
    run_month("quarantine", "raw_declarations")
    with monkeypatch.context() as broken, caplog.at_level(logging.DEBUG):
        broken.setattr(apprise.Apprise, "instantiate", staticmethod(fail_for_json))
        assert tick() == "1 alerts sent, 1 runs waiting"
    assert [subject for _, subject, _ in box.messages] == ["Run failed: month 2020-02"]
    logged = capfd.readouterr().err
    assert "channel 1 of 2 (json): Run failed: month 2020-02: RuntimeError: no plugin takes json://***" in logged
    assert "opensesame" not in logged + caplog.text
    assert tick() == "1 alerts sent, 0 runs waiting"
    assert (len(box.messages), len(hook.calls)) == (1, 1)


def test_a_month_that_is_late_is_told_once_and_not_every_day(
    pipeline: Path, instance: dg.DagsterInstance, hook: Hook, monkeypatch: pytest.MonkeyPatch
):
    from customs_assets.definitions import defs

    monkeypatch.setenv("CUSTOMS_ALERTS", hook.address)
    tick = Ticks(instance)
    month = due_month(datetime.now(UTC).date(), 5)
    for _ in range(3):
        assert defs.resolve_job_def("months_on_time").execute_in_process(instance=instance).success
        tick()
    [call] = hook.calls
    assert call["title"] == f"Expectation failed: declaration_source {month}, month_on_time"
    assert f"{month} was due on day 5 of the next month and is not in the lake." in call["message"]
    Lake(str(pipeline / "lake")).write_table("raw_declarations", pd.DataFrame({"a": [1]}), month)
    done = defs.resolve_job_def("months_on_time").execute_in_process(instance=instance)
    assert [check.passed for check in done.get_asset_check_evaluations()] == [True]


@pytest.mark.parametrize(
    ("day", "due"),
    [("2021-03-04", "2021-01"), ("2021-03-05", "2021-02"), ("2021-01-05", "2020-12"), ("2021-01-04", "2020-11")],
)
def test_a_month_is_due_on_the_fifth_of_the_next(day: str, due: str):
    assert due_month(datetime.fromisoformat(day).date(), 5) == due


def test_addresses_are_told_apart_and_never_shown():
    listed = channels(
        "mailto://a:pw@h.example?to=x@y,z@y, slack://AAAA/BBBB/CCCC\njson://h.example/t json://h.example/t"
    )
    assert [c.name for c in listed] == ["channel 1 of 3 (mailto)", "channel 2 of 3 (slack)", "channel 3 of 3 (json)"]
    assert listed[0].address == "mailto://a:pw@h.example?to=x@y,z@y"
    assert "pw" not in repr(listed)
    assert channels("  ") == []
    assert Channel("c", "nonsense").send("t", "b", "failure") == "Apprise does not know the form of this address"


def test_the_test_command_says_which_addresses_took_the_alert(
    mailbox: tuple[Mailbox, str], hook: Hook, monkeypatch: pytest.MonkeyPatch
):
    from customs_assets.cli import app

    box, address = mailbox
    hook.status = 503
    monkeypatch.setenv("CUSTOMS_ALERTS", f"{address} {hook.address}")
    done = CliRunner().invoke(app, ["test-alerts"])
    assert done.exit_code == 1
    assert "channel 1 of 2 (mailto): sent" in done.output
    assert "channel 2 of 2 (json): " in done.output
    assert "503" in done.output
    assert "opensesame" not in done.output
    assert [subject for _, subject, _ in box.messages] == ["Test of customs alerts"]
    hook.status = 200
    assert CliRunner().invoke(app, ["test-alerts"]).exit_code == 0
    assert [call["title"] for call in hook.calls] == ["Test of customs alerts"]
    monkeypatch.setenv("CUSTOMS_ALERTS", "")
    assert CliRunner().invoke(app, ["test-alerts"]).exit_code == 2


def test_masks_leave_no_part_of_a_secret():
    assert (
        mask_credentials("at postgresql://kim:s3cret@db/x?password=abc&a=1")
        == "at postgresql://***@db/x?password=***&a=1"
    )
    assert mask("hook.example/T%2Fok said TOKN", ["json://hook.example/T%2Fok?x=TOKN"]) == "***/*** said ***"

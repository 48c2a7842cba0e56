"""A record says what an artifact was made from, whatever else comes into the lake while it is made, and whoever asks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import dagster as dg
import pandas as pd
import pytest

from customs_assets.definitions import defs
from customs_assets.expectations import checks
from customs_assets.expectations.suites import SUITES
from customs_assets.expectations.validation import Verdict
from customs_assets.lake import Lake, LakeError
from customs_assets.resources import Pipeline
from customs_assets.synthesis import assets as synthesis
from customs_assets_tests.lakes import out_of_date

TABLES = (
    *("raw_declarations", "quarantine", "population"),
    *("labelled_declarations", "unit_prices", "anonymized_declarations"),
)

RunMonth = Callable[..., dg.ExecuteInProcessResult]


@pytest.fixture
def lake(pipeline: Path) -> Lake:
    """The lake of the pipeline."""
    return Lake(str(pipeline / "lake"))


def _share(instance: dg.DagsterInstance, *assets: str) -> None:
    selection = [dg.AssetKey(key) for key in assets]
    done = defs.resolve_job_def("shared").execute_in_process(asset_selection=selection, instance=instance)
    assert done.success


def _read_law(instance: dg.DagsterInstance) -> None:
    assert defs.resolve_job_def("law").execute_in_process(instance=instance).success


def _stale(lake: Lake, *months: str) -> list[str]:
    return [key for key, partition in out_of_date(lake, months) if partition == ""]


@pytest.mark.parametrize("comes", ["a month that was not there", "the month that is read, anonymized anew"])
def test_what_comes_in_while_an_artifact_is_made_makes_it_out_of_date(
    comes: str,
    lake: Lake,
    instance: dg.DagsterInstance,
    run_month: RunMonth,
    pipeline: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    assert run_month(*TABLES, month="2020-02").success
    read = lake.record("anonymized_declarations", "2020-02")
    assert read is not None
    counted = synthesis.count_safe_groups

    def interrupted(*given) -> pd.DataFrame:
        if comes == "a month that was not there":
            assert run_month(*TABLES, month="2020-03").success
        else:
            monkeypatch.setenv("CUSTOMS_IDENTITY_KEY", str(pipeline / "another.key"))
            assert run_month("anonymized_declarations", month="2020-02").success
        return counted(*given)

    monkeypatch.setattr(synthesis, "count_safe_groups", interrupted)
    _share(instance, "safe_groups")
    record = lake.record("safe_groups")
    assert record is not None
    # Which of two that came one after the other was read nobody knows: no checksum speaks for it.
    known = read.sha256 if comes == "a month that was not there" else ""
    assert record.inputs == {"anonymized_declarations|2020-02": known}
    assert "safe_groups" in _stale(lake, "2020-02")
    monkeypatch.setattr(synthesis, "count_safe_groups", counted)
    _share(instance, "safe_groups")
    assert "safe_groups" not in _stale(lake, "2020-02")


def test_what_is_read_before_the_asset_begins_counts_as_it_was_then(
    lake: Lake, instance: dg.DagsterInstance, run_month: RunMonth, pipeline: Path, monkeypatch: pytest.MonkeyPatch
):
    """``labelled_declarations`` is loaded for ``anonymized_declarations`` and made again right after."""
    assert run_month(*TABLES).success
    labelled = lake.record("labelled_declarations", "2020-02")
    assert labelled is not None
    load = Lake.read_frame

    def interrupted(self: Lake, asset: str, partition: str = "") -> pd.DataFrame:
        found = load(self, asset, partition)
        if asset == "labelled_declarations":
            checksum = self.write_table(asset, found.assign(net_mass=found["net_mass"] + 1), partition)
            self.save_record(replace(labelled, sha256=checksum))
        return found

    monkeypatch.setattr(Lake, "read_frame", interrupted)
    assert run_month("anonymized_declarations").success
    record = lake.record("anonymized_declarations", "2020-02")
    assert record is not None
    assert record.inputs["labelled_declarations|2020-02"] == ""


def test_a_month_in_the_lake_that_nobody_asked_to_synthesize_leaves_the_others_up_to_date(
    lake: Lake, instance: dg.DagsterInstance, run_month: RunMonth, monkeypatch: pytest.MonkeyPatch
):
    """What the months share is made over all that are anonymized; asked for one month, that is not out of date."""
    monkeypatch.setenv("CUSTOMS_EPOCHS", "1")
    for month in ("2020-02", "2020-03"):
        assert run_month(*TABLES, month=month).success
    _read_law(instance)
    by_parts = ("safe_parts", "confidential_trade", "disclosed_tuples")
    shared = (*by_parts, "safe_groups", "composed_identities", "fraud_propensity")
    _share(instance, *shared)
    assert not set(shared).intersection(_stale(lake, "2020-02"))
    assert run_month(*TABLES, month="2020-04").success
    assert set(shared) <= set(_stale(lake, "2020-02"))


def test_nothing_is_made_from_what_did_not_hold_its_expectations_whoever_asks(
    lake: Lake, instance: dg.DagsterInstance, run_month: RunMonth
):
    """A file that is there is no permission: the release of a backfill, or a job launched by hand, is another run."""
    for month in ("2020-02", "2020-03"):
        assert run_month(*TABLES, month=month).success
    record = lake.record("anonymized_declarations", "2020-03")
    assert record is not None
    lake.save_verdict(record, "nobody_named", passed=False)
    refused = defs.resolve_job_def("shared").execute_in_process(
        asset_selection=[dg.AssetKey("safe_groups")], instance=instance, raise_on_error=False
    )
    assert not refused.success
    [event] = refused.get_step_failure_events()
    said = event.step_failure_data.user_failure_data
    assert said is not None
    assert said.description == (
        "safe_groups is not built from inputs that have not passed their blocking checks: anonymized_declarations 2020-03 did "
        "not pass nobody_named; mend that and build them again first"
    )
    assert lake.record("safe_groups") is None
    assert not run_month("ctgan_model", month="2020-03").success, "loaded inputs are refused as well"
    assert run_month("anonymized_declarations", month="2020-03").success
    _share(instance, "safe_groups")


def test_what_is_built_again_while_it_is_judged_stays_unjudged_and_is_built_from_by_nobody(
    lake: Lake, run_month: RunMonth, monkeypatch: pytest.MonkeyPatch
):
    assert run_month("quarantine", "raw_declarations", "labelled_declarations").success
    labelled = lake.record("labelled_declarations", "2020-02")
    assert labelled is not None
    suite = next(suite for suite in SUITES if suite.name == "inspected_rows")
    validate = checks.validate_pieces

    def interrupted(*given) -> Verdict:
        verdict = validate(*given)
        frame = lake.read_frame("labelled_declarations", "2020-02")
        checksum = lake.write_table("labelled_declarations", frame.assign(net_mass=-1.0), "2020-02")
        lake.save_record(replace(labelled, sha256=checksum))
        return verdict

    with monkeypatch.context() as patch:
        patch.setattr(checks, "validate_pieces", interrupted)
        with pytest.raises(LakeError, match="labelled_declarations 2020-02 was made again while inspected_rows judged"):
            checks.judge(suite, Pipeline(), "2020-02")
    new = lake.record("labelled_declarations", "2020-02")
    assert new is not None and lake.unjudged(new) == ["inspected_rows"]
    refused = run_month("anonymized_declarations")
    assert not refused.success
    assert "labelled_declarations 2020-02 was not judged by inspected_rows" in str(refused.get_step_failure_events())
    assert not checks.judge(suite, Pipeline(), "2020-02").passed


def test_an_asset_over_all_months_reads_the_months_that_its_record_names(
    lake: Lake, instance: dg.DagsterInstance, run_month: RunMonth, monkeypatch: pytest.MonkeyPatch
):
    """Of 2020-03 there are no unit prices, and 2020-04 comes while the propensity is learned: both are left out."""
    assert run_month(*TABLES, month="2020-02").success
    assert run_month(*(key for key in TABLES if key != "unit_prices"), month="2020-03").success
    fitted, read = synthesis.fit_propensity, []

    def interrupted(source, prices, *given, **more):
        assert run_month(*TABLES, month="2020-04").success
        read.extend([list(source), list(prices)])
        return fitted(source, prices, *given, **more)

    monkeypatch.setattr(synthesis, "fit_propensity", interrupted)
    _read_law(instance)
    _share(instance, "safe_parts", "confidential_trade", "disclosed_tuples", "safe_groups", "fraud_propensity")
    assert read == [["2020-02"], ["2020-02"]]
    record = lake.record("fraud_propensity")
    assert record is not None
    read_of_all = {"safe_groups|", "disclosed_tuples|"}
    assert record.inputs.keys() == {"anonymized_declarations|2020-02", "unit_prices|2020-02", *read_of_all}
    parts = lake.record("safe_parts")
    assert parts is not None
    assert parts.inputs.keys() == {"population|2020-02", "population|2020-03", "tariff|", "tariff_routes|"}
    shared = lake.record("safe_groups")
    assert shared is not None
    assert shared.inputs.keys() == {"anonymized_declarations|2020-02", "anonymized_declarations|2020-03"}

"""The gate in a run as a person starts it: what is not measured, or convicts, leaves nothing where users look for a release.

One lake is prepared by the real command, with attacks that find nothing. Each test works on a copy of it, in which the
rehearsal or the attacks have to be made again. Runs are real Dagster runs; where something has to go wrong, they are made in this
process, so that it can be made to go wrong.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from typer.testing import CliRunner

from customs_assets import cli
from customs_assets.automation import workers
from customs_assets.claims import Claim
from customs_assets.definitions import graph
from customs_assets.lake import Lake
from customs_assets.privacy import assets as privacy
from customs_assets.privacy import claims as claims_module
from customs_assets.privacy import rehearsal as rehearsal_module
from customs_assets.privacy.claims import successive_releases_claim
from customs_assets.privacy.gate import ATTACKS
from customs_assets_tests.lakes import ReleasedLake, forget, out_of_date, sound_claim
from customs_assets_tests.release.signing_office import make_key
from customs_assets_tests.services import small_environment

MONTHS = "2020-01:2020-02"
Claims = Callable[..., list[Claim]]


# The real command, in which attacks find what a test wants. Workers are spawned, and run this file again before they take a task.
SCRIPT = """
import os, signal
from customs_assets.privacy.gate import ATTACKS
from customs_assets.privacy import claims
from customs_assets.claims import Claim
from customs_assets.claims import Subject

def sound(*_, **__):
    bounds = {{"lower_bound": 0.0, "upper_bound": 0.02}}
    return [Claim(key, Subject.PRIVACY, key, 0.01, at_most=0.05, limit=0.15, **bounds) for key in ATTACKS]

def killed(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

claims.attack_claims = {attack}
if __name__ == "__main__":
    from customs_assets.cli import main
    main()
"""


def _command(folder: Path, source: Path, attack: str) -> subprocess.CompletedProcess[str]:
    """What the real command makes of a folder, where an attack is ``sound`` or ``killed``."""
    script = folder / f"{attack}.py"
    script.write_text(SCRIPT.format(attack=attack))
    command = [sys.executable, str(script), "run", "--months", MONTHS, "--workers", "2"]
    environment = _settings(folder, source)
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def _settings(folder: Path, source: Path) -> dict[str, str]:
    return small_environment(folder, CUSTOMS_SOURCE=str(source))


@pytest.fixture(scope="module")
def prepared(
    tmp_path_factory: pytest.TempPathFactory, small_source: Path
) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """A folder in which the real command has made everything, release included, and what it said.

    The months are tiny, so what attacks find is given; all else is as it would be.
    """
    folder = tmp_path_factory.mktemp("released")
    return folder, _command(folder, small_source, "sound")


class _AtOnce:
    """Workers that are this process: a run that is handed to them is executed at once."""

    def __init__(self, instance: dg.DagsterInstance, log_folder: Path) -> None:
        self.on_end: Callable[[str, str], None] = lambda run_id, problem: None
        self.capacity = 1
        self.tags: dict[str, str] = {}

    def warm(self, count: int) -> None:
        pass

    def take(self, run_id: str) -> None:
        self.on_end(run_id, workers._execute(run_id))

    def close(self) -> None:
        pass


class Office:
    """A copy of the prepared lake, and the command on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lake = Lake(str(folder / "lake"))

    @property
    def released(self) -> dict[str, bytes]:
        """What stands where users look for a release."""
        folder = self.folder / "lake" / "synthetic_release"
        return {path.name: path.read_bytes() for path in folder.iterdir()} if folder.exists() else {}

    def to_be_made_again(self, asset: str) -> None:
        record = self.lake.record(asset)
        assert record is not None
        forget(self.lake, record)

    def run(self, *arguments: str) -> tuple[int, list[str]]:
        """Status and lines of ``customs run``, its runs made in this process."""
        done = CliRunner().invoke(cli.app, [*(arguments or ("run", "--months", MONTHS))])
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return done.exit_code, done.output.splitlines()

    def attacked_deeply(self, *months: str) -> None:
        """Deep attacks on the lake as it is that find nothing; what they truly find of so few importers says nothing."""
        lake = ReleasedLake(None, graph.with_on_demand(), months)
        for key in lake.graph.on_demand:
            for partition in lake.graph.partitions(key, lake.months):
                lake.build(key, partition)

    def runs(self) -> int:
        with dg.DagsterInstance.get() as instance:
            return instance.get_runs_count()

    def page(self) -> str:
        return (self.folder / "lake" / "evidence_report.html").read_text(encoding="utf-8")


@pytest.fixture
def office(
    prepared: tuple[Path, object], small_source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Office:
    folder = tmp_path / "office"
    shutil.copytree(prepared[0], folder)
    for name, value in _settings(folder, small_source).items():
        if name.startswith(("CUSTOMS_", "DAGSTER_")):
            monkeypatch.setenv(name, value)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(workers, "Workers", _AtOnce)
    made = Office(folder)
    assert made.released, "every test begins with a release that was let through"
    return made


def _sound(*_: object, **__: object) -> list[Claim]:
    """What attacks find that gain nothing."""
    return [sound_claim(key) for key in ATTACKS]


def _changed(**of_membership: float) -> Claims:
    def claims(*_: object, **__: object) -> list[Claim]:
        return [replace(claim, **of_membership) if claim.key == "membership" else claim for claim in _sound()]

    return claims


def test_what_was_measured_and_convicts_nobody_is_let_through_with_the_candidates_bytes(
    prepared: tuple[Path, subprocess.CompletedProcess[str]],
):
    folder, done = prepared
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == f"released: {folder}/lake/synthetic_release"
    lake = Lake(str(folder / "lake"))
    assert lake.read_folder("synthetic_release") == lake.read_folder("release_candidate")
    assert '<p class="gate holds">released</p>' in (folder / "lake" / "evidence_report.html").read_text()


def test_nothing_to_do_says_where_the_release_is(office: Office):
    status, lines = office.run()
    assert (status, lines[-1]) == (0, f"released: {office.folder}/lake/synthetic_release")
    assert any(line.startswith("nothing to do") for line in lines)
    assert office.run("status", "--months", MONTHS)[1][-1] == lines[-1]


def test_what_the_real_command_released_is_signed_published_and_verified(
    office: Office, monkeypatch: pytest.MonkeyPatch
):
    key = make_key(office.folder, "anna")
    signers = office.folder / "allowed_signers"
    signers.write_text(f"anna {key.with_suffix('.pub').read_text()}")
    monkeypatch.setenv("CUSTOMS_ALLOWED_SIGNERS", str(signers))
    assert office.run("publish", str(office.folder / "published"))[0] == 1
    office.attacked_deeply("2020-01", "2020-02")
    assert office.run("sign-off", "--name", "anna", "--key", str(key))[0] == 0
    assert office.run("status", "--months", MONTHS)[1][-3] == "signed: by 1 of 1 signers (anna)"
    assert office.run("publish", str(office.folder / "published"))[0] == 0
    assert office.run("verify", str(office.folder / "published"), "--signers", str(signers))[0] == 0
    names = {path.name: path for path in (office.folder / "published").iterdir()}
    page = (office.folder / "lake" / "public_evidence.html").read_bytes()
    published = {name: path.read_bytes() for name, path in names.items() if path.is_file()}
    assert published == {**office.released, "evidence.html": page}
    assert b"This is the form of the page that may be published with the release." in page
    [record] = (names["signatures"]).glob("*.json")
    assert str(office.folder) not in record.read_text()
    assert json.loads(record.read_text())["claims"]["evidence"]["claims"]


def _raise(*_: object, **__: object) -> list[Claim]:
    return list(np.zeros(3) + np.zeros(4))


def _nobody_held_out(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(rehearsal_module, "in_control", lambda importers, seed: np.zeros(len(importers), bool))
    return "withheld: What attacks gain was not measured: the control half has no importer"


def _attack_raises(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(claims_module, "attack_claims", _raise)
    return "withheld: attacks failed (release_privacy: a fault of the program stopped it"


def _nan(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(claims_module, "attack_claims", _changed(measured=float("nan"), lower_bound=float("nan")))
    return "withheld: membership was not measured: its measure and its interval is no number"


def _nan_error(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(claims_module, "attack_claims", _changed(lower_bound=float("nan")))
    return "withheld: membership was not measured: its interval is no number"


def _convicts(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(claims_module, "attack_claims", _changed(measured=0.9, lower_bound=0.8))
    return "withheld: membership goes past its limit of 0.15 by more than chance: 0.9 ()"


def _too_wide(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(claims_module, "attack_claims", _changed(upper_bound=0.3))
    return "withheld: unmeasured, because the interval is too wide to exclude the limit: membership (may be 0.3, limit 0.15)"


def _empty(monkeypatch: pytest.MonkeyPatch) -> str:
    rehearsed = privacy.rehearsed
    monkeypatch.setattr(privacy, "rehearsed", lambda *given: rehearsed(*given).slice(0, 0))
    return "withheld: rehearsal failed (rehearsed_declarations, k_importers_of_the_training_half: "


def _of_another_month(monkeypatch: pytest.MonkeyPatch) -> str:
    rehearsed = privacy.rehearsed

    def first_month(source: dict[str, Any], *given: Any) -> pa.Table:
        return rehearsed(dict(list(source.items())[:1]), *given)

    monkeypatch.setattr(privacy, "rehearsed", first_month)
    return "withheld: rehearsal failed (rehearsed_declarations, k_importers_of_the_training_half: "


@pytest.mark.parametrize(
    ("goes_wrong", "made_again"),
    [
        (_nobody_held_out, "rehearsed_declarations"),
        (_attack_raises, "release_privacy"),
        (_nan, "release_privacy"),
        (_nan_error, "release_privacy"),
        (_too_wide, "release_privacy"),
        (_empty, "rehearsed_declarations"),
        (_of_another_month, "rehearsed_declarations"),
        (_convicts, "release_privacy"),
    ],
)
def test_nothing_measured_or_a_conviction_withholds_and_withdraws_what_stood(
    office: Office, monkeypatch: pytest.MonkeyPatch, goes_wrong: Callable[[pytest.MonkeyPatch], str], made_again: str
):
    said = goes_wrong(monkeypatch)
    office.to_be_made_again(made_again)
    status, lines = office.run()
    assert lines[-1].startswith(said), lines
    assert status == 1
    assert office.released == {}
    assert [path.name for path in (office.folder / "lake").iterdir() if "synthetic_release" in path.name] == []
    again = office.run("status", "--months", MONTHS)[1][-1]
    assert again.startswith("withheld: ")


@pytest.mark.parametrize("rehearsal", ["empty", "of other months"])
def test_a_rehearsal_that_slips_past_its_suite_is_still_refused_by_the_attacks(
    office: Office, monkeypatch: pytest.MonkeyPatch, rehearsal: str
):
    """The table is exchanged together with its record and verdict, as if it had been made so."""
    record = office.lake.record("rehearsed_declarations")
    assert record is not None
    table = office.lake.read_table("rehearsed_declarations")
    metadata = table.schema.metadata or {}
    if rehearsal == "empty":
        table = table.slice(0, 0)
    else:
        table = table.replace_schema_metadata(
            {**metadata, b"source": metadata[b"source"].replace(b"2020-02", b"2019-12")}
        )
    checksum = office.lake.write_table("rehearsed_declarations", table)
    exchanged = replace(record, sha256=checksum)
    office.lake.save_record(exchanged)
    office.lake.save_verdict(exchanged, "k_importers_of_the_training_half", passed=True)
    monkeypatch.setattr(claims_module, "attack_claims", _sound)
    status, lines = office.run()
    reason = {
        "empty": "the rehearsal is empty",
        "of other months": "the rehearsal is of other months (2020-01, 2019-12)",
    }
    assert lines[-1].startswith(f"withheld: What attacks gain was not measured: {reason[rehearsal]}"), lines
    assert (status, office.released) == (1, {})


def test_a_conviction_is_shown_on_the_page_and_judged_again_without_making_everything_again(
    office: Office, monkeypatch: pytest.MonkeyPatch
):
    said = _convicts(monkeypatch)
    office.to_be_made_again("release_privacy")
    status, lines = office.run()
    assert (status, lines[-1]) == (1, said)
    assert f'<p class="gate fails">{said}</p>' in office.page(), "the page is made, and says why at its top"
    assert any("release: withheld in" in line for line in lines)
    monkeypatch.setattr(claims_module, "attack_claims", _raise)
    before = office.runs()
    status, lines = office.run()
    assert (status, lines[-1]) == (1, said), "judged again by what was found"
    assert office.runs() - before == 2, "the gate, and the page whose verdict is the same"
    assert office.run("status", "--months", MONTHS)[1] == [
        "synthetic_release: is missing",
        "evidence_report: did not pass attacks",
        "what is built from these is built again where they come out otherwise",
        said,
    ]
    monkeypatch.setattr(claims_module, "attack_claims", _sound)
    office.to_be_made_again("release_privacy")
    status, lines = office.run()
    assert (status, lines[-1]) == (0, f"released: {office.folder}/lake/synthetic_release")
    assert office.released == office.lake.read_folder("release_candidate")


def test_a_killed_attack_leaves_nothing_standing(office: Office, monkeypatch: pytest.MonkeyPatch):
    """The real command with real workers, one of which kills itself amid the attack."""
    office.to_be_made_again("release_privacy")
    done = _command(office.folder, Path(os.environ["CUSTOMS_SOURCE"]), "killed")
    last = done.stdout.splitlines()[-1]
    assert last.startswith("withheld: attacks failed (its worker process was killed"), done.stdout + done.stderr
    assert (done.returncode, office.released) == (1, {})
    monkeypatch.setattr(claims_module, "attack_claims", _sound)
    assert office.run()[0] == 0
    assert office.released


def test_a_job_launched_from_the_ui_withdraws_too_and_the_gate_refuses_measures_of_other_rows(office: Office):
    from customs_assets.definitions import defs

    with dg.DagsterInstance.get() as instance:
        done = defs.resolve_job_def("candidate").execute_in_process(
            asset_selection=[dg.AssetKey("release_candidate")], instance=instance
        )
        assert done.success
        assert office.released == {}
        record = office.lake.record("release_privacy")
        assert record is not None
        other = {name: "another" if "synthetic" in name else of for name, of in record.inputs.items()}
        office.lake.save_record(replace(record, inputs=other))
        refused = defs.resolve_job_def("release").execute_in_process(instance=instance, raise_on_error=False)
        assert not refused.success
        [event] = refused.get_step_failure_events()
        said = event.step_failure_data.user_failure_data
        assert said is not None and said.description is not None
        assert said.description.startswith("withheld: release_privacy was measured on other synthetic rows")
        assert office.released == {}
        office.lake.save_record(record)
        assert defs.resolve_job_def("release").execute_in_process(instance=instance).success
    assert office.released == office.lake.read_folder("release_candidate")


def _with_a_predecessor(attack: Claims) -> Claims:
    """What attacks find that gain nothing, but for that on successive releases, which is the real one."""

    def claims(synthetic: Any, training: Any, control: Any, **given: Any) -> list[Claim]:
        measured = successive_releases_claim(synthetic, training, control, given["earlier"])
        # So few importers exclude no limit.
        measured = replace(measured, upper_bound=min(measured.upper_bound, 0.1))
        return [measured if claim.key == measured.key else claim for claim in attack()]

    return claims


def _make(*steps: tuple[str, str | None]) -> None:
    """Run some jobs, each for a month or for all months together."""
    from customs_assets.definitions import defs

    with dg.DagsterInstance.get() as instance:
        for job, month in steps:
            assert defs.resolve_job_def(job).execute_in_process(partition_key=month, instance=instance).success


def test_a_month_after_published_ones_costs_a_month_and_changes_no_published_byte(
    office: Office, monkeypatch: pytest.MonkeyPatch
):
    key = make_key(office.folder, "anna")
    signers = office.folder / "allowed_signers"
    signers.write_text(f"anna {key.with_suffix('.pub').read_text()}")
    monkeypatch.setenv("CUSTOMS_ALLOWED_SIGNERS", str(signers))
    office.attacked_deeply("2020-01", "2020-02")
    for arguments in (("sign-off", "--name", "anna", "--key", str(key)), ("publish", str(office.folder / "first"))):
        assert office.run(*arguments)[0] == 0
    first = {path.name: path.read_bytes() for path in (office.folder / "first").iterdir() if path.is_file()}
    before = {month: office.lake.read_frame("synthetic_declarations", month) for month in ("2020-01", "2020-02")}

    # However often it is made again, by whatever settings: the published month stays.
    monkeypatch.setenv("CUSTOMS_ROWS", "40")
    record = office.lake.record("synthetic_declarations", "2020-01")
    assert record is not None
    forget(office.lake, record)
    _make(("synthesis", "2020-01"))
    again = office.lake.record("synthetic_declarations", "2020-01")
    assert again is not None and again.sha256 == record.sha256
    # Attacks on later months will be measured on as many rows as these have; of the published ones nothing is out of date.
    assert office.run("status", "--months", MONTHS)[1][0] == "rehearsed_declarations: was built with another rows"
    assert office.released == {name: content for name, content in first.items() if name != "evidence.html"}

    monkeypatch.setattr(claims_module, "attack_claims", _with_a_predecessor(_sound))
    _make(("month", "2020-03"), ("shared", None), ("rehearsal", None))
    due = {node for node in out_of_date(office.lake, ["2020-01", "2020-02", "2020-03"]) if node[1].startswith("2020")}
    reports = ("quality_report", "privacy_report", "drift")
    assert due == {(asset, "2020-03") for asset in ("synthetic_declarations", *reports)}, "a month costs a month"
    _make(("synthesis", "2020-03"), ("candidate", None), ("attacks", None), ("release", None))

    second = office.released
    kept = [f"declarations-{month}.csv" for month in before]
    assert [second[name] for name in kept] == [first[name] for name in kept]
    later, earlier = (pd.read_csv(io.BytesIO(files["train.csv"]), dtype=str) for files in (second, first))
    pd.testing.assert_frame_equal(later.head(len(earlier)), earlier)
    new = later.iloc[len(earlier) :]
    assert len(new) == 40 and set(new["Date"].str[:7]) == {"2020-03"}
    assert set(new["Importer ID"]) & set(earlier["Importer ID"]), "who was published goes on trading"
    assert not set(new["Declaration ID"]) & set(earlier["Declaration ID"])
    tokens = pd.concat([*before.values(), office.lake.read_frame("synthetic_declarations", "2020-03")])
    released = pd.concat([earlier, new], ignore_index=True)
    pairs = pd.DataFrame({"old": tokens["importer_id"].to_numpy(), "new": released["Importer ID"].to_numpy()})
    assert (pairs.drop_duplicates().value_counts("old") == 1).all() and pairs.drop_duplicates()["new"].is_unique
    card = second["README.md"].decode()
    assert "byte for byte what was published: 2020-01 to 2020-02" in card and "as they were known on 2020-03-31" in card
    claims = office.lake.read_json("release_privacy")["claims"]
    [successive] = [claim for claim in claims if claim["key"] == "successive releases"]
    assert "came in" in successive["note"]

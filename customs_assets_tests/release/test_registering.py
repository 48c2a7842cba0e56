"""A source month is published under one draw: the register decides, whichever lake the release comes from."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from customs_assets.definitions import graph
from customs_assets.lake.frozen import Frozen, publication_folder
from customs_assets.published import PublishedError, Register, locked, source_name
from customs_assets.release.signatures import AllowedSigners
from customs_assets.settings import Settings
from customs_assets_tests.conftest import small_month
from customs_assets_tests.lakes import ReleasedLake, artifacts, out_of_date
from customs_assets_tests.release.signing_office import ANNA, MONTHS, Office

REASON = "the law was read wrongly, decision 7/2026"


class OtherDraw(ReleasedLake):
    """A lake whose synthetic months, and with them everything after them, came out otherwise."""

    def write(self, key: str, partition: str, content: str) -> tuple[str, str]:
        other = key in ("synthetic_declarations", "release_candidate", "synthetic_release")
        return super().write(key, partition, "other rows" if other else content)


def _settings() -> Settings:
    return Settings()  # pyright: ignore[reportCallIssue]


def _register(office: Office) -> Register:
    return Register.read(office.folder / "register")


def _in_another_lake(office: Office) -> None:
    """From now on the office works in another lake, under another secret."""
    office.patch.setenv("CUSTOMS_LAKE", str(office.folder / "second"))
    secret = office.folder / "second.secret"
    secret.write_bytes(b"another" * 4 + b"four")
    secret.chmod(0o600)
    office.patch.setenv("CUSTOMS_RELEASE_SECRET", str(secret))


def _sign_another_draw(office: Office) -> None:
    """Another lake has a release of the same months under another secret, and it is signed."""
    with office.patch.context() as patch:
        elsewhere = replace(office, patch=patch)
        _in_another_lake(elsewhere)
        OtherDraw(None, graph.with_on_demand(), MONTHS).build_everything()
        assert elsewhere.sign(ANNA)[0] == 0


def _publish_another_draw(office: Office) -> tuple[int, str]:
    _in_another_lake(office)
    return office.command("publish", str(office.folder / "twice"))


def test_publishing_notes_each_month_and_keeps_what_later_releases_need(office: Office):
    assert _register(office).months == ()
    office.published()
    register = _register(office)
    assert [entry.month for entry in register.months] == MONTHS
    entry = register.months[0]
    lake = office.lake
    record = lake.record("synthetic_declarations", MONTHS[0])
    assert record is not None
    assert (entry.rows, entry.draw) == (record.sha256, record.settings["release_secret"])
    assert (entry.source, entry.publication, entry.as_of) == (source_name(_settings()), 1, "2020-02-29")
    assert entry.account["min_group"] == "5" and entry.account["parts_under_k"] == 0.01
    folder = office.folder / "register"
    assert folder.stat().st_mode & 0o777 == 0o700
    modes = {path.name: path.stat().st_mode & 0o077 for path in folder.rglob("*")}
    assert modes and not any(modes.values()), modes
    kept = publication_folder(folder, 1)
    for asset in ("composed_identities", "disclosed_tuples", "rehearsed_declarations"):
        assert kept.read_bytes(f"{kept.root}/{asset}.parquet") == lake.read_bytes(lake.path(asset))
    secret = Path(_settings().release_secret).read_bytes()
    assert secret.hex() not in (folder / "register.json").read_text()
    assert all(secret not in path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_the_same_bytes_are_published_as_often_as_one_likes(office: Office):
    office.published()
    before = _register(office)
    status, said = office.command("publish", str(office.folder / "again"))
    assert status == 0 and "2 months were published before, with the same bytes" in said
    assert _register(office) == before


def test_another_draw_of_a_published_month_is_refused_from_any_lake_on_the_machine(office: Office):
    _sign_another_draw(office)
    office.published()
    before = artifacts(office.folder / "register")
    status, said = _publish_another_draw(office)
    assert status == 1
    assert "a source month is published under one draw: 2020-01 was published on " in said
    assert "under another draw (release " in said and "--redraw REASON" in said
    assert not (office.folder / "twice").exists()
    assert artifacts(office.folder / "register") == before


def test_the_same_declarations_at_another_address_are_the_same_source_month(office: Office):
    made = _settings().source
    moved = office.folder / "moved"
    shutil.copytree(made, moved)
    with office.patch.context() as patch:
        patch.setenv("CUSTOMS_SOURCE", str(moved))
        _sign_another_draw(replace(office, patch=patch))
    office.published()
    office.patch.setenv("CUSTOMS_SOURCE", str(moved))
    assert source_name(_settings()) not in {entry.source for entry in _register(office).months}
    status, said = _publish_another_draw(office)
    assert status == 1 and "a source month is published under one draw" in said


def test_a_redraw_with_a_reason_is_published_and_recorded(office: Office):
    office.published()
    office.patch.setenv("CUSTOMS_REDRAW", REASON)
    assert Frozen.of(_settings(), office.lake).months == {}, "published months are made anew"
    _sign_another_draw(office)
    status, said = _publish_another_draw(office)
    assert status == 0, said
    assert f"drawn anew: 2 months, for the reason: {REASON}; attacks have to count all draws together" in said
    register = _register(office)
    [redraw] = register.redraws
    assert (redraw.reason, redraw.number, redraw.publication) == (REASON, 1, 2)
    assert len(register.months) == 4 and register.draws_of(source_name(_settings())) == 2
    assert [entry.draw for entry in register.months][2].endswith(", redraw 1")
    frozen = Frozen.of(_settings(), office.lake)
    assert {entry.publication for entry in frozen.months.values()} == {2}, "what was drawn last stands"
    reason = out_of_date(office.lake, MONTHS)["synthetic_declarations", MONTHS[0]].reason
    assert reason == "is not the month as it was published", "the first lake has the first draw"


def test_a_redraw_without_a_reason_is_refused(office: Office):
    assert office.command("run", "--redraw", " ")[0] == 2


def test_a_published_month_is_not_out_of_date_and_another_draw_of_it_is(office: Office):
    office.published()
    office.patch.setenv("CUSTOMS_ROWS", "7")
    office.patch.setenv("CUSTOMS_EPOCHS", "8")
    assert {key for key, _ in out_of_date(office.lake, MONTHS)} == {"rehearsed_declarations"}
    OtherDraw(None, graph.with_on_demand(), MONTHS).build("synthetic_declarations", MONTHS[1])
    finding = out_of_date(office.lake, MONTHS)["synthetic_declarations", MONTHS[1]]
    assert finding.reason == "is not the month as it was published"


def test_a_change_of_a_published_month_in_the_source_waits_for_the_next_month(office: Office):
    office.published()
    source = office.folder / "amended"
    shutil.copytree(_settings().source, source)
    register = office.folder / "register" / "register.json"
    register.write_text(register.read_text().replace(str(_settings().source), str(source)))
    office.patch.setenv("CUSTOMS_SOURCE", str(source))
    shutil.rmtree(office.folder / "lake")
    ReleasedLake(None, graph, MONTHS).build_everything()
    content = json.loads(register.read_text())
    for entry in content["months"]:
        record = office.lake.record("raw_declarations", entry["month"])
        rows = office.lake.record("synthetic_declarations", entry["month"])
        assert record is not None and rows is not None
        entry |= {"raw": record.sha256, "rows": rows.sha256}
    register.write_text(json.dumps(content))
    assert out_of_date(office.lake, MONTHS) == {}
    small_month(MONTHS[0], rows=4).to_csv(source / f"declarations-{MONTHS[0]}.csv", index=False)
    assert out_of_date(office.lake, MONTHS) == {}
    said = office.command("status")[1]
    assert "The source of published months has changed since (2020-01). No published month is made again" in said
    small_month("2020-03", rows=3).to_csv(source / "declarations-2020-03.csv", index=False)
    later = out_of_date(office.lake, [*MONTHS, "2020-03"])
    assert later["raw_declarations", "2020-01"].reason == "was read before the source changed"
    assert ("synthetic_declarations", "2020-01") not in later and ("synthetic_declarations", "2020-03") in later


def test_nothing_is_registered_when_publishing_fails(office: Office, monkeypatch: pytest.MonkeyPatch):
    from customs_assets.release import publishing

    office.sign(ANNA)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(publishing.os, "rename", full)
    settings = _settings()
    with pytest.raises(OSError, match="No space left"):
        publishing.publish(
            office.lake, office.folder / "published", AllowedSigners.read(office.list_of_signers), settings
        )
    assert _register(office).months == ()
    assert not list((office.folder / "register").glob("publication-*"))


@pytest.mark.parametrize(
    ("content", "mode", "said"),
    [("{", 0o600, "is damaged; put it back from a backup"), ("{}", 0o644, "is readable by others; run: chmod 600")],
)
def test_a_register_that_cannot_be_trusted_is_told(office: Office, content: str, mode: int, said: str):
    office.sign(ANNA)
    folder = office.folder / "register"
    folder.mkdir(exist_ok=True)
    (folder / "register.json").write_text(content)
    (folder / "register.json").chmod(mode)
    with pytest.raises(PublishedError, match="register of published months"):
        Register.read(folder)
    status, output = office.publish()
    assert status == 1 and said in output
    assert not (office.folder / "published").exists()


def test_a_register_in_the_lake_is_refused(tmp_path: Path):
    with (
        pytest.raises(PublishedError, match="lies in the lake"),
        locked(tmp_path / "lake" / "p", str(tmp_path / "lake")),
    ):
        pass

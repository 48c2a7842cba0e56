"""Who signs what: a sign-off is of these bytes and claims, by a key that is allowed, or it does not count."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from customs_assets.claims import as_json
from customs_assets.lake import Lake
from customs_assets.privacy.goals import REQUIRED
from customs_assets.release.signing import count_signers
from customs_assets_tests.lakes import forget, sound_claim
from customs_assets_tests.release.signing_office import ANNA, BORIS, MALLORY, MONTHS, Office, make_key


def _record_of(office: Office) -> dict:
    return json.loads(office.records[-1].read_text(encoding="utf-8"))


def test_a_sign_off_says_who_signed_what_and_openssh_itself_finds_it_good(office: Office):
    status, said = office.sign(ANNA)
    assert status == 0, said
    [path] = office.records
    record = _record_of(office)
    assert (record["act"], record["signer"], record["namespace"]) == ("sign-off", ANNA, "customs-release")
    assert record["release"]["files"].keys() == {"train.csv", "README.md", "datapackage.json", "SHA256SUMS"}
    made = office.lake.record("synthetic_release")
    assert made is not None and record["release"]["checksum"] == made.sha256
    assert record["months"] == MONTHS
    assert {claim["key"] for claim in record["claims"]["privacy"]["claims"]} == set(REQUIRED)
    first = record["claims"]["privacy"]["claims"][0]
    assert (first["goal"], first["limit"], first["measured"], first["holds"]) == ("≤ 0.05", 0.15, 0.01, True)
    assert [claim["key"] for claim in record["claims"]["evidence"]["claims"]] == ["KSComplement"]
    assert record["settings"]["min_group"] == 5 and record["settings"]["law"] == "nomenclature"
    assert record["versions"]["assets"].keys() >= {"synthetic_declarations", "release_privacy", "synthetic_release"}
    assert list(record) == sorted(record), "keys have one order"
    command = ["ssh-keygen", "-Y", "verify", "-f", str(office.list_of_signers), "-I", ANNA, "-n", "customs-release"]
    with path.open("rb") as content:
        done = subprocess.run([*command, "-s", f"{path}.sig"], stdin=content, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert {p.stat().st_mode & 0o777 for p in path.parent.iterdir()} == {0o600}


def test_a_record_tells_no_secret_no_source_and_no_measure_that_is_not_rounded(office: Office):
    _measure(office, 0.0123456789)
    assert office.sign(ANNA, "--refuse", "not yet")[0] == 0
    text = office.records[0].read_text(encoding="utf-8")
    assert '"measured": 0.01,' in text and "0.012" not in text
    for name in ("CUSTOMS_SOURCE", "CUSTOMS_IDENTITY_KEY", "CUSTOMS_RELEASE_SECRET", "CUSTOMS_LAKE"):
        assert os.environ[name] not in text
    record = office.lake.record("release_candidate")
    assert record is not None and record.settings["release_secret"] not in text


def test_the_private_key_stays_where_it_is(office: Office):
    secret = office.key(ANNA).read_bytes()
    said = office.sign(ANNA)[1] + office.publish()[1]
    assert str(office.key(ANNA)) not in said
    for path in office.folder.rglob("*"):
        if path.is_file():
            assert secret not in path.read_bytes() and str(office.key(ANNA)).encode() not in path.read_bytes(), path


@pytest.mark.parametrize("kind", ["rsa", "ecdsa"])
def test_other_kinds_of_keys_sign_too(office: Office, tmp_path: Path, kind: str):
    key = make_key(tmp_path, kind, kind)
    office.allow(f"{ANNA} {key.with_suffix('.pub').read_text()}")
    assert office.command("sign-off", "--name", ANNA, "--key", str(key))[0] == 0
    assert office.publish()[0] == 0


def test_a_key_with_a_passphrase_is_opened_by_ssh_keygen(office: Office, tmp_path: Path):
    key = make_key(tmp_path, "locked", passphrase="opensesame")
    office.allow(f"{ANNA} {key.with_suffix('.pub').read_text()}")
    asking = tmp_path / "ask"
    for answer, status in (("wrong", 1), ("opensesame", 0)):
        asking.write_text(f"#!/bin/sh\necho {answer}\n")
        asking.chmod(0o700)
        office.patch.setenv("SSH_ASKPASS", str(asking))
        office.patch.setenv("SSH_ASKPASS_REQUIRE", "force")
        done, said = office.command("sign-off", "--name", ANNA, "--key", str(key))
        assert done == status, said
        assert "opensesame" not in said and len(office.records) == 1 - status


def test_a_key_in_the_agent_signs_by_its_public_half(office: Office, tmp_path: Path):
    socket = tmp_path / "agent"
    agent = subprocess.Popen(["ssh-agent", "-D", "-a", str(socket)], stdout=subprocess.DEVNULL)
    try:
        office.patch.setenv("SSH_AUTH_SOCK", str(socket))
        for _ in range(100):
            if subprocess.run(["ssh-add", "-q", office.key(ANNA)], capture_output=True, check=False).returncode == 0:
                break
        public = shutil.copy(office.key(ANNA).with_suffix(".pub"), tmp_path / "anna.pub")
        status, said = office.command("sign-off", "--name", ANNA, "--key", str(public))
        assert status == 0, said
    finally:
        agent.terminate()
        agent.wait()


@pytest.mark.parametrize("act", ["sign-off", "publish", "verify"])
def test_without_ssh_keygen_the_error_names_the_package(office: Office, act: str):
    folder = office.published()
    arguments = {"publish": ("publish", "elsewhere"), "verify": ("verify", str(folder))}
    office.patch.setenv("PATH", str(office.folder))
    status, said = office.sign(BORIS) if act == "sign-off" else office.command(*arguments[act])
    assert status == 1
    assert "openssh-client" in said


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("", "is no name of a signer"),
        ("-I", "is no name of a signer"),
        ("anna,boris", "is no name of a signer"),
        ("*", "is no name of a signer"),
        ("anna b", "is no name of a signer"),
        ("anna\x1b[2J", "is no name of a signer"),
    ],
)
def test_a_name_that_the_list_could_not_hold_is_refused(office: Office, name: str, said: str):
    status, output = office.sign(name, key=ANNA)
    assert status == 1 and said in output and "\x1b" not in output
    assert office.records == []


def test_a_key_that_is_not_there_or_not_in_the_list_records_nothing(office: Office):
    assert office.command("sign-off", "--name", ANNA, "--key", "nowhere")[0] == 1
    assert office.sign(ANNA, "--namespace", "git")[0] == 1
    for name, key in ((MALLORY, MALLORY), (ANNA, MALLORY), (ANNA, BORIS)):
        status, said = office.sign(name, key=key)
        assert status == 1
        assert f"does not have this key under the name {name}; nothing was recorded" in said
    assert not (office.folder / "lake" / "sign_offs").exists()


def _measure(office: Office, measured: float, lower_bound: float = 0.0) -> None:
    """Write other claims of privacy, with their record and verdicts, as if they had been measured so."""
    lake = office.lake
    record = lake.record("release_privacy")
    assert record is not None
    claims = [sound_claim(key, measured, lower_bound) for key in REQUIRED]
    again = replace(record, sha256=lake.write_json("release_privacy", {"claims": as_json(claims)}))
    lake.save_record(again)
    for check in again.checks:
        lake.save_verdict(again, check, passed=True)


def _convicted(office: Office) -> str:
    _measure(office, 0.9, 0.8)
    return "goes past its limit of 0.15 by more than chance"


def _not_made(office: Office) -> str:
    office.lake.withdraw("synthetic_release")
    return "there is no release: it could be let through, but the gate was not passed"


def _candidate_gone(office: Office) -> str:
    office.lake.withdraw("synthetic_release")
    office.lake.withdraw("release_candidate")
    return "there is no release: release_candidate is not made"


def _altered(office: Office) -> str:
    (office.release / "train.csv").write_text("a,b\n9,9\n")
    return "there is no release: synthetic_release is not what was made and judged"


def _marked_as_damaged(office: Office) -> str:
    (office.release / "extra.csv").write_text("a,b\n")
    office.lake.mark_damaged()
    return "there is no release: synthetic_release is not what was made and judged"


def _candidate_altered(office: Office) -> str:
    (office.folder / "lake" / "release_candidate" / "train.csv").write_text("a,b\n9,9\n")
    return ""  # What is released was let through, and stands.


def _not_judged(office: Office) -> str:
    for path in (office.folder / "lake" / ".records" / "synthetic_release").glob("*.verdict.json"):
        path.unlink()
    return "synthetic_release was not judged by its expectations"


def _setting_changed(office: Office) -> str:
    office.patch.setenv("CUSTOMS_MIN_GROUP", "7")
    return "out of date, so there is nothing to sign off: "


def _page_of_earlier_claims(office: Office) -> str:
    _rewritten(office, "release_evidence", b'{"claims": []}')
    return "evidence_report was built from another release_evidence"


def _evidence_altered(office: Office) -> str:
    path = office.folder / "lake" / "release_evidence.json"
    path.write_text(path.read_text().replace("0.995", "0.999"))
    return "release_evidence is not what was made and judged"


def _privacy_altered(office: Office) -> str:
    path = office.folder / "lake" / "release_privacy.json"
    path.write_text(path.read_text().replace("0.01", "0.02"))
    return "release_privacy is not what was made and judged"


def _rewritten(office: Office, asset: str, content: bytes) -> None:
    """Another artifact with a true record, as if it had been made again."""
    record = office.lake.record(asset)
    assert record is not None
    again = replace(record, sha256=office.lake.write_bytes(office.lake.path(asset, suffix="json"), content))
    office.lake.save_record(again)
    for check in again.checks:
        office.lake.save_verdict(again, check, passed=True)


@pytest.mark.parametrize(
    "spoilt",
    [
        _convicted,
        _not_made,
        _candidate_gone,
        _altered,
        _marked_as_damaged,
        _candidate_altered,
        _not_judged,
        _setting_changed,
        _page_of_earlier_claims,
        _evidence_altered,
        _privacy_altered,
    ],
)
def test_what_is_withheld_damaged_or_out_of_date_is_not_signed_off(office: Office, spoilt: Callable[[Office], str]):
    reason = spoilt(office)
    status, said = office.sign(ANNA)
    assert status == (1 if reason else 0), said
    assert reason in said
    assert len(office.records) == (0 if reason else 1)


def test_a_release_of_a_month_that_changed_at_the_source_is_not_signed_off(office: Office):
    path = Path(os.environ["CUSTOMS_SOURCE"], "declarations-2020-01.csv")
    before = path.read_bytes()
    try:
        path.write_bytes(b"\n".join(before.splitlines()[:-1]) + b"\n")
        status, said = office.sign(ANNA)
    finally:
        path.write_bytes(before)
    assert status == 1
    assert "raw_declarations 2020-01 was read before the source changed" in said


def test_without_a_page_of_evidence_a_release_is_not_signed_off_and_can_be_refused(office: Office):
    for asset, suffix in (("evidence_report", "parquet"), ("public_evidence", "html"), ("release_evidence", "json")):
        record = office.lake.record(asset)
        assert record is not None
        forget(office.lake, record)
        Path(office.lake.path(asset, suffix=suffix)).unlink()
    status, said = office.sign(ANNA)
    assert status == 1 and "is not made of it; `customs run` makes it" in said
    assert office.sign(ANNA, "--refuse", "no page was made")[0] == 0
    assert _record_of(office)["claims"]["evidence"] is None


def test_a_refusal_blocks_until_its_signer_withdraws_it(office: Office):
    assert office.sign(BORIS)[0] == 0
    assert office.sign(ANNA, "--refuse", "the page  shows\na wrong law")[0] == 0
    assert "refused by anna@customs.example" in office.command("status")[1]
    status, said = office.publish()
    assert status == 1
    assert "the release must not be published: anna@customs.example (" in said
    assert ") refused it: the page shows a wrong law" in said
    status, said = office.sign(ANNA)
    assert status == 1 and "withdraw that first" in said
    assert office.withdraw(BORIS, "another's refusal")[0] == 0
    assert office.publish()[0] == 1, "nobody withdraws what another signed"
    assert office.withdraw(ANNA, "the law is right")[0] == 0
    status, said = office.publish()
    assert status == 1 and "signed by 0 of 1 signers" in said
    assert "was withdrawn on " in said and ": another's refusal" in said
    assert office.sign(ANNA)[0] == 0
    assert office.publish()[0] == 0
    assert len(office.records) == 5, "nothing was deleted"


def test_a_refusal_without_a_reason_or_a_withdrawal_of_nothing_is_none(office: Office):
    for reason in ("", "  "):
        assert office.sign(ANNA, "--refuse", reason)[0] == 2
    assert office.withdraw(ANNA, "why not")[0] == 1
    assert office.sign(ANNA)[0] == 0
    assert office.withdraw(ANNA, " ")[0] == 1
    assert office.withdraw(ANNA, "x" * 2001)[0] == 1
    assert office.withdraw(ANNA, "\x1b[2J")[0] == 1
    assert office.withdraw(ANNA, "signed too early")[0] == 0
    assert office.withdraw(ANNA, "once more")[0] == 1, "there is nothing left"
    assert len(office.records) == 2


def test_a_refusal_can_be_signed_where_the_settings_have_changed_since(office: Office):
    office.patch.setenv("CUSTOMS_MIN_GROUP", "7")
    assert office.sign(ANNA, "--refuse", "k is being raised")[0] == 0


def test_a_withdrawal_by_another_key_under_the_same_name_lifts_nothing(office: Office):
    office.sign(ANNA, "--refuse", "no")
    office.forget_the_list()
    assert office.withdraw(ANNA, "yes", key=MALLORY)[0] == 0
    office.allow(office.line(ANNA), office.line(BORIS))
    assert office.sign(BORIS)[0] == 0
    status, said = office.publish()
    assert status == 1 and "refused it: no" in said
    assert office.withdraw(ANNA, "yes")[0] == 0, "the forged one does not stand in anna's way"
    assert office.publish()[0] == 0


def test_what_no_allowed_signer_refused_blocks_nothing(office: Office):
    office.forget_the_list()
    assert "nobody has looked whose key this is" in office.sign(MALLORY, "--refuse", "spite")[1]
    assert "names no list to check them by" in office.command("status")[1]
    assert "names no list" in office.publish()[1]
    office.allow(office.line(ANNA))
    assert office.sign(ANNA)[0] == 0
    assert office.publish()[0] == 0


def test_status_says_by_how_many_the_release_is_signed(office: Office):
    office.allow(office.line(ANNA), office.line(BORIS), needed=2)

    def line() -> str:
        return next(line for line in office.command("status")[1].splitlines() if line.startswith("signed: "))

    assert line() == "signed: by 0 of 2 signers"
    office.sign(ANNA)
    assert line() == f"signed: by 1 of 2 signers ({ANNA})"
    office.sign(BORIS)
    assert line() == f"signed: by 2 of 2 signers ({ANNA}, {BORIS})"
    office.withdraw(BORIS, "signed too early")
    assert line() == f"signed: by 1 of 2 signers ({ANNA})"
    office.lake.withdraw("synthetic_release")
    assert "signed: " not in office.command("status")[1]


@pytest.mark.parametrize("kept", ["in the lake", "nowhere", "a folder", "no text"])
def test_a_list_of_signers_that_cannot_be_trusted_or_read_is_an_error(office: Office, kept: str):
    path = office.folder / ("lake/allowed_signers" if kept == "in the lake" else "kept")
    if kept == "in the lake":
        shutil.copy(office.list_of_signers, path)
    elif kept == "a folder":
        path.mkdir()
    elif kept == "no text":
        path.write_bytes(b"\xff\xfe")
    office.patch.setenv("CUSTOMS_ALLOWED_SIGNERS", str(path))
    status, said = office.sign(ANNA)
    assert status == 1
    assert "the list of allowed signers" in said
    assert office.records == []


@pytest.mark.parametrize("needed", ["0", "-1", "many"])
def test_at_least_one_has_to_sign(office: Office, needed: str):
    office.patch.setenv("CUSTOMS_SIGNERS", needed)
    status, said = office.publish()
    assert status == 2 and "CUSTOMS_SIGNERS" in said


@pytest.mark.parametrize(
    ("signed", "people"),
    [
        ([], 0),
        ([("anna", "1"), ("anna", "1")], 1),
        ([("anna", "1"), ("twin", "1")], 1),
        ([("anna", "1"), ("anna", "2")], 1),
        ([("anna", "1"), ("boris", "2")], 2),
        ([("anna", "1"), ("boris", "2"), ("anna", "2")], 1),
    ],
)
def test_whoever_shares_a_name_or_a_key_is_one_signer(signed: list[tuple[str, str]], people: int):
    assert count_signers(signed) == people


def test_a_signature_is_in_the_lake_before_its_record(office: Office, monkeypatch: pytest.MonkeyPatch):
    """A crash in between leaves a signature of nothing, which says nothing."""
    write = Lake.write_bytes

    def fails_at_the_record(lake: Lake, path: str, content: bytes) -> str:
        if path.endswith(".json"):
            raise OSError(28, "No space left on device")
        return write(lake, path, content)

    monkeypatch.setattr(Lake, "write_bytes", fails_at_the_record)
    with pytest.raises(AssertionError, match="No space left"):
        office.sign(ANNA)
    monkeypatch.undo()
    assert [path.suffix for path in (office.folder / "lake" / "sign_offs").iterdir()] == [".sig"]

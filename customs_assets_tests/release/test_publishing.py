"""What leaves the office was released and signed; whoever gets it can tell if a byte of it is another."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from customs_assets.release import publishing
from customs_assets.release.signatures import AllowedSigners
from customs_assets.settings import Settings
from customs_assets_tests.lakes import small_release
from customs_assets_tests.release.signing_office import ANNA, BORIS, MALLORY, MONTHS, Office, signature_of

NOT_ITS_SIGNATURE = "is not what its signature is of"


def _files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_release_and_the_signatures_that_count_are_published_and_nothing_else(office: Office):
    office.allow(office.line(ANNA, options='namespaces="customs-release"'), office.line(f'"x,{BORIS}"', key=BORIS))
    office.forget_the_list()
    office.sign(MALLORY)
    office.allow(office.line(ANNA, options='namespaces="customs-release"'), office.line(f'"x,{BORIS}"', key=BORIS))
    office.sign(BORIS, "--refuse", "not yet")
    office.withdraw(BORIS, "now")
    published = office.published()
    found = _files(published)
    [record] = [path for path in office.records if json.loads(path.read_text())["signer"] == ANNA]
    assert found.keys() == {
        *small_release(),
        "evidence.html",
        f"signatures/{record.name}",
        f"signatures/{record.name}.sig",
        "signatures/allowed_signers",
    }
    assert {name: found[name] for name in small_release()} == small_release()
    assert found["evidence.html"] == Path(office.lake.path("public_evidence", suffix="html")).read_bytes()
    assert found[f"signatures/{record.name}"] == record.read_bytes()
    public = " ".join(office.key(ANNA).with_suffix(".pub").read_text().split()[:2])
    assert found["signatures/allowed_signers"].decode() == f'{ANNA} namespaces="customs-release" {public}\n'
    assert not list(office.folder.glob(".published*"))


def test_a_reader_checks_a_published_folder_without_lake_and_settings(office: Office):
    published = shutil.move(office.published(), office.folder / "received")
    trusted = shutil.move(office.list_of_signers, office.folder / "trusted")
    shutil.rmtree(office.folder / "lake")
    for name in [name for name in os.environ if name.startswith("CUSTOMS_")]:
        office.patch.delenv(name)
    office.patch.setenv("CUSTOMS_SIGNERS", "no number")
    status, said = office.command("verify", str(published), "--signers", str(trusted))
    assert status == 0, said
    assert "whole: the 5 files" in said and f"signed by {ANNA} on " in said
    assert "who signed is not shown" not in said
    status, said = office.command("verify", str(published))
    assert status == 0, said
    assert "who signed is not shown: the list of signers came with the folder" in said


# The deep attacks: publishing asks for them.


def _no_deep_attacks(office: Office) -> str:
    Path(office.lake.path("deep_attacks", suffix="json")).unlink()
    return "the deep attacks were not made yet; run `customs deep-attacks`"


def _deep_attacks_past_their_limit(office: Office) -> str:
    _other_claims(office, "deep_attacks", '"lower_bound": 0.0', '"lower_bound": 0.2')
    return "deep_membership goes past its limit of 0.15 by more than chance"


def _deep_attacks_on_other_rows(office: Office) -> str:
    lake, place = office.lake, f"synthetic_declarations|{MONTHS[0]}"
    record = lake.record("deep_attacks")
    assert record is not None and place in record.inputs
    lake.save_record(replace(record, inputs={**record.inputs, place: "0" * 64}))
    return "the deep attacks were made for other synthetic rows than those of release_candidate; run `customs deep-attacks`"


def _shadows_of_another_k(office: Office) -> str:
    record = office.lake.record("shadow_scores", "07")
    assert record is not None
    office.lake.save_record(replace(record, settings={**record.settings, "min_group": "2"}))
    return "the shadows were made with another min_group than the release"


def _another_shadow(office: Office) -> str:
    record = office.lake.record("shadow_scores", "07")
    assert record is not None
    office.lake.save_record(replace(record, sha256="0" * 64))
    return "the shadows in the lake are not those of the deep attacks"


def _deep_attacks_by_hand(office: Office) -> str:
    path = Path(office.lake.path("deep_attacks", suffix="json"))
    path.write_text(path.read_text().replace('"measured": 0.01', '"measured": 0.0'))
    return "deep_attacks is not what was made and judged"


@pytest.mark.parametrize(
    "change",
    [
        _no_deep_attacks,
        _deep_attacks_past_their_limit,
        _deep_attacks_on_other_rows,
        _shadows_of_another_k,
        _another_shadow,
        _deep_attacks_by_hand,
    ],
    ids=lambda change: change.__name__.strip("_"),
)
def test_nothing_is_published_without_deep_attacks_on_its_rows_that_let_it(
    office: Office, change: Callable[[Office], str]
):
    said = change(office)
    status, told = office.sign(ANNA)
    assert status == 0, told
    assert ("will not count once they are made" in told) == (change is not _deep_attacks_past_their_limit)
    status, told = office.publish()
    assert status == 1 and "the release must not be published: " in told and said in told, told
    assert not (office.folder / "published").exists()


def test_a_sign_off_is_of_the_deep_attacks_that_stand(office: Office):
    office.sign(ANNA)
    content = json.loads(office.records[0].read_text())["claims"]["deep_attacks"]
    assert [claim["key"] for claim in content["claims"]] == ["deep_membership", "deep_membership_tpr"]
    _other_claims(office, "deep_attacks", '"measured": 0.01', '"measured": 0.02')
    status, said = office.publish()
    assert status == 1 and "is of other claims than those that stand now" in said


# Attacks on the lake: publishing refuses.


def _alter_a_byte(office: Office) -> str:
    path = office.release / "train.csv"
    path.write_bytes(path.read_bytes().replace(b"1", b"2"))
    return "there is no release: synthetic_release is not what was made and judged"


def _as_if_made_so(office: Office, files: dict[str, bytes]) -> None:
    """Other files under a candidate and a release with true records and verdicts, as if they had been made and let through."""
    lake = office.lake
    sha256 = ""
    for asset in ("release_candidate", "synthetic_release", "evidence_report", "public_evidence"):
        record = lake.record(asset)
        assert record is not None
        path = f"{lake.root}/{record.path}"
        is_page = asset in ("evidence_report", "public_evidence")
        checksum = lake.write_bytes(path, b"page") if is_page else lake.write_folder(asset, files)
        sha256 = sha256 or checksum
        inputs = {name: sha256 if name == "release_candidate|" else of for name, of in record.inputs.items()}
        again = replace(record, sha256=checksum, inputs=inputs)
        lake.save_record(again)
        for check in again.checks:
            lake.save_verdict(again, check, passed=True)


def _replay(office: Office) -> str:
    _as_if_made_so(office, small_release("other"))
    return "is of other files than those that are released now"


def _replay_renamed(office: Office) -> str:
    files = small_release()
    _as_if_made_so(office, {**files, "README.md": files["datapackage.json"], "datapackage.json": files["README.md"]})
    return "is of other files than those that are released now"


def _other_claims(office: Office, asset: str, before: str, after: str) -> None:
    lake = office.lake
    record = lake.record(asset)
    assert record is not None
    path = lake.path(asset, suffix="json")
    content = lake.read_bytes(path).decode()
    assert before in content
    again = replace(record, sha256=lake.write_bytes(path, content.replace(before, after, 1).encode()))
    lake.save_record(again)
    for check in again.checks:
        lake.save_verdict(again, check, passed=True)


def _claim_of_privacy(office: Office) -> str:
    _other_claims(office, "release_privacy", '"measured": 0.01', '"measured": 0.02')
    return "is of other claims than those that stand now"


def _claim_in_the_fifth_decimal(office: Office) -> str:
    _other_claims(office, "release_privacy", '"measured": 0.01', '"measured": 0.01000001')
    return "is of other claims than those that stand now"


def _claim_of_the_evidence(office: Office) -> str:
    _other_claims(office, "release_evidence", "0.995", "0.991")
    return "is of other claims than those that stand now"


def _evidence_taken_away(office: Office) -> str:
    Path(office.lake.path("release_evidence", suffix="json")).unlink()
    return "is of other claims than those that stand now"


def _rewrite_the_page(office: Office, content: bytes) -> None:
    """Write other bytes as the page for the public."""
    Path(office.lake.path("public_evidence", suffix="html")).write_bytes(content)


def _page_altered(office: Office) -> str:
    _rewrite_the_page(office, b"<p>all is well</p>")
    return "public_evidence is not what was made and judged"


def _another_page(office: Office) -> str:
    _rewrite_the_page(office, b"<p>all is well</p>")
    record = office.lake.record("public_evidence")
    assert record is not None
    sha256 = hashlib.sha256(b"<p>all is well</p>").hexdigest()
    office.lake.save_record(replace(record, sha256=sha256))
    return "is of another evidence.html than the one that stands now"


def _page_of_other_measures(office: Office) -> str:
    record = office.lake.record("public_evidence")
    assert record is not None
    office.lake.save_record(replace(record, inputs={**record.inputs, "release_privacy|": "0" * 64}))
    return "is of another evidence.html than the one that stands now"


def _alter_the_record(office: Office) -> str:
    path = office.records[0]
    path.write_bytes(path.read_bytes().replace(b'"min_group": 5', b'"min_group": 9'))
    return NOT_ITS_SIGNATURE


def _alter_the_signature(office: Office) -> str:
    path = office.records[0].with_suffix(".json.sig")
    lines = path.read_text().splitlines()
    lines[-2] = lines[-2][:5] + ("A" if lines[-2][5] != "A" else "B") + lines[-2][6:]
    path.write_text("\n".join(lines) + "\n")
    return NOT_ITS_SIGNATURE


def _take_the_signature_away(office: Office) -> str:
    office.records[0].with_suffix(".json.sig").unlink()
    return "has no signature"


def _swap_signatures(office: Office) -> str:
    office.sign(BORIS)
    first, second = (path.with_suffix(".json.sig") for path in office.records)
    contents = first.read_bytes(), second.read_bytes()
    second.write_bytes(contents[0])
    first.write_bytes(contents[1])
    return NOT_ITS_SIGNATURE


def _break_a_refusal(office: Office) -> str:
    """A refusal of which a byte is changed is no refusal any more, and no reason to publish either."""
    office.sign(BORIS, "--refuse", "no")
    [path] = [path for path in office.records if "refusal" in path.name]
    path.write_bytes(path.read_bytes().replace(b'"reason": "no"', b'"reason": "ok"'))
    return f"{path.name} {NOT_ITS_SIGNATURE}"


def _no_json(office: Office) -> str:
    office.records[0].write_bytes(b"{")
    return "is no JSON that a sign-off is written in"


def _forge(office: Office, content: bytes, key: str, namespace: str = "customs-release") -> None:
    """A record in the lake instead of anna's, signed by somebody's key, whatever the project would say to it."""
    path = office.records[0]
    path.write_bytes(content)
    path.with_suffix(".json.sig").write_bytes(signature_of(content, office.key(key), namespace))


def _signed_by_mallory(office: Office) -> str:
    _forge(office, office.records[0].read_bytes(), MALLORY)
    return f"the sign-off of {ANNA} ("


def _signed_by_boris_as_anna(office: Office) -> str:
    _forge(office, office.records[0].read_bytes(), BORIS)
    return "is signed by a key that the list of allowed signers does not have under that name now"


def _signed_for_something_else(office: Office) -> str:
    _forge(office, office.records[0].read_bytes(), ANNA, "git")
    return NOT_ITS_SIGNATURE


def _signed_for_git(office: Office) -> str:
    content = office.records[0].read_bytes().replace(b'"namespace": "customs-release"', b'"namespace": "git"')
    _forge(office, content, ANNA, "git")
    return "has not what a sign-off has"


def _no_longer_allowed(office: Office) -> str:
    office.allow(office.line(BORIS))
    return "is signed by a key that the list of allowed signers does not have under that name now"


def _allowed_until_yesterday(office: Office) -> str:
    office.allow(office.line(ANNA, options='valid-before="20200101"'))
    return "is signed by a key that the list of allowed signers does not have under that name now"


def _the_same_signer_twice(office: Office) -> str:
    office.allow(office.line(ANNA), office.line(BORIS), needed=2)
    office.sign(ANNA)
    return "the release is signed by 1 of 2 signers"


def _the_same_key_under_two_names(office: Office) -> str:
    office.allow(office.line(ANNA), office.line("twin@customs.example", key=ANNA), needed=2)
    assert office.sign("twin@customs.example", key=ANNA)[0] == 0
    return "the release is signed by 1 of 2 signers"


def _two_keys_under_one_name(office: Office) -> str:
    office.allow(office.line(ANNA), office.line(ANNA, key=BORIS), needed=2)
    assert office.sign(ANNA, key=BORIS)[0] == 0
    return "the release is signed by 1 of 2 signers"


def _copied_under_another_file_name(office: Office) -> str:
    office.allow(office.line(ANNA), office.line(BORIS), needed=2)
    for suffix in (".json", ".json.sig"):
        shutil.copy(office.records[0].with_suffix(suffix), office.records[0].with_name(f"20990101T000000Z{suffix}"))
    return "the release is signed by 1 of 2 signers"


def _taken_away(office: Office) -> str:
    shutil.rmtree(office.folder / "lake" / "sign_offs")
    return "the release is signed by 0 of 1 signers"


@pytest.mark.parametrize(
    "attack",
    [
        _alter_a_byte,
        _replay,
        _replay_renamed,
        _claim_of_privacy,
        _claim_in_the_fifth_decimal,
        _claim_of_the_evidence,
        _evidence_taken_away,
        _page_altered,
        _another_page,
        _page_of_other_measures,
        _alter_the_record,
        _alter_the_signature,
        _take_the_signature_away,
        _swap_signatures,
        _break_a_refusal,
        _no_json,
        _signed_by_mallory,
        _signed_by_boris_as_anna,
        _signed_for_something_else,
        _signed_for_git,
        _no_longer_allowed,
        _allowed_until_yesterday,
        _the_same_signer_twice,
        _the_same_key_under_two_names,
        _two_keys_under_one_name,
        _copied_under_another_file_name,
        _taken_away,
    ],
)
def test_publishing_refuses_what_was_tampered_with_and_says_why(office: Office, attack: Callable[[Office], str]):
    assert office.sign(ANNA)[0] == 0
    reason = attack(office)
    status, said = office.publish()
    assert status == 1
    assert reason in said, said
    assert not (office.folder / "published").exists()
    assert not list(office.folder.glob(".published*"))


def test_two_signers_are_enough_where_two_are_needed(office: Office):
    office.allow(office.line(ANNA), office.line(BORIS), needed=2)
    office.sign(BORIS, "--namespace", "customs-release@customs.example")
    published = office.published()
    status, said = office.command("verify", str(published), "--signers", str(office.list_of_signers))
    assert status == 0
    assert f"signed by {ANNA}" in said and f"signed by {BORIS}" in said


# The folder that is published to.


@pytest.mark.parametrize(
    ("made", "said"),
    [
        ("full", "is not empty"),
        ("file", "is a file"),
        ("link", "is a link"),
        ("nowhere/deep", "there is no folder"),
        ("lake/published", "lies in the lake"),
        ("lake", "is not empty"),
    ],
)
def test_a_folder_that_is_taken_or_out_of_place_is_refused(office: Office, made: str, said: str):
    (office.folder / "full").mkdir()
    (office.folder / "full" / "x").touch()
    (office.folder / "file").touch()
    (office.folder / "empty").mkdir()
    (office.folder / "link").symlink_to(office.folder / "empty")
    office.sign(ANNA)
    before = sorted(office.folder.rglob("*"))
    status, output = office.command("publish", made)
    assert status == 1 and said in output
    assert sorted(office.folder.rglob("*")) == before
    assert office.command("publish", "empty")[0] == 0


def _publish(office: Office) -> None:
    settings = Settings()  # pyright: ignore[reportCallIssue]
    publishing.publish(office.lake, office.folder / "published", AllowedSigners.read(office.list_of_signers), settings)


def test_a_killed_publication_leaves_no_folder_and_the_next_one_sweeps_what_it_left(office: Office):
    office.sign(ANNA)
    child = os.fork()
    if child == 0:
        os.rename = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
        _publish(office)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    assert not (office.folder / "published").exists()
    assert len(list(office.folder.glob(".published.*.tmp"))) == 1
    assert office.publish()[0] == 0
    assert not list(office.folder.glob(".published.*"))


def test_a_full_disk_leaves_nothing(office: Office, monkeypatch: pytest.MonkeyPatch):
    office.sign(ANNA)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(publishing.os, "rename", full)
    with pytest.raises(OSError, match="No space left"):
        _publish(office)
    assert not list(office.folder.glob("*published*"))


def test_a_release_whose_own_checksums_are_wrong_is_not_published(office: Office):
    _as_if_made_so(office, {**small_release(), "SHA256SUMS": b"0" * 64 + b"  train.csv\n"})
    office.sign(ANNA)
    status, said = office.publish()
    assert status == 1
    assert "the release cannot be published as it is: README.md is not in SHA256SUMS" in said


# Attacks on the published folder: its reader is told.


def _record(folder: Path) -> Path:
    [path] = (folder / "signatures").glob("*.json")
    return path


def _line(name: str, content: bytes) -> str:
    return f"{hashlib.sha256(content).hexdigest()}  {name}\n"


def _file_altered(folder: Path) -> str:
    (folder / "train.csv").write_text("a,b\n6,6\n")
    return "train.csv is not what SHA256SUMS says"


def _file_and_sums_altered(folder: Path) -> str:
    sums = (folder / "SHA256SUMS").read_text().splitlines(keepends=True)
    content = b"a,b\n6,6\n"
    (folder / "train.csv").write_bytes(content)
    (folder / "SHA256SUMS").write_text("".join([*sums[:-1], _line("train.csv", content)]))
    return "is a sign-off of other files"


def _file_missing(folder: Path) -> str:
    (folder / "README.md").unlink()
    return "README.md is missing"


def _page_of_another_hand(folder: Path) -> str:
    (folder / "evidence.html").write_text("<p>all is well</p>")
    return "is a sign-off of another evidence.html"


def _page_missing(folder: Path) -> str:
    (folder / "evidence.html").unlink()
    return "is a sign-off of another evidence.html"


def _page_in_the_sums(folder: Path) -> str:
    content = b"<p>all is well</p>"
    (folder / "evidence.html").write_bytes(content)
    with (folder / "SHA256SUMS").open("a") as sums:
        sums.write(_line("evidence.html", content))
    return "evidence.html is missing"


def _sums_missing(folder: Path) -> str:
    (folder / "SHA256SUMS").unlink()
    return "SHA256SUMS is missing"


def _file_extra(folder: Path) -> str:
    (folder / ".hidden\x1b[2J").write_text("x")
    return "'.hidden\\x1b[2J' is not in SHA256SUMS"


def _folder_extra(folder: Path) -> str:
    (folder / "more").mkdir()
    return "more is no plain file"


def _fifo(folder: Path) -> str:
    (folder / "train.csv").unlink()
    os.mkfifo(folder / "train.csv")
    return "train.csv is no plain file"


def _link_to_the_same_bytes(folder: Path) -> str:
    (folder / "train.csv").rename(folder.parent / "elsewhere.csv")
    (folder / "train.csv").symlink_to(folder.parent / "elsewhere.csv")
    return "train.csv is a link"


def _signatures_linked(folder: Path) -> str:
    (folder / "signatures").rename(folder.parent / "elsewhere")
    (folder / "signatures").symlink_to(folder.parent / "elsewhere")
    return "signatures is a link"


def _traversal(folder: Path) -> str:
    with (folder / "SHA256SUMS").open("a") as stream:
        stream.write(_line("../../etc/passwd", b"x"))
    return "SHA256SUMS: line 4 is no checksum of a file of this folder"


def _sums_of_no_form(folder: Path) -> str:
    (folder / "SHA256SUMS").write_bytes(b"\xff\x00\x1b[2J\n" * 10)
    return "SHA256SUMS: line 1 is no checksum"


def _sums_too_large(folder: Path) -> str:
    (folder / "SHA256SUMS").write_bytes(b"0" * ((1 << 20) + 1))
    return "SHA256SUMS cannot be read: it has more than 1,048,576 bytes"


def _no_signatures(folder: Path) -> str:
    shutil.rmtree(folder / "signatures")
    return "there is no good signature"


def _signature_missing(folder: Path) -> str:
    _record(folder).with_suffix(".json.sig").unlink()
    return "has no signature"


def _record_missing(folder: Path) -> str:
    _record(folder).unlink()
    return "belongs to no sign-off"


def _list_missing(folder: Path) -> str:
    (folder / "signatures" / "allowed_signers").unlink()
    return "signatures/allowed_signers is missing"


def _something_among_the_signatures(folder: Path) -> str:
    (folder / "signatures" / "note.txt").write_text("x")
    return "signatures/note.txt belongs to no sign-off"


def _record_altered(folder: Path) -> str:
    path = _record(folder)
    path.write_bytes(path.read_bytes().replace(b'"holds": true', b'"holds": null', 1))
    return NOT_ITS_SIGNATURE


def _record_too_large(folder: Path) -> str:
    _record(folder).write_bytes(b" " * ((4 << 20) + 1))
    return "cannot be read: it has more than 4,194,304 bytes"


def _signature_too_large(folder: Path) -> str:
    _record(folder).with_suffix(".json.sig").write_bytes(b" " * ((1 << 16) + 1))
    return "cannot be read: it has more than 65,536 bytes"


def _list_too_large(folder: Path) -> str:
    (folder / "signatures" / "allowed_signers").write_bytes(b"#" * ((1 << 20) + 1))
    return "it has more than 1,048,576 bytes"


def _no_text(folder: Path) -> str:
    _record(folder).write_bytes(b"\xff\xfe")
    return "is no JSON that a sign-off is written in"


def _deep(folder: Path) -> str:
    _record(folder).write_bytes(b"[" * 1_000_000)
    return "is no JSON that a sign-off is written in"


def _a_key_twice(folder: Path) -> str:
    path = _record(folder)
    path.write_bytes(path.read_bytes().replace(b'"act": "sign-off",', b'"act": "refusal", "act": "sign-off",'))
    return "is no JSON that a sign-off is written in"


def _a_list(folder: Path) -> str:
    _record(folder).write_bytes(b"[]")
    return "is no record of the form"


def _other_types(folder: Path) -> str:
    content = json.loads(_record(folder).read_bytes())
    _record(folder).write_text(json.dumps({**content, "release": [1], "signer": {"a": 1}}))
    return "has not what a sign-off has"


def _other_release(folder: Path) -> str:
    content = json.loads(_record(folder).read_bytes())
    _record(folder).write_text(json.dumps({**content, "release": {"files": {"../x": "0" * 64}, "checksum": 5}}))
    return "has not the checksum of its files"


def _files_of_no_form(folder: Path) -> str:
    content = json.loads(_record(folder).read_bytes())
    _record(folder).write_text(json.dumps({**content, "release": {"files": ["x"]}}))
    return "has no checksums of files"


def _thousands(folder: Path) -> str:
    for number in range(1001):
        (folder / "signatures" / f"{number}").touch()
    return "signatures/ has more than 1000 files"


ATTACKS_ON_A_FOLDER = [
    _file_altered,
    _file_and_sums_altered,
    _file_missing,
    _page_of_another_hand,
    _page_missing,
    _page_in_the_sums,
    _sums_missing,
    _file_extra,
    _folder_extra,
    _fifo,
    _link_to_the_same_bytes,
    _signatures_linked,
    _traversal,
    _sums_of_no_form,
    _sums_too_large,
    _no_signatures,
    _signature_missing,
    _record_missing,
    _list_missing,
    _something_among_the_signatures,
    _record_altered,
    _record_too_large,
    _signature_too_large,
    _list_too_large,
    _no_text,
    _deep,
    _a_key_twice,
    _a_list,
    _other_types,
    _other_release,
    _files_of_no_form,
    _thousands,
]


@pytest.mark.parametrize("attack", ATTACKS_ON_A_FOLDER)
def test_a_reader_is_told_what_is_wrong_with_a_folder(office: Office, attack: Callable[[Path], str]):
    published = office.published()
    reason = attack(published)
    for arguments in ([], ["--signers", str(office.list_of_signers)]):
        status, said = office.command("verify", str(published), *arguments)
        assert status == 1
        assert reason in said, said
        assert "\x1b" not in said
        assert "whole: " not in said and "signed by" not in said.replace("is signed by", "")


def test_whoever_signs_a_changed_folder_with_a_key_of_their_own_deceives_only_who_has_no_list(office: Office):
    published = office.published()
    _file_and_sums_altered(published)
    record, files = _record(published), _files(published)
    content = json.loads(record.read_bytes())
    sums = {name: hashlib.sha256(files[name]).hexdigest() for name in small_release()}
    listing = "".join(f"{sums[name]}  {name}\n" for name in sorted(sums))
    content["release"] = {"files": sums, "checksum": hashlib.sha256(listing.encode()).hexdigest()}
    forged = json.dumps(content).encode()
    record.write_bytes(forged)
    record.with_suffix(".json.sig").write_bytes(signature_of(forged, office.key(MALLORY)))
    status, said = office.command("verify", str(published))
    assert status == 1 and "the list in the folder does not have" in said
    (published / "signatures" / "allowed_signers").write_text(office.line(ANNA, key=MALLORY))
    status, said = office.command("verify", str(published))
    assert status == 0 and "who signed is not shown" in said
    status, said = office.command("verify", str(published), "--signers", str(office.list_of_signers))
    assert status == 1
    assert "is signed by a key that the list of signers that you trust does not have under the name it gives" in said


def test_a_refusal_among_the_signatures_is_no_sign_off(office: Office):
    published = office.published()
    office.sign(BORIS, "--refuse", "no")
    [refusal] = [path for path in office.records if "refusal" in path.name]
    for suffix in (".json", ".json.sig"):
        shutil.copy(refusal.with_suffix(suffix), published / "signatures")
    status, said = office.command("verify", str(published), "--signers", str(office.list_of_signers))
    assert status == 1 and "is a refusal, not a sign-off" in said


def test_a_sign_off_of_another_release_proves_nothing_of_this_one(office: Office):
    published = office.published()
    earlier = _files(published / "signatures")
    _as_if_made_so(office, small_release("other"))
    assert office.sign(BORIS)[0] == 0
    assert office.command("publish", "second")[0] == 0
    for name, content in earlier.items():
        (office.folder / "second" / "signatures" / name).write_bytes(content)
    status, said = office.command("verify", "second", "--signers", str(office.list_of_signers))
    assert status == 1 and "is a sign-off of other files" in said


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["nowhere"], 1, "nowhere is no folder"),
        (["allowed_signers"], 1, "allowed_signers is no folder"),
        (["lake/synthetic_release"], 1, "there is no good signature"),
        (["lake"], 1, "there is no good signature"),
        (["--signers", "allowed_signers"], 2, "--signers goes with a published folder"),
        (["published", "--signers", "nowhere"], 1, "the list of allowed signers nowhere cannot be read"),
    ],
)
def test_verify_says_what_it_cannot_verify(office: Office, arguments: list[str], status: int, said: str):
    office.published()
    done, output = office.command("verify", *arguments)
    assert (done, said in output) == (status, True), output


def test_verify_without_a_folder_is_of_the_lake(office: Office):
    office.sign(ANNA)
    status, said = office.command("verify")
    assert (status, said.split(" in ")[0]) == (0, "every artifact")

"""Publishing: a released and signed release is copied to a folder of its own, and whoever gets the folder can check it.

A published folder has the files of the release, the evidence page in its outside form, and in ``signatures/`` each sign-off that
counts, its signature, and the line of the list of allowed signers that it counts by. What belongs here writes such a folder, and
examines one. An examination needs neither the lake nor the settings, and trusts nothing that the folder holds.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from customs_assets.lake import Lake
from customs_assets.lake.files import is_orphan, settle, temporary_name
from customs_assets.privacy.gate import set_aside
from customs_assets.privacy.shadows.standing import reasons_to_hold_back
from customs_assets.release.files import CHECKSUMS
from customs_assets.release.registering import Registration, registered
from customs_assets.release.signatures import (
    LARGEST_LIST,
    LARGEST_SIGNATURE,
    AllowedSigners,
    SignatureError,
    is_of,
    read_small_file,
)
from customs_assets.release.signed_records import LARGEST_RECORD, PAGE, SignedRecord, SigningError, read_record
from customs_assets.release.signing import SignOffs, count_signers, sign_offs, standing_release
from customs_assets.settings import Settings

SIGNATURES = "signatures"
ALLOWED_SIGNERS = "allowed_signers"

# A release has a dozen files. Whoever sends thousands sends something else.
_MOST_ENTRIES = 1000

# Why earlier sign-offs do not count interests nobody after some releases.
_MOST_REASONS = 5

_BLOCK_BYTES = 1 << 20
_SUM_LINE = re.compile(r"([0-9a-f]{64})  ([^/\\\x00-\x1f\x7f]+)")


@dataclass(frozen=True)
class Signature:
    """One good signature of a published folder.

    Attributes:
        signer: name, as in the list that it was checked by.
        key: fingerprint of the key.
        signed_at: when, by the signer's clock.
    """

    signer: str
    key: str
    signed_at: str


@dataclass(frozen=True)
class Examination:
    """What was found in a published folder.

    Attributes:
        problems: what is wrong, a sentence each; empty where the folder is whole and signed.
        signatures: the good signatures.
        files: how many files have the checksum that was signed.
    """

    problems: tuple[str, ...]
    signatures: tuple[Signature, ...]
    files: int

    @property
    def signers(self) -> int:
        """How many people signed; whoever shares a name or a key is one."""
        return count_signers([(found.signer, found.key) for found in self.signatures])


def publish(
    lake: Lake, destination: Path, allowed: AllowedSigners, settings: Settings
) -> tuple[SignOffs, Registration]:
    """Copy the release that stands to a folder, with the sign-offs that count, and register its months.

    The folder gets its name when all of it is written and was examined as its readers will.

    Args:
        lake: the lake.
        destination: the folder: one that does not exist, or is empty, in a folder that exists.
        allowed: who may sign.
        settings: how many have to have signed; the register of published months, and the source.

    Returns:
        What was signed, and what the register has more.

    Raises:
        SigningError: there is no release, it is refused, too few signed it, the deep attacks are missing, of other rows, or speak
            against it, a month was published under another draw, or the folder is of no use.
        SignatureError: ssh-keygen is not installed.
        PublishedError: the register cannot be used.
        OSError: the folder cannot be written; nothing is left of it.
    """
    target = _require_free(destination, lake)
    release = standing_release(lake)
    found = sign_offs(lake, release, allowed)
    if reason := _forbids(found, settings.signers):
        raise SigningError(reason)
    if reasons := reasons_to_hold_back(lake, set_aside(lake)):
        raise SigningError(f"the release must not be published: {'; '.join(reasons)}")
    folder = {name: content for name, content in release.files.items() if name != SIGNATURES} | dict(release.pages)
    with registered(lake, release, settings, target) as registration:
        _write_whole(target, folder, _bundle(found.counting, allowed))
    return found, registration


def _forbids(found: SignOffs, needed: int) -> str:
    """Why a release must not be published; empty where it may be."""
    if found.broken:
        return f"records of sign-offs are not what was signed; put them back as they were: {'; '.join(found.broken)}"
    if found.refusals:
        said = "; ".join(f"{refusal.by} refused it: {refusal.reason}" for refusal in found.refusals)
        return f"the release must not be published: {said}"
    if found.signers < max(needed, 1):
        more = len(found.void) - _MOST_REASONS
        why = [*reversed(found.void[-_MOST_REASONS:]), *([f"and {more} more do not count"] if more > 0 else [])]
        said = f"the release is signed by {found.signers} of {max(needed, 1)} signers"
        return f"{said}: {'; '.join(why)}" if why else said
    return ""


def _bundle(counting: tuple[SignedRecord, ...], allowed: AllowedSigners) -> dict[str, bytes]:
    """The files of the folder of signatures."""
    files: dict[str, bytes] = {}
    lines: dict[str, None] = {}
    for record in counting:
        line = allowed.line_of(record.signer, record.content, record.signature, record.namespace)
        if not line:
            raise SigningError(f"the line of {record.signer} in the list of allowed signers cannot be told from others")
        lines[line] = None
        files[f"{record.file}.json"], files[f"{record.file}.json.sig"] = record.content, record.signature
    return {**files, ALLOWED_SIGNERS: "".join(f"{line}\n" for line in lines).encode()}


def _require_free(destination: Path, lake: Lake) -> Path:
    """The absolute path of a folder that may be written."""
    target = Path(os.path.abspath(destination))
    if target.is_symlink():
        raise SigningError(f"{target} is a link; name a folder")
    if target.exists() and not target.is_dir():
        raise SigningError(f"{target} is a file; name a folder that does not exist, or is empty")
    if target.is_dir() and any(target.iterdir()):
        raise SigningError(f"{target} is not empty; name a folder that does not exist, or is empty")
    if not target.parent.is_dir():
        raise SigningError(f"there is no folder {target.parent}; make it first")
    if "://" not in lake.address and target.resolve().is_relative_to(Path(lake.root).resolve()):
        raise SigningError(f"{target} lies in the lake, which is confidential; name a folder outside it")
    return target


def _write_whole(target: Path, files: Mapping[str, bytes], signatures: Mapping[str, bytes]) -> None:
    """Write a folder under a temporary name beside its place, examine it, and give it its name."""
    for left in target.parent.glob(f".{target.name}.*"):
        if is_orphan(left.name):
            shutil.rmtree(left)
    temporary = target.parent / temporary_name(target.name)
    try:
        (temporary / SIGNATURES).mkdir(parents=True)
        for folder, contents in ((temporary, files), (temporary / SIGNATURES, signatures)):
            for name, content in contents.items():
                with (folder / name).open("xb") as stream:
                    stream.write(content)
                    stream.flush()
                    os.fsync(stream.fileno())
            settle(folder)
        if problems := examine(temporary).problems:
            raise SigningError(f"the release cannot be published as it is: {'; '.join(problems)}")
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    try:
        os.rename(temporary, target)
    except OSError:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    # The folder has left the house: whatever fails now, it is published.
    with contextlib.suppress(OSError):
        settle(target.parent)


def examine(folder: Path, trusted: AllowedSigners | None = None) -> Examination:
    """Compare a published folder with its checksums, and its checksums with what was signed.

    Args:
        folder: the folder.
        trusted: the reader's own list of signers. None: the list in the folder. That shows that the folder is whole, and not who
            signed it, since whoever changes the folder can change the list.

    Raises:
        SignatureError: ssh-keygen is not installed.
    """
    examined = _Folder(folder)
    examined.examine(trusted)
    return Examination(tuple(examined.problems), tuple(examined.signatures), examined.whole)


@dataclass
class _Folder:
    """A published folder that is being examined."""

    folder: Path
    problems: list[str] = field(default_factory=list)
    signatures: list[Signature] = field(default_factory=list)
    whole: int = 0

    def examine(self, trusted: AllowedSigners | None) -> None:
        if not self.folder.is_dir():
            self.problems.append(f"{self.folder} is no folder")
            return
        sums = self._sums(self._plain_files(self.folder, "", SIGNATURES))
        self._compare({name: sha256 for name, sha256 in sums.items() if name != PAGE})
        if (self.folder / SIGNATURES).is_dir() and not (self.folder / SIGNATURES).is_symlink():
            self._examine_signatures(sums, trusted)
        if not self.signatures:
            self.problems.append("there is no good signature")

    def _plain_files(self, folder: Path, place: str, subfolder: str = "") -> list[str]:
        """The names of the plain files of a folder, in order. Whatever else is there is a problem."""
        names = []
        for count, entry in enumerate(self._entries(folder)):
            if count == _MOST_ENTRIES:
                self.problems.append(f"{place or 'the folder'} has more than {_MOST_ENTRIES} files")
                break
            shown = f"{place}{_shown(entry.name)}"
            if entry.is_symlink():
                self.problems.append(f"{shown} is a link, and not a part of a release")
            elif entry.is_file(follow_symlinks=False):
                names.append(entry.name)
            elif not (subfolder == entry.name and entry.is_dir(follow_symlinks=False)):
                self.problems.append(f"{shown} is no plain file, and not a part of a release")
        return sorted(names)

    def _entries(self, folder: Path) -> Iterator[os.DirEntry[str]]:
        try:
            with os.scandir(folder) as entries:
                yield from entries
        except OSError as error:
            self.problems.append(f"{_shown(folder.name)} cannot be read: {error.strerror}")

    def _sums(self, names: list[str]) -> dict[str, str]:
        """The sha256 of each file that can be read."""
        sums = {}
        for name in names:
            try:
                sums[name] = _sha256(self.folder / name)
            except OSError as error:
                self.problems.append(f"{_shown(name)} cannot be read: {error.strerror}")
        return sums

    def _read(self, path: Path, largest: int) -> bytes | None:
        try:
            return read_small_file(path, largest)
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            self.problems.append(f"{_shown(path.name)} cannot be read: {reason}")
            return None

    def _compare(self, sums: Mapping[str, str]) -> None:
        """Compare the files with SHA256SUMS."""
        if CHECKSUMS not in sums:
            self.problems.append(f"{CHECKSUMS} is missing")
            return
        listed: dict[str, str] = {}
        content = self._read(self.folder / CHECKSUMS, LARGEST_LIST) or b""
        for number, line in enumerate(
            content.decode("utf-8", errors="replace").removesuffix("\n").split("\n"), start=1
        ):
            found = _SUM_LINE.fullmatch(line)
            if found is None or found[2] in (".", "..", CHECKSUMS) or found[2] in listed:
                self.problems.append(f"{CHECKSUMS}: line {number} is no checksum of a file of this folder")
                return
            listed[found[2]] = found[1]
        for name in sorted({*listed, *sums} - {CHECKSUMS}):
            if name not in sums:
                self.problems.append(f"{_shown(name)} is missing")
            elif name not in listed:
                self.problems.append(f"{_shown(name)} is not in {CHECKSUMS}")
            elif sums[name] != listed[name]:
                self.problems.append(f"{_shown(name)} is not what {CHECKSUMS} says")

    def _examine_signatures(self, sums: Mapping[str, str], trusted: AllowedSigners | None) -> None:
        place = f"{SIGNATURES}/"
        names = self._plain_files(self.folder / SIGNATURES, place)
        bundled = self._bundled(names)
        records = [name for name in names if name.endswith(".json")]
        expected = {ALLOWED_SIGNERS, *records, *(f"{name}.sig" for name in records)}
        self.problems += [f"{place}{_shown(name)} belongs to no sign-off" for name in names if name not in expected]
        for name in records:
            if f"{name}.sig" not in names:
                self.problems.append(f"{place}{_shown(name)} has no signature")
                continue
            content = self._read(self.folder / SIGNATURES / name, LARGEST_RECORD)
            signature = self._read(self.folder / SIGNATURES / f"{name}.sig", LARGEST_SIGNATURE)
            if content is None or signature is None:
                continue
            try:
                record = read_record(content, signature)
                self.signatures.append(_good_signature(record, sums, trusted, bundled))
                self.whole = len(sums)
            except SigningError as error:
                self.problems.append(f"{place}{_shown(name)} {error}")

    def _bundled(self, names: list[str]) -> AllowedSigners:
        if ALLOWED_SIGNERS not in names:
            self.problems.append(f"{SIGNATURES}/{ALLOWED_SIGNERS} is missing")
            return AllowedSigners("")
        try:
            return AllowedSigners.read(self.folder / SIGNATURES / ALLOWED_SIGNERS)
        except SignatureError as error:
            self.problems.append(str(error))
            return AllowedSigners("")


def _good_signature(
    record: SignedRecord, sums: Mapping[str, str], trusted: AllowedSigners | None, bundled: AllowedSigners
) -> Signature:
    """The signature of a sign-off of these very files.

    Raises:
        SigningError: it is none; the message is a phrase that says why.
    """
    if not is_of(record.content, record.signature, record.namespace):
        raise SigningError("is not what its signature is of")
    if record.act != "sign-off":
        raise SigningError(f"is a {record.act}, not a sign-off")
    if record.sums != {name: sha256 for name, sha256 in sums.items() if name != PAGE}:
        raise SigningError("is a sign-off of other files")
    if record.pages != {name: sha256 for name, sha256 in sums.items() if name == PAGE}:
        raise SigningError(f"is a sign-off of another {PAGE}")
    key = (trusted or bundled).key_of(record.signer, record.content, record.signature, record.namespace)
    if not key:
        whose = "in the folder" if trusted is None else "of signers that you trust"
        raise SigningError(f"is signed by a key that the list {whose} does not have under the name it gives")
    return Signature(record.signer, key, record.signed_at)


def _sha256(path: Path) -> str:
    """The sha256 of a plain file; a link or a device is not opened.

    Raises:
        OSError: it cannot be read, or is none.
    """
    digest = hashlib.sha256()
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as stream:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(0, "it is no plain file")
        while block := stream.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def _shown(name: str) -> str:
    """A file's name for a terminal: no sign in it is carried out."""
    return name if name.isprintable() else ascii(name)

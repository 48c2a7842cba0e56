"""The register of published months: what left the house, made of what, under which draw. It lies outside the lake.

A month that was published cannot be called back. Published again under another draw, it could be compared with the first, and
what the draws blur would average out. So ``customs publish`` notes each month here, and nothing else writes the register. Later
releases take such a month as it was published. A rebuild, ``--force`` and a new lake change nothing of it.

What belongs here is the register: reading, asking and appending. The rows and files of published months lie in folders beside it,
one for each publication; ``lake/frozen.py`` reads these.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from customs_assets.masking import mask_credentials
from customs_assets.settings import Settings, is_simulated

REGISTER = "register.json"
_LOCK = "register.lock"
_FORM = "customs-published-months-1"


class PublishedError(Exception):
    """The register is damaged, readable by others or in the wrong place; the message says what to do."""


@dataclass(frozen=True)
class PublishedMonth:
    """One month of the source, as it was published.

    Attributes:
        month: ``YYYY-MM``.
        source: the name of the source (:func:`source_name`).
        raw: sha256 of the month's raw declarations.
        rows: sha256 of its synthetic rows before tokens are drawn anew.
        files: sha256 of each published file of this month alone, by name.
        draw: tells the draw apart: the fingerprint of the secret, and the number of the redraw if there was one.
        publication: number of the publication that it came out with first, from 1.
        release: checksum of that release.
        published_on: the day, ``YYYY-MM-DD``.
        as_of: the day by which its declarations and labels were known, ``YYYY-MM-DD``.
        account: what was counted of ``k``: ``min_group``, and what each rule measured.
    """

    month: str
    source: str
    raw: str
    rows: str
    files: Mapping[str, str]
    draw: str
    publication: int
    release: str
    published_on: str
    as_of: str
    account: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Redraw:
    """The months of a source were drawn anew although they had been published.

    Attributes:
        source: the name of the source.
        number: how many redraws of it there are with this one.
        reason: why, for card and page.
        publication: the publication that it came out with.
        published_on: the day, ``YYYY-MM-DD``.
    """

    source: str
    number: int
    reason: str
    publication: int
    published_on: str


@dataclass(frozen=True)
class Register:
    """What was published.

    Attributes:
        folder: where the register is, with the folders of what was published.
        months: a month that was drawn anew is there once for each draw; oldest first.
        redraws: oldest first.
    """

    folder: Path
    months: tuple[PublishedMonth, ...] = ()
    redraws: tuple[Redraw, ...] = ()

    @classmethod
    def read(cls, folder: Path) -> Register:
        """The register in a folder; an empty one where nothing was published.

        Raises:
            PublishedError: it is damaged, or others than its owner may read it.
        """
        path = folder / REGISTER
        try:
            mode, content = path.stat().st_mode, path.read_bytes()
        except FileNotFoundError:
            return cls(folder)
        except OSError as error:
            raise PublishedError(f"the register of published months {path} cannot be read: {error.strerror}") from None
        if mode & 0o077:
            raise PublishedError(
                f"the register of published months {path} is readable by others; run: chmod 600 {path}"
            )
        try:
            found = json.loads(content)
            if found["form"] != _FORM:
                raise ValueError(found["form"])
            months = tuple(PublishedMonth(**entry) for entry in found["months"])
            return cls(folder, months, tuple(Redraw(**entry) for entry in found["redraws"]))
        except (ValueError, KeyError, TypeError):
            raise PublishedError(
                f"the register of published months {path} is damaged; put it back from a backup: without it a month could be "
                "published under two draws"
            ) from None

    @property
    def publications(self) -> int:
        """How many publications there were."""
        return max((entry.publication for entry in self.months), default=0)

    def of_source(self, source: str) -> dict[str, PublishedMonth]:
        """The months of a source, each as it was published last, in order."""
        latest = {entry.month: entry for entry in self.months if entry.source == source}
        return dict(sorted(latest.items()))

    def same_month(self, source: str, month: str, raw: str) -> list[PublishedMonth]:
        """The entries of one source month, under whatever draw: of the same source, or made of the same declarations."""
        return [
            entry
            for entry in self.months
            if entry.month == month and (entry.source == source or (raw and entry.raw == raw))
        ]

    def redraws_of(self, source: str) -> list[Redraw]:
        """The redraws of a source, oldest first."""
        return [redraw for redraw in self.redraws if redraw.source == source]

    def draws_of(self, source: str) -> int:
        """Under how many draws months of a source were published."""
        return len({entry.draw for entry in self.months if entry.source == source})

    def holds(self, month: str, rows: str) -> bool:
        """Whether some synthetic rows are those of a published month."""
        return any(entry.month == month and entry.rows == rows for entry in self.months)

    def with_more(self, months: Sequence[PublishedMonth], redraw: Redraw | None = None) -> Register:
        """The register after a publication."""
        return replace(
            self, months=(*self.months, *months), redraws=(*self.redraws, *([redraw] if redraw is not None else []))
        )

    def save(self) -> None:
        """Write the register whole, readable by its owner alone."""
        content = {
            "form": _FORM,
            "months": [asdict(entry) for entry in self.months],
            "redraws": [asdict(redraw) for redraw in self.redraws],
        }
        temporary = self.folder / f".{REGISTER}.{os.getpid()}"
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            os.fchmod(stream.fileno(), 0o600)
            json.dump(content, stream, indent=1, ensure_ascii=False)
            stream.write("\n")
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, self.folder / REGISTER)
        folder = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


@contextmanager
def locked(folder: Path, lake: str = "") -> Iterator[Register]:
    """The register, while no other process may change it.

    Args:
        folder: its folder, made if it is not there.
        lake: the lake; a register inside it is refused.

    Raises:
        PublishedError: as :meth:`Register.read`, or the folder lies in the lake.
        OSError: the folder cannot be written.
    """
    if lake and "://" not in lake and folder.resolve().is_relative_to(Path(lake).resolve()):
        raise PublishedError(
            f"the register of published months {folder} lies in the lake {lake}; keep it somewhere else"
        )
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(folder / _LOCK, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield Register.read(folder)
    finally:
        os.close(descriptor)


def register_of(settings: Settings) -> Register:
    """The register that the settings name; raises as :meth:`Register.read`."""
    return Register.read(settings.published)


def source_name(settings: Settings) -> str:
    """The name of the source that the settings name, the same in every lake: a path in full, no password."""
    if is_simulated(settings.source):
        return settings.source
    if "://" in settings.source:
        return f"{mask_credentials(settings.source)} {settings.postgresql_table}"
    return str(Path(settings.source).expanduser().resolve())


def redraw_asked_for(settings: Settings, register: Register | None = None) -> bool:
    """Whether the settings ask for published months to be drawn anew, and that was not published yet."""
    if not settings.redraw:
        return False
    register, source = register or register_of(settings), source_name(settings)
    is_done = any(redraw.reason == settings.redraw for redraw in register.redraws_of(source))
    return not is_done and bool(register.of_source(source))


def redraw_number(settings: Settings, register: Register | None = None) -> int:
    """How many redraws of the source there are, with the one that is asked for; 0 if each month has one draw."""
    register = register or register_of(settings)
    return len(register.redraws_of(source_name(settings))) + redraw_asked_for(settings, register)


def digest_of(content: bytes) -> str:
    """The sha256 of some bytes."""
    return hashlib.sha256(content).hexdigest()

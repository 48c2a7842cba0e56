"""What ``customs publish`` notes in the register of published months, and what it refuses.

A source month is published under one draw. What belongs here compares a release with the register, keeps what later releases need
of its months, and names them in the register. The register is written before the folder of the release gets its name: a month
that is named there and did not leave the house costs little, one that left it unnamed could be drawn a second time.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from customs_assets.lake import Lake, Record
from customs_assets.lake.frozen import (
    FILES,
    IDENTITIES,
    RAW,
    REHEARSED,
    SYNTHETIC,
    TUPLES,
    month_file,
    publication_folder,
)
from customs_assets.privacy.gate import ALTERED, CANDIDATE
from customs_assets.privacy.goals import READ_OFF, RULES
from customs_assets.published import (
    PublishedMonth,
    Redraw,
    Register,
    locked,
    redraw_asked_for,
    redraw_number,
    source_name,
)
from customs_assets.release.signed_records import SigningError
from customs_assets.release.signing import StandingRelease
from customs_assets.release.succession import as_of
from customs_assets.settings import Settings

# What is kept whole of a release's lake: what later months' identities and rehearsals go on from.
_WHOLE = (IDENTITIES, TUPLES, REHEARSED)

_ADVICE = (
    "`customs run` takes a published month as it was published. `customs run --redraw REASON` draws published months anew; card "
    "and page say so, and attacks then have to count all draws"
)


@dataclass(frozen=True)
class Registration:
    """What a publication adds to the register.

    Attributes:
        months: the months that are published for the first time, or under another draw than before.
        kept: how many months of the release were published before, with the same bytes.
        redraw: the redraw, if published months were drawn anew.
        register: the register after it.
    """

    months: tuple[PublishedMonth, ...]
    kept: int
    redraw: Redraw | None
    register: Register


@contextmanager
def registered(lake: Lake, release: StandingRelease, settings: Settings, target: Path) -> Iterator[Registration]:
    """Register the months of a release; what the caller does with it is done while nobody else may publish.

    If the caller fails, the register is as it was before, unless the folder stands already: then it has left the house, and its
    months stay registered.

    Args:
        lake: the lake.
        release: the release that stands in it.
        settings: those that name register, source and redraw.
        target: the folder that the caller makes, whole or not at all; it does not stand yet, or is empty.

    Raises:
        SigningError: a month was published under another draw, or the lake has others than the release was made of.
        PublishedError: the register is damaged, readable by others, or in the lake.
    """
    with locked(settings.published, settings.lake) as before:
        made = _registration(lake, release, settings, before)
        if not made.months:
            yield made
            return
        number = before.publications + 1
        folder = Path(publication_folder(before.folder, number).root)
        shutil.rmtree(folder, ignore_errors=True)
        try:
            _keep(lake, release, made.months, before.folder, number)
            made.register.save()
            yield made
        except BaseException:
            if not _stands(target):
                before.save()
                shutil.rmtree(folder, ignore_errors=True)
            raise


def _stands(folder: Path) -> bool:
    return folder.is_dir() and any(folder.iterdir())


def _registration(lake: Lake, release: StandingRelease, settings: Settings, register: Register) -> Registration:
    """What a release would add to a register.

    Raises:
        SigningError: it may not be published.
    """
    source, today, number = source_name(settings), datetime.now(UTC).date().isoformat(), register.publications + 1
    is_redraw = redraw_asked_for(settings, register)
    candidate = lake.record(CANDIDATE)
    known = _as_of(candidate, release.months)
    new, kept, refused = [], 0, []
    for month in release.months:
        raw, rows = _record(lake, RAW, month), _record(lake, SYNTHETIC, month)
        name = month_file(month)
        files = {name: hashlib.sha256(release.files[name]).hexdigest()} if name in release.files else {}
        draw = rows.settings.get("release_secret", "")
        entries = register.same_month(source, month, raw.sha256)
        if any(entry.rows == rows.sha256 and entry.files == files for entry in entries):
            kept += 1
            continue
        if entries and not (is_redraw and draw.endswith(f", redraw {redraw_number(settings, register)}")):
            refused.append(_refusal(entries[-1], draw))
            continue
        new.append(
            PublishedMonth(
                month,
                source,
                raw.sha256,
                rows.sha256,
                files,
                draw,
                number,
                release.checksum,
                today,
                known,
                _account(release, rows),
            )
        )
    if refused:
        raise SigningError(f"a source month is published under one draw: {'; '.join(refused)}. {_ADVICE}")
    redraw = None
    if is_redraw and new:
        redraw = Redraw(source, redraw_number(settings, register), settings.redraw, number, today)
    return Registration(tuple(new), kept, redraw, register.with_more(new, redraw))


def _refusal(entry: PublishedMonth, draw: str) -> str:
    how = "under another draw" if entry.draw != draw else "with other rows or tokens under the same secret"
    return f"{entry.month} was published on {entry.published_on} {how} (release {entry.release[:12]})"


def _as_of(candidate: Record | None, months: Sequence[str]) -> str:
    """The day that the card names."""
    stated = "" if candidate is None else candidate.settings.get("as_of", "")
    settings = Settings()  # pyright: ignore[reportCallIssue]
    day = date.fromisoformat(stated) if stated not in ("", "None") else None
    return as_of(months, settings.model_copy(update={"as_of": day}))


def _account(release: StandingRelease, rows: Record) -> dict[str, object]:
    """What was counted of ``k`` when the release was judged."""
    claims = (release.claims.get("privacy") or {}).get("claims", [])
    rules = {claim["key"]: claim["measured"] for claim in claims if claim["key"] in (*RULES, *READ_OFF)}
    return {"min_group": rows.settings.get("min_group", ""), **rules}


def _record(lake: Lake, asset: str, month: str = "") -> Record:
    record = lake.record(asset, month)
    if record is None:
        raise SigningError(
            f"{asset} {month}".strip() + " is missing from the lake, so later releases could not go on from it"
        )
    return record


def _keep(
    lake: Lake, release: StandingRelease, months: Sequence[PublishedMonth], register_folder: Path, number: int
) -> None:
    """Copy what later releases need, as the lake has it now, after a look that it is what the release was made of."""
    kept = publication_folder(register_folder, number)
    for asset in _WHOLE:
        record = _record(lake, asset)
        kept.write_bytes(f"{kept.root}/{asset}.parquet", _unaltered(lake, record))
    for entry in months:
        record = _record(lake, SYNTHETIC, entry.month)
        for asset in (IDENTITIES, TUPLES):
            if record.inputs.get(f"{asset}|") != _record(lake, asset).sha256:
                raise SigningError(f"{record.name} was made with another {asset} than the lake has; run `customs run`")
        kept.write_bytes(f"{kept.root}/{SYNTHETIC}/{entry.month}.parquet", _unaltered(lake, record))
        for name in entry.files:
            kept.write_bytes(f"{kept.root}/{FILES}/{name}", release.files[name])


def _unaltered(lake: Lake, record: Record) -> bytes:
    content = lake.read_bytes(f"{lake.root}/{record.path}")
    if hashlib.sha256(content).hexdigest() != record.sha256:
        raise SigningError(f"{record.name} {ALTERED}")
    return content

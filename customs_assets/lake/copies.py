"""Files of this machine that a process keeps for itself: what it is about to put into an object store, and what it got from one.

Both are open to their owner alone. What is about to be put has no name, so nothing is left of it where the process is killed.
Copies lie in a folder that is deleted when the process ends; those of a killed one the next process deletes.
"""

from __future__ import annotations

import atexit
import shutil
import tempfile
import time
from functools import cache
from pathlib import Path
from typing import BinaryIO

from customs_assets.lake.temporary import is_orphan, temporary_name

# What the copies may take; of those used longest ago, and not just now, the first go.
_KEPT_BYTES, _JUST_NOW_SECONDS = 8 << 30, 120.0


def spooled() -> BinaryIO:
    """A file of this machine without a name, open to this process alone and gone with it."""
    return tempfile.TemporaryFile("w+b")  # pyright: ignore[reportReturnType]


@cache
def folder_of_copies() -> Path:
    """The folder of this process's copies, its owner's alone, deleted when it ends; those of killed processes go before."""
    place = Path(tempfile.gettempdir())
    for left in place.glob(".customs-lake.*"):
        if is_orphan(left.name):
            shutil.rmtree(left, ignore_errors=True)
    folder = place / temporary_name("customs-lake")
    folder.mkdir(mode=0o700)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def make_room(folder: Path, needed: int) -> None:
    """Delete copies that were used longest ago where all of them would take more than they may."""
    copies = sorted(((entry.stat().st_mtime, entry) for entry in folder.iterdir()), key=lambda copy: copy[0])
    taken = sum(entry.stat().st_size for _, entry in copies)
    for used, entry in copies:
        if taken + needed <= _KEPT_BYTES or time.time() - used < _JUST_NOW_SECONDS:
            return
        taken -= entry.stat().st_size
        entry.unlink()

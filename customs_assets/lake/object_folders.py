"""Folders on an object store, which has none: a list of files is what makes them a folder.

What belongs here is how such a folder appears and goes at once. Its files are put first, below it, in a folder that is named by
their checksum. Then one object is put, their list, under the folder's name with ``.folder`` behind it. Files that no list names
are no part of anything.
"""

from __future__ import annotations

import hashlib
import json
import posixpath
import time
from collections.abc import Callable, Mapping
from typing import Any

from customs_assets.lake.errors import LakeError
from customs_assets.lake.objects import Objects

_LIST = ".folder"

# Files below a folder that no list names belong to a process that is writing it, or that was killed before so many seconds.
_UNLISTED_SECONDS = 3600.0


def object_of(path: str) -> str:
    """The object that stands for a path on an object store: of a folder, the list of its files."""
    return path if "." in posixpath.basename(path) else f"{path}{_LIST}"


def put_folder(
    objects: Objects, target: str, files: Mapping[str, bytes], checksum: str, forget: Callable[[], None]
) -> None:
    """Put the files of a folder, then their list; the files of the folder that it replaces are deleted.

    Args:
        objects: the store.
        target: path of the folder.
        files: contents by name.
        checksum: that of all of them.
        forget: called before the list is put: deletes what is recorded of the folder before.
    """
    before = listed(objects, target)
    sums = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    for name, content in files.items():
        objects.put(f"{target}/{_folder_of(checksum)}/{name}", content, sums[name])
    forget()
    listing = json.dumps({"sha256": checksum, "files": sums}, indent=1).encode()
    objects.put(object_of(target), listing, checksum)
    if before and before["sha256"] != checksum:
        _delete_files(objects, target, before)


def place_of(objects: Objects, target: str) -> str:
    """Where the files of a folder lie now.

    Raises:
        LakeError: there is no such folder.
    """
    found = listed(objects, target)
    if found is None:
        raise LakeError(f"{target} is missing from the lake {objects.address}")
    return f"{target}/{_folder_of(found['sha256'])}"


def paths_in(objects: Objects, target: str) -> dict[str, str]:
    """The path of each file of a folder by its name, in order; raises as :func:`place_of`."""
    found = listed(objects, target)
    if found is None:
        raise LakeError(f"{target} is missing from the lake {objects.address}")
    return {name: f"{target}/{_folder_of(found['sha256'])}/{name}" for name in sorted(found["files"])}


def withdraw_folder(objects: Objects, target: str) -> None:
    """Take a folder away: its list first, which ends it, then its files."""
    found = listed(objects, target)
    objects.delete(object_of(target))
    if found is not None:
        _delete_files(objects, target, found)


def listed(objects: Objects, target: str) -> dict[str, Any] | None:
    """The list of the files of a folder; None where there is no folder."""
    try:
        # The checksum that was put with it is the folder's.
        return json.loads(b"".join(objects.blocks(object_of(target))))
    except FileNotFoundError:
        return None


def sweep_unlisted(objects: Objects) -> int:
    """Delete files of folders that were never finished, or were replaced; returns how many."""
    found: dict[tuple[str, str], list[tuple[str, float]]] = {}
    for path, _, changed in objects.below(objects.root):
        parts = path[len(objects.root) :].strip("/").split("/")
        if len(parts) == 3 and not parts[0].startswith("."):
            found.setdefault((f"{objects.root}/{parts[0]}", parts[1]), []).append((path, changed))
    swept = 0
    for (target, folder), files in found.items():
        known = listed(objects, target)
        is_listed = known is not None and _folder_of(known["sha256"]) == folder
        if not is_listed and time.time() - max(changed for _, changed in files) > _UNLISTED_SECONDS:
            for path, _ in files:
                objects.delete(path)
            swept += len(files)
    return swept


def _delete_files(objects: Objects, target: str, found: Mapping[str, Any]) -> None:
    for name in found["files"]:
        objects.delete(f"{target}/{_folder_of(found['sha256'])}/{name}")


def _folder_of(checksum: str) -> str:
    """The name of the folder of files with a checksum, below the folder that they are."""
    return checksum[:16]

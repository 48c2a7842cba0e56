"""Files that a setting names: read whole, and told apart by their bytes.

An address is a path or whatever else the lake's file systems (fsspec) read, such as ``s3://bucket/tariff.csv``. What belongs
here is bytes. What a file means stands in the room that reads it.
"""

from __future__ import annotations

import hashlib
from typing import Any

import fsspec

from customs_assets.masking import mask_credentials

# A tariff of a million lines has some 30 MB. A larger file is another one, named by mistake.
LARGEST_BYTES = 256 << 20

# The digest of a file that is named but cannot be read: no file has it.
UNREADABLE = "unreadable"

_BLOCK_BYTES = 1 << 20


class NamedFileError(Exception):
    """A file that a setting names cannot be read; the message is one sentence that names it and what is wrong."""


def shown(address: str) -> str:
    """An address for a message: without its credentials."""
    return mask_credentials(address)


def read_file(address: str) -> bytes:
    """The bytes of a file.

    Raises:
        NamedFileError: there is no such file, it is a folder, it is larger than LARGEST_BYTES, or it cannot be read.
    """
    try:
        system, path = _open_address(address)
        if system.isdir(path):
            raise NamedFileError(f"{shown(address)} is a folder; name one file")
        size = system.size(path) or 0
        if size > LARGEST_BYTES:
            raise NamedFileError(f"{shown(address)} has {size:,} bytes; such a file has at most {LARGEST_BYTES:,}")
        with system.open(path, "rb") as stream:
            return stream.read()
    except FileNotFoundError:
        raise NamedFileError(f"there is no file {shown(address)}") from None
    except OSError as error:
        raise NamedFileError(f"{shown(address)} cannot be read: {error.strerror or error}") from error


def digest(content: bytes) -> str:
    """The sha256 of some bytes."""
    return hashlib.sha256(content).hexdigest()


def file_digest(address: str | None) -> str:
    """The sha256 of a file's bytes; empty where no file is named, UNREADABLE where it cannot be read."""
    if address is None:
        return ""
    sha256 = hashlib.sha256()
    try:
        system, path = _open_address(address)
        with system.open(path, "rb") as stream:
            while block := stream.read(_BLOCK_BYTES):
                sha256.update(block)
    except Exception:  # Each kind of file system has errors of its own. Who builds from the file is told which it is.
        return UNREADABLE
    return sha256.hexdigest()


def _open_address(address: str) -> tuple[Any, str]:
    """The file system of an address, and the path in it."""
    try:
        return fsspec.core.url_to_fs(address)
    except (ValueError, ImportError) as error:
        raise NamedFileError(f"{shown(address)} is no address of a file: {error}") from error

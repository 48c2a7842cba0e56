"""Secrets in files: made once, readable by their owner alone, told apart by a fingerprint, destroyed on request.

Two secrets live so: the identity key, which makes tokens of names, and the release secret, from which every draw after
anonymization derives. What belongs here is the life of such a file. What is derived from it stands in
``anonymization.identities`` and ``seeds``.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

SECRET_BYTES = 32


class SecretFileError(Exception):
    """A secret is missing, damaged, readable by others or in the wrong place; the message says what to do."""


@dataclass(frozen=True)
class SecretFile:
    """One secret of 256 random bits.

    Attributes:
        path: its file, outside the lake.
        title: what people call it, as in "there is no identity key at …".
    """

    path: Path
    title: str

    @property
    def _fingerprint_of_destroyed(self) -> Path:
        return self.path.with_name(f"{self.path.name}.destroyed")

    def create(self) -> bytes:
        """Make the secret, readable by its owner alone, or return the one that another process just made."""
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        temporary = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(secrets.token_bytes(SECRET_BYTES))
            stream.flush()
            os.fsync(stream.fileno())
        try:
            os.link(temporary, self.path)  # fails where the file exists, so that of two processes one wins
        except FileExistsError:
            pass
        finally:
            temporary.unlink()
        self._fingerprint_of_destroyed.unlink(missing_ok=True)
        return self.load()

    def load(self) -> bytes:
        """Read the secret.

        Raises:
            SecretFileError: there is none, it has the wrong length, or others than its owner may read it.
        """
        if not self.path.is_file():
            raise SecretFileError(f"there is no {self.title} at {self.path}")
        if _is_open_to_others(self.path.stat()):
            raise SecretFileError(f"the {self.title} {self.path} is readable by others; run: chmod 600 {self.path}")
        secret = self.path.read_bytes()
        if len(secret) != SECRET_BYTES:
            raise SecretFileError(
                f"the {self.title} {self.path} holds {len(secret)} bytes instead of {SECRET_BYTES}; it is damaged"
            )
        return secret

    def obtain(self, lake: str = "") -> bytes:
        """The secret, made on first use.

        Args:
            lake: folder of the lake; a secret inside it is refused.

        Raises:
            SecretFileError: as :meth:`load`, or the file lies in the lake.
        """
        if lake and "://" not in lake and self.path.resolve().is_relative_to(Path(lake).resolve()):
            raise SecretFileError(f"the {self.title} {self.path} lies in the lake {lake}; keep it somewhere else")
        return self.load() if self.path.exists() else self.create()

    def create_first(self, lake: str = "") -> None:
        """Make the secret where there never was one. One that was destroyed stays so until something needs another.

        Raises:
            SecretFileError: as :meth:`obtain`.
        """
        if not self.fingerprint():
            self.obtain(lake)

    def destroy(self) -> None:
        """Overwrite and delete the secret. Its fingerprint stays: what was made with it is not out of date.

        Raises:
            SecretFileError: there is nothing to destroy.
        """
        if not self.path.is_file():
            raise SecretFileError(f"there is no {self.title} at {self.path}; nothing was destroyed")
        self._fingerprint_of_destroyed.write_text(self.fingerprint(), encoding="ascii")
        with self.path.open("r+b") as stream:
            stream.write(secrets.token_bytes(max(self.path.stat().st_size, SECRET_BYTES)))
            stream.flush()
            os.fsync(stream.fileno())
        self.path.unlink()

    def fingerprint(self) -> str:
        """Eight hexadecimal digits that tell secrets apart and say nothing of the secret; empty where there never was one."""
        if not self.path.is_file():
            remembered = self._fingerprint_of_destroyed
            return remembered.read_text(encoding="ascii").strip() if remembered.is_file() else ""
        return hmac.new(self.load(), f"customs {self.title} fingerprint".encode(), hashlib.sha256).hexdigest()[:8]


def _is_open_to_others(stat: os.stat_result) -> bool:
    """Whether others than those meant to may read a file.

    A secret that root mounted for a user, as Kubernetes does, belongs to root, and the user's group reads it. Then nobody but
    root may write it, and nobody outside the group may read it.
    """
    is_mounted = stat.st_uid == 0 and os.geteuid() != 0
    return bool(stat.st_mode & (0o037 if is_mounted else 0o077))


def identity_key(path: Path) -> SecretFile:
    """The secret behind identity tokens."""
    return SecretFile(path, "identity key")


def release_secret(path: Path) -> SecretFile:
    """The secret behind every draw after anonymization."""
    return SecretFile(path, "release secret")

"""An office that signs: a small lake with a release that stands, officers with real SSH keys, and the command line."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

from customs_assets import cli
from customs_assets.graph import RELEASE
from customs_assets.lake import Lake

MONTHS = ["2020-01", "2020-02"]
ANNA, BORIS, MALLORY = "anna@customs.example", "boris@customs.example", "mallory@elsewhere.example"


def make_key(folder: Path, name: str, kind: str = "ed25519", passphrase: str = "") -> Path:
    """A new key pair of OpenSSH; the path of the private key."""
    path = folder / name
    command = ["ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-C", f"{name}'s own computer", "-f", str(path)]
    subprocess.run(command, check=True)
    return path


def signature_of(content: bytes, key: Path, namespace: str = "customs-release") -> bytes:
    """A signature by OpenSSH itself, whatever the project would say to it."""
    command = ["ssh-keygen", "-q", "-Y", "sign", "-f", str(key), "-n", namespace]
    return subprocess.run(command, input=content, capture_output=True, check=True).stdout


@dataclass
class Office:
    """A copy of the lake, the officers' keys, and the command on it.

    Attributes:
        folder: where everything is.
        keys: the folder of the keys, each named as its owner.
        patch: sets the environment.
    """

    folder: Path
    keys: Path
    patch: pytest.MonkeyPatch

    @property
    def lake(self) -> Lake:
        """The lake."""
        return Lake(str(self.folder / "lake"))

    @property
    def release(self) -> Path:
        """The folder of the release in the lake."""
        return self.folder / "lake" / RELEASE

    @property
    def records(self) -> list[Path]:
        """The records of sign-offs, oldest first."""
        return sorted((self.folder / "lake" / "sign_offs").glob("*.json"))

    @property
    def list_of_signers(self) -> Path:
        """The office's list of allowed signers."""
        return self.folder / "allowed_signers"

    def key(self, name: str) -> Path:
        """The private key of an officer."""
        return self.keys / name.partition("@")[0]

    def line(self, name: str, key: str = "", options: str = "") -> str:
        """A line of a list of allowed signers: a name with the key of an officer, their own unless another is named."""
        public = self.key(key or name).with_suffix(".pub").read_text()
        return f"{name} {options + ' ' if options else ''}{public}"

    def allow(self, *lines: str, needed: int = 1) -> None:
        """Write the list of allowed signers, and name it in the settings."""
        self.list_of_signers.write_text("# who may sign a release\n" + "".join(lines))
        self.patch.setenv("CUSTOMS_ALLOWED_SIGNERS", str(self.list_of_signers))
        self.patch.setenv("CUSTOMS_SIGNERS", str(needed))

    def forget_the_list(self) -> None:
        """Settings without a list of allowed signers."""
        self.patch.delenv("CUSTOMS_ALLOWED_SIGNERS", raising=False)

    def command(self, *arguments: str) -> tuple[int, str]:
        """Status of a command, and all that it said."""
        done = CliRunner().invoke(cli.app, [*arguments])
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return done.exit_code, done.output

    def sign(self, name: str, *arguments: str, key: str = "") -> tuple[int, str]:
        """An officer signs off, by their own key unless another is named."""
        return self.command("sign-off", "--name", name, "--key", str(self.key(key or name)), *arguments)

    def withdraw(self, name: str, reason: str, key: str = "") -> tuple[int, str]:
        """An officer withdraws."""
        return self.command("withdraw", "--name", name, "--key", str(self.key(key or name)), reason)

    def publish(self) -> tuple[int, str]:
        """Publish to the folder ``published``."""
        return self.command("publish", str(self.folder / "published"))

    def published(self) -> Path:
        """A folder that anna signed and that was published."""
        assert self.sign(ANNA)[0] == 0
        status, said = self.publish()
        assert status == 0, said
        return self.folder / "published"

"""Signatures in OpenSSH's form, made and checked by its own ``ssh-keygen -Y``.

What belongs here hands bytes to that program and reads its answer. No cryptography is done here, and no private key is read: the
program opens the key, asks for its passphrase, or asks the agent. Who may sign stands in an ``allowed_signers`` file
(``man ssh-keygen``, ALLOWED SIGNERS).
"""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

# What a signature is for. One that was made for anything else (a commit, a file) does not count.
NAMESPACE = "customs-release"

# A list of signers has some lines, a signature some hundred bytes.
LARGEST_LIST, LARGEST_SIGNATURE = 1 << 20, 1 << 16

_NAMESPACE_FORM = re.compile(rf"{NAMESPACE}(@[A-Za-z0-9][A-Za-z0-9.-]{{0,99}})?")
# No sign that has a meaning in an allowed_signers file, and none that begins an option.
_NAME_FORM = re.compile(r"[^\W_][\w.@+-]{0,99}")

_BEGIN = b"-----BEGIN SSH SIGNATURE-----"
_FINGERPRINT = re.compile(r" key (SHA256:[A-Za-z0-9+/]+)\s*$")
# A line: who, options (if any), kind of key, key, comment (if any).
_LINE = re.compile(
    r"""(?:"[^"]*"|[^\s"]+)(?P<key>\s+(?:\S.*?\s+)??(?:sk-)?(?:ssh|ecdsa)-[\w@.-]+\s+[A-Za-z0-9+/]+={0,3})(?:\s.*)?"""
)

# Checking a signature takes milliseconds.
_SECONDS = 60


class SignatureError(Exception):
    """Nothing can be signed or checked: the program, the key or the list of signers is of no use. The message says why."""


def require_name(name: str) -> str:
    """A signer's name, as it stands in the list of allowed signers, such as ``anna.kim@customs.example``.

    Raises:
        SignatureError: it has another form: 1 to 100 letters, digits and ``. @ + - _``, a letter or digit first.
    """
    if not _NAME_FORM.fullmatch(name):
        raise SignatureError(
            f"{name!a} is no name of a signer; use up to 100 letters, digits and . @ + - _, as in "
            "anna.kim@customs.example, and the same name as in the list of allowed signers"
        )
    return name


def require_namespace(namespace: str) -> str:
    """A namespace of signatures: ``customs-release``, or ``customs-release@`` and a domain.

    Raises:
        SignatureError: it has another form.
    """
    if not _NAMESPACE_FORM.fullmatch(namespace):
        raise SignatureError(
            f"{namespace!a} is no namespace of a release; it is {NAMESPACE}, or {NAMESPACE}@ and a domain"
        )
    return namespace


def sign(content: bytes, key: Path, namespace: str = NAMESPACE) -> bytes:
    """The signature of some bytes.

    ``ssh-keygen`` asks for the passphrase on the terminal, or through SSH_ASKPASS. A key that is in the agent is used from there.

    Args:
        content: what is signed.
        key: file of the private key; of the public key where the private one is in the agent.
        namespace: what the signature is for.

    Raises:
        SignatureError: the key cannot be used, or ssh-keygen is not installed.
    """
    arguments = [_program(), "-q", "-Y", "sign", "-f", os.path.abspath(key), "-n", require_namespace(namespace)]
    # What it writes to standard error is for the person at the terminal, such as "touch the security key".
    done = subprocess.run(arguments, input=content, stdout=subprocess.PIPE, env=_environment(), check=False)
    if done.returncode or not done.stdout.startswith(_BEGIN):
        raise SignatureError("ssh-keygen did not sign with this key, and said why above; nothing was recorded")
    return done.stdout


def is_of(content: bytes, signature: bytes, namespace: str) -> bool:
    """Whether a signature is of these very bytes, whoever made it.

    Raises:
        SignatureError: ssh-keygen is not installed.
    """
    return bool(_check(["check-novalidate"], content, signature, namespace))


@dataclass(frozen=True)
class AllowedSigners:
    """Who may sign, by name and key: the text of an ``allowed_signers`` file.

    Attributes:
        text: the file, as ``ssh-keygen`` reads it.
    """

    text: str

    @classmethod
    def read(cls, path: Path) -> AllowedSigners:
        """The list in a file.

        Raises:
            SignatureError: there is no such file, it is too large, or it is no text.
        """
        try:
            content = read_small_file(path, LARGEST_LIST)
            return cls(content.decode("utf-8"))
        except UnicodeDecodeError:
            raise SignatureError(f"the list of allowed signers {path} is no UTF-8 text") from None
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise SignatureError(f"the list of allowed signers {path} cannot be read: {reason}") from None

    def key_of(self, name: str, content: bytes, signature: bytes, namespace: str) -> str:
        """The fingerprint of the key that the signer of this name signed the bytes with; empty where the signer did not.

        A key that the list gives under another name, or whose time in the list is over, does not count.

        Raises:
            SignatureError: ssh-keygen is not installed.
        """
        if not _NAME_FORM.fullmatch(name):
            return ""
        return _check(["verify", "-I", name], content, signature, namespace, self.text)

    def line_of(self, name: str, content: bytes, signature: bytes, namespace: str) -> str:
        """The line of the list that :meth:`key_of` goes by: this name alone, and no comment. Empty where there is none."""
        for line in self._lines():
            if (found := _LINE.fullmatch(line)) is not None:
                alone = f"{name}{found['key']}"
                if AllowedSigners(f"{alone}\n").key_of(name, content, signature, namespace):
                    return alone
        return ""

    def _lines(self) -> Iterator[str]:
        for line in self.text.split("\n"):
            if (stripped := line.strip()) and not stripped.startswith("#"):
                yield stripped


def read_small_file(path: Path, largest: int) -> bytes:
    """The bytes of a file.

    Raises:
        ValueError: it is no plain file, or has more than ``largest`` bytes; the message is a phrase that says so.
        OSError: it cannot be read.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as stream:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ValueError("it is no plain file")
        content = stream.read(largest + 1)
    if len(content) > largest:
        raise ValueError(f"it has more than {largest:,} bytes")
    return content


def _check(how: list[str], content: bytes, signature: bytes, namespace: str, signers: str = "") -> str:
    """The fingerprint of the key of a signature that is good in some way; empty where it is not."""
    if not _NAMESPACE_FORM.fullmatch(namespace) or len(signature) > LARGEST_SIGNATURE:
        return ""
    with tempfile.TemporaryDirectory(prefix="customs-signature-") as folder:
        signature_file, signers_file = Path(folder, "signature"), Path(folder, "allowed_signers")
        signature_file.write_bytes(signature)
        signers_file.write_text(signers, encoding="utf-8")
        arguments = [_program(), "-Y", how[0], "-n", namespace, "-s", str(signature_file), *how[1:]]
        arguments += ["-f", str(signers_file)] if how[0] == "verify" else []
        try:
            done = subprocess.run(
                arguments, input=content, capture_output=True, env=_environment(), timeout=_SECONDS, check=False
            )
        except subprocess.TimeoutExpired:
            raise SignatureError(f"ssh-keygen did not answer within {_SECONDS} s") from None
    found = _FINGERPRINT.search(done.stdout.decode("utf-8", errors="replace"))
    return found[1] if done.returncode == 0 and found else ""


def _program() -> str:
    program = shutil.which("ssh-keygen")
    if program is None:
        raise SignatureError(
            "ssh-keygen is not installed; install the package openssh-client (Debian: apt-get install openssh-client)"
        )
    return program


def _environment() -> dict[str, str]:
    """This process's environment, with ssh-keygen's answers in its own words."""
    return {**os.environ, "LC_ALL": "C"}

"""Secrets in files: private, made once by whoever comes first, told apart without being told, gone when destroyed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from customs_assets import secret_files
from customs_assets.secret_files import SecretFileError, identity_key, release_secret


@pytest.mark.parametrize("kind", [identity_key, release_secret])
def test_a_secret_is_private_and_its_destruction_is_final(kind, tmp_path: Path):
    secret = kind(tmp_path / "private" / "a.secret")
    made = secret.obtain()
    assert len(made) == 32
    assert secret.path.stat().st_mode & 0o777 == 0o600
    assert secret.path.parent.stat().st_mode & 0o777 == 0o700
    assert secret.obtain() == made
    assert re.fullmatch("[0-9a-f]{8}", secret.fingerprint())
    secret.path.chmod(0o644)
    with pytest.raises(SecretFileError, match="readable by others; run: chmod 600"):
        secret.load()
    secret.path.chmod(0o600)
    secret.destroy()
    assert not secret.path.exists()
    fingerprint = secret.fingerprint()
    assert re.fullmatch("[0-9a-f]{8}", fingerprint), "what was made with it is not out of date"
    with pytest.raises(SecretFileError, match="nothing was destroyed"):
        secret.destroy()
    assert secret.obtain() != made


def test_a_damaged_secret_is_refused(tmp_path: Path):
    path = tmp_path / "a.secret"
    path.write_bytes(b"short")
    path.chmod(0o600)
    with pytest.raises(SecretFileError, match=r"the release secret .* holds 5 bytes instead of 32"):
        release_secret(path).load()


def test_a_secret_in_the_lake_is_refused(tmp_path: Path):
    with pytest.raises(SecretFileError, match="lies in the lake"):
        release_secret(tmp_path / "lake" / "a.secret").obtain(str(tmp_path / "lake"))
    assert len(release_secret(tmp_path / "a.secret").obtain(str(tmp_path / "lake"))) == 32


def test_the_two_secrets_have_fingerprints_of_their_own(tmp_path: Path):
    secret = release_secret(tmp_path / "a.secret")
    secret.obtain()
    assert secret.fingerprint() != identity_key(secret.path).fingerprint()


def _obtained(path: str) -> bytes:
    return release_secret(Path(path)).obtain()


def test_of_several_processes_that_come_at_once_all_get_the_same_secret(tmp_path: Path):
    with ProcessPoolExecutor(4, mp_context=get_context("fork")) as pool:
        found = set(pool.map(_obtained, [str(tmp_path / "a.secret")] * 16))
    assert len(found) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["a.secret"]


@pytest.mark.skipif(
    os.geteuid() != 0 or not Path("/usr/bin/python3").exists(), reason="only root can mount a secret for somebody else"
)
@pytest.mark.parametrize(("mode", "is_read"), [(0o440, True), (0o400, False), (0o444, False), (0o460, False)])
def test_a_secret_that_root_mounted_for_a_group_is_read_by_it_and_may_be_no_more_open(
    tmp_path: Path, mode: int, is_read: bool
):
    """As Kubernetes mounts it. What only root may read, the system refuses."""
    folder = Path(tempfile.mkdtemp(dir="/tmp"))
    try:
        folder.chmod(0o755)
        path = folder / "release.secret"
        path.write_bytes(bytes(32))
        os.chown(path, 0, 65534)
        path.chmod(mode)
        module = Path(secret_files.__file__).read_text(encoding="utf-8")
        script = f"{module}\nprint(len(release_secret(Path({str(path)!r})).load()))"
        (folder / "load.py").write_text(script)
        (folder / "load.py").chmod(0o644)
        command = ["/usr/bin/python3", "-I", str(folder / "load.py")]
        done = subprocess.run(
            command, user=65534, group=65534, extra_groups=[], cwd="/", capture_output=True, text=True, check=False
        )
        assert (done.stdout.strip() == "32") is is_read, done.stderr
    finally:
        shutil.rmtree(folder)

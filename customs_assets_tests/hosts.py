"""Several hosts on one machine, each with an address, a process table, a name and files of its own.

What belongs here makes network namespaces that a bridge of this machine joins, starts a process in each under which all others of
the host run, and takes a host's power away. What runs on the hosts stands in ``clusters.py``. It needs Linux and root.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# The first process of a host: mounts files of its own where every host has them, and waits for what others leave behind.
_INIT = """
import os, subprocess, sys, time
name, place = sys.argv[1:]
subprocess.run(["hostname", name], check=True)
subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=0755", "tmpfs", place], check=True)
subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=1777", "tmpfs", "/dev/shm"], check=True)
print("up", flush=True)
while True:
    try:
        os.wait()
    except ChildProcessError:
        time.sleep(0.2)
"""


def can_be_made() -> bool:
    """Whether this process may make hosts."""
    if os.geteuid() != 0 or not all(shutil.which(program) for program in ("ip", "unshare", "nsenter", "mount")):
        return False
    name = f"probe{os.getpid()}"
    made = subprocess.run(["ip", "netns", "add", name], capture_output=True, check=False).returncode == 0
    if made:
        subprocess.run(["ip", "netns", "del", name], check=False)
    return made


@dataclass
class Host:
    """A host.

    A command on it sees the files of this machine, read by whoever may, and has ``place`` to itself.

    Attributes:
        name: its name.
        address: its address on the bridge.
        place: the folder that every host has to itself, in memory.
        first: the process number of its first process.
        wire: this machine's end of its network cable.
    """

    name: str
    address: str
    place: Path
    first: int
    wire: str = ""
    processes: list[subprocess.Popen[Any]] = field(default_factory=list)

    def command(self, *command: str) -> list[str]:
        """A command of this machine that runs a command on the host."""
        return ["nsenter", "--target", str(self.first), "--net", "--pid", "--mount", "--uts", "--", *command]

    def start(self, environment: Mapping[str, str], *command: str, **options: Any) -> subprocess.Popen[Any]:
        """Start a process on the host."""
        process = subprocess.Popen(self.command(*command), env=dict(environment), start_new_session=True, **options)
        self.processes.append(process)
        return process

    def run(self, environment: Mapping[str, str], *command: str, seconds: float = 600) -> str:
        """Run a command on the host to its end; what it printed.

        Raises:
            RuntimeError: it failed.
        """
        done = subprocess.run(
            self.command(*command), env=dict(environment), capture_output=True, text=True, check=False, timeout=seconds
        )
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)} on {self.name}: {done.stdout}{done.stderr}")
        return done.stdout

    def install(self, name: str, content: bytes, mode: int = 0o600) -> Path:
        """Put a file into the host's own folder."""
        path = self.place / name
        script = "import os, sys; p = sys.argv[1]; os.makedirs(os.path.dirname(p), 0o700, exist_ok=True); "
        script += f"f = os.open(p, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, {mode}); os.write(f, sys.stdin.buffer.read())"
        command = self.command(sys.executable, "-c", script, str(path))
        subprocess.run(command, input=content, check=True)
        return path

    def files(self) -> dict[str, bytes]:
        """Every file in the host's own folder, by its path below it."""
        root = Path(f"/proc/{self.first}/root{self.place}")
        found = {}
        for path in root.rglob("*"):
            with contextlib.suppress(OSError):
                if path.is_file() and not path.is_symlink():
                    found[str(path.relative_to(root))] = path.read_bytes()
        return found

    def lose_power(self) -> None:
        """Take the host off the network and end every process of it at once; its files are gone with them."""
        subprocess.run(["ip", "link", "set", self.wire, "down"], capture_output=True, check=False)
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.first, signal.SIGKILL)
        for process in self.processes:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(20)


@contextmanager
def running_hosts(*names: str) -> Iterator[tuple[str, list[Host]]]:
    """Hosts on one network: the address of this machine there, and the hosts.

    Args:
        names: their names.
    """
    tag = f"c{os.getpid() % 100_000}"
    net = f"10.177.{os.getpid() % 200 + 20}"
    place = Path(tempfile.mkdtemp(prefix="customs-host-"))
    hosts: list[Host] = []
    spaces: dict[str, str] = {}
    try:
        _do(f"ip link add {tag} type bridge", f"ip addr add {net}.1/24 dev {tag}", f"ip link set {tag} up")
        for number, name in enumerate(names):
            space, wire, address = f"{tag}n{number}", f"{tag}w{number}", f"{net}.{11 + number}"
            _do(f"ip netns add {space}")
            spaces[space] = wire
            _do(
                f"ip link add {wire} type veth peer name eth0 netns {space}",
                f"ip link set {wire} master {tag} up",
                f"ip -n {space} addr add {address}/24 dev eth0",
                f"ip -n {space} link set eth0 up",
                f"ip -n {space} link set lo up",
                f"ip -n {space} route add default via {net}.1",
            )
            hosts.append(_boot(name, address, place, space, wire))
        yield f"{net}.1", hosts
    finally:
        for host in hosts:
            host.lose_power()
        for space, wire in spaces.items():
            subprocess.run(["ip", "link", "del", wire], capture_output=True, check=False)
            _do(f"ip netns del {space}")
        _do(f"ip link del {tag}")
        shutil.rmtree(place)


def _boot(name: str, address: str, place: Path, space: str, wire: str) -> Host:
    apart = ("unshare", "--pid", "--fork", "--kill-child", "--mount", "--uts", "--mount-proc", "--")
    command = ["ip", "netns", "exec", space, *apart, sys.executable, "-c", _INIT, name, str(place)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"
    for _ in range(100):
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        if children:
            return Host(name, address, place, int(children[0]), wire, [process])
        time.sleep(0.05)
    raise AssertionError(f"the host {name} has no first process")


def _do(*commands: str) -> None:
    for command in commands:
        subprocess.run(command.split(), check=True, capture_output=True)

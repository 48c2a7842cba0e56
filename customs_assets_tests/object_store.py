"""An object store of the tests' own: Ceph with its S3 interface (Debian: ``radosgw``), real, empty, gone when they end.

What belongs here starts a monitor, one object server that keeps everything in memory, and the gateway that speaks S3. Of those
that Debian has it is the one that honours conditional puts: of two writers that ask for a new object one is refused.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

TIMEOUT = 120

PROGRAMS = ("ceph", "ceph-mon", "ceph-osd", "monmaptool", "radosgw", "radosgw-admin")

ACCESS_KEY = "CUSTOMSTEST"
SECRET_KEY = "geheim-der-ablage-7"

_CONFIG = """
[global]
fsid = {fsid}
mon_host = [v2:127.0.0.1:{monitor}/0]
auth_cluster_required = none
auth_service_required = none
auth_client_required = none
ms_mon_client_mode = crc
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 4
osd_pool_default_pg_autoscale_mode = off
osd_crush_chooseleaf_type = 0
mon_allow_pool_size_one = true
mon_max_pg_per_osd = 1000
paxos_propose_interval = 0.02
paxos_min_wait = 0.01
osd_objectstore = memstore
memstore_device_bytes = 8589934592
memstore_page_set = false
osd_max_object_name_len = 1024
osd_memory_target = 1073741824
rgw_gc_max_objs = 1
rgw_thread_pool_size = 32
rgw_enable_usage_log = false
rgw_lc_debug_interval = -1
run_dir = {folder}
log_file = {folder}/$name.log
admin_socket = {folder}/$name.asok
pid_file = {folder}/$name.pid
mon_data = {folder}/mon
osd_data = {folder}/osd
mgr_data = {folder}/mgr
[client.gateway]
rgw_data = {folder}/gateway
rgw_frontends = beast endpoint={address}:{port}
"""


def is_installed() -> bool:
    """Whether this machine has the store's programs."""
    return all(shutil.which(program) for program in PROGRAMS)


@dataclass(frozen=True)
class Store:
    """A running store.

    Attributes:
        address: where it listens, such as ``http://127.0.0.1:7480``.
        folder: its logs, and the file with its credentials, as the AWS tools read it.
    """

    address: str
    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs to use it. The key stands in the file alone."""
        return {
            "AWS_ENDPOINT_URL_S3": self.address,
            "AWS_SHARED_CREDENTIALS_FILE": str(self.folder / "credentials"),
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_DEFAULT_REGION": "default",
        }

    @contextmanager
    def used_here(self) -> Iterator[None]:
        """Within it, this process uses the store."""
        from customs_assets.lake import objects

        before = {name: os.environ.get(name) for name in self.environment}
        os.environ.update(self.environment)
        objects.forget_client()
        try:
            yield
        finally:
            for name, value in before.items():
                os.environ.pop(name) if value is None else os.environ.update({name: value})
            objects.forget_client()

    def make_bucket(self, name: str) -> None:
        """Make a bucket."""
        import boto3

        with self.used_here():
            boto3.client("s3").create_bucket(Bucket=name)


@contextmanager
def running_store(address: str = "127.0.0.1") -> Iterator[Store]:
    """A store that listens on an address of this machine.

    Args:
        address: the gateway's address. Its monitor and object server listen on 127.0.0.1.
    """
    folder = Path(tempfile.mkdtemp(prefix="customs-store-"))
    processes: list[subprocess.Popen[bytes]] = []
    try:
        port = _free_port()
        config = folder / "ceph.conf"
        fsid, monitor = str(uuid.uuid4()), _free_port()
        config.write_text(_CONFIG.format(fsid=fsid, monitor=monitor, folder=folder, address=address, port=port))
        environment = os.environ | {"CEPH_CONF": str(config)}

        def do(*command: str) -> str:
            done = subprocess.run(
                command, env=environment, capture_output=True, text=True, check=False, timeout=TIMEOUT
            )
            assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
            return done.stdout

        def start(*command: str) -> None:
            log = (folder / f"{command[0]}.out").open("ab")
            processes.append(subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True))

        for name in ("mon", "osd", "mgr", "gateway"):
            (folder / name).mkdir()
        monmap = str(folder / "monmap")
        do("monmaptool", "--create", "--fsid", fsid, "--addv", "a", f"[v2:127.0.0.1:{monitor}]", monmap)
        do("ceph-mon", "--mkfs", "-i", "a", "--monmap", monmap)
        start("ceph-mon", "-f", "-i", "a")
        osd = str(uuid.uuid4())
        do("ceph", "osd", "new", osd, "0")
        do("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", osd)
        do("ceph", "osd", "crush", "add", "osd.0", "1", "root=default", "host=here")
        start("ceph-osd", "-f", "-i", "0", "--osd-crush-update-on-start=false")
        keys = ("--access-key", ACCESS_KEY, "--secret-key", SECRET_KEY)
        do("radosgw-admin", "user", "create", "--uid=customs", "--display-name=customs", *keys)
        start("radosgw", "-f", "-n", "client.gateway")
        credentials = folder / "credentials"
        credentials.touch(0o600)
        credentials.write_text(f"[default]\naws_access_key_id = {ACCESS_KEY}\naws_secret_access_key = {SECRET_KEY}\n")
        store = Store(f"http://{address}:{port}", folder)
        _wait_until_it_answers(store)
        yield store
    finally:
        for process in reversed(processes):
            process.kill()
            process.wait()
        shutil.rmtree(folder)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def _wait_until_it_answers(store: Store) -> None:
    for _ in range(240):
        try:
            urllib.request.urlopen(store.address, timeout=5).close()
        except OSError:
            time.sleep(0.25)
        else:
            return
    raise AssertionError(f"the object store does not answer; its logs are in {store.folder}")

"""The server profile as it is deployed: the units' own commands, Dagster's storage in a real PostgreSQL, a shared lake."""

from __future__ import annotations

import configparser
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

from customs_assets_tests.postgresql_server import PASSWORD, PASSWORD_IN_ADDRESS, Server
from customs_assets_tests.services import CODE_SERVER, DAEMON, WEBSERVER, Services, small_environment

DEPLOY = Path(__file__).parents[2] / "deploy"
UNITS = {CODE_SERVER: "customs-code", DAEMON: "customs-daemon", WEBSERVER: "customs-webserver"}
MODULES = {
    "dagster": "dagster",
    "dagster-daemon": "dagster._daemon",
    "dagster-webserver": "dagster_webserver",
    "customs": "customs_assets.cli",
}


def _unit(name: str) -> configparser.SectionProxy:
    parser = configparser.ConfigParser(strict=False, interpolation=None, delimiters="=")
    parser.optionxform = lambda optionstr: optionstr
    parser.read(DEPLOY / "systemd" / f"{name}.service")
    return parser["Service"]


def _here(command: str, services: Services) -> list[str]:
    """A unit's command with this machine's Python, ports and workspace file."""
    program, *arguments = shlex.split(command)
    local = {
        "3000": str(services.port),
        "4000": str(services.code_port),
        "/etc/customs/workspace.yaml": str(services.workspace),
    }
    return [sys.executable, "-m", MODULES[Path(program).name], *(local.get(word, word) for word in arguments)]


def test_the_units_run_a_month_with_postgresql_as_storage_and_a_lake_that_the_group_shares(
    tmp_path: Path, postgresql: Server, small_source: Path
):
    lake = tmp_path / "lake"
    lake.mkdir()
    lake.chmod(0o2770)
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    config = (DEPLOY / "dagster.yaml").read_text().replace("/var/lib/customs", str(home))
    (home / "dagster.yaml").write_text(config)
    address = postgresql.address_with_password().replace("postgresql:", "postgresql+psycopg2:")
    environment = small_environment(tmp_path, CUSTOMS_SOURCE=str(small_source), CUSTOMS_DAGSTER_DATABASE=address)
    services = Services(tmp_path, environment)
    services.commands = {name: _here(_unit(unit)["ExecStart"], services) for name, unit in UNITS.items()}
    recover = _here(_unit("customs-daemon")["ExecStartPre"], services)
    assert subprocess.run(recover, env=environment, cwd=tmp_path, check=False).returncode == 0
    with services:
        run = services.launch_run("month", "2020-01", ["quarantine", "raw_declarations", "labelled_declarations"])
        services.wait_until(lambda: services.runs()[0]["status"] in ("SUCCESS", "FAILURE"), 120)
        assert postgresql.fetch("select run_id, status from runs") == [(run, "SUCCESS")]
        assert {name for (name,) in postgresql.fetch("select distinct daemon_type from daemon_heartbeats")} >= {
            "SENSOR",
            "SCHEDULER",
            "BACKFILL",
            "QUEUED_RUN_COORDINATOR",
        }
        listening = _listening({services.port, services.code_port})
        assert listening == {(services.port, "127.0.0.1"), (services.code_port, "127.0.0.1")}
    assert (lake / "raw_declarations" / "2020-01.parquet").stat().st_mode & 0o7777 == 0o660
    assert (lake / "raw_declarations").stat().st_mode & 0o7777 == 0o2770
    assert not list(home.rglob("*.db")), "nothing is left in SQLite"
    for path in tmp_path.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert PASSWORD.encode() not in content
            assert PASSWORD_IN_ADDRESS.encode() not in content, path


def _listening(ports: set[int]) -> set[tuple[int, str]]:
    """The addresses of this machine on which some TCP ports are listened on."""
    found = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text().splitlines()[1:]:
            fields = line.split()
            address, port = fields[1].split(":")
            if fields[3] == "0A" and int(port, 16) in ports:
                # IPv4, as it is or mapped into IPv6.
                is_four = len(address) == 8 or address.startswith("0000000000000000FFFF0000")
                octets = [str(byte) for byte in reversed(bytes.fromhex(address[-8:]))]
                found.add((int(port, 16), ".".join(octets) if is_four else address))
    return found


def test_systemd_reads_the_units():
    program = shutil.which("systemd-analyze")
    if program is None:
        for unit in UNITS.values():
            assert _unit(unit)["ExecStart"].startswith("/opt/customs/.venv/bin/")
        return
    units = sorted(str(path) for path in (DEPLOY / "systemd").iterdir())
    done = subprocess.run([program, "verify", "--man=no", *units], capture_output=True, text=True, check=False)
    complaints = [line for line in done.stderr.splitlines() if "is not executable" not in line]
    assert not [line for line in complaints if "customs" in line], complaints


def test_memory_limits_leave_room_for_the_runs_and_a_killed_run_takes_no_other_with_it():
    gigabytes = {
        unit: [float(_unit(unit)[limit].removesuffix("G")) for limit in ("MemoryHigh", "MemoryMax")]
        for unit in UNITS.values()
    }
    assert all(1 <= high < most for high, most in gigabytes.values())
    runs = yaml.safe_load((DEPLOY / "dagster.yaml").read_text())["concurrency"]["runs"]["max_concurrent_runs"]
    assert gigabytes["customs-daemon"][0] >= runs * 1.5 + 0.2
    assert _unit("customs-daemon")["OOMPolicy"] == "continue"


def test_secrets_stand_in_the_environment_file_alone_and_servers_listen_on_this_machine():
    config = yaml.safe_load((DEPLOY / "dagster.yaml").read_text())
    assert config["storage"]["postgres"]["postgres_url"] == {"env": "CUSTOMS_DAGSTER_DATABASE"}
    assert config["telemetry"] == {"enabled": False}
    for unit in UNITS.values():
        section = _unit(unit)
        assert section["EnvironmentFile"] == "/etc/customs/customs.env"
        assert section["NoNewPrivileges"] == "true"
        words = shlex.split(section["ExecStart"])
        assert "-h" not in words or words[words.index("-h") + 1] == "127.0.0.1"

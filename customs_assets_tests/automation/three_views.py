"""What `customs status`, Dagster's GraphQL and an automation tick say of a lake, one after the other.

Dagster's definitions hold the settings of the time when they were loaded. So each case is asked in a process that was started
under its settings: it reads folders from its input, a line each, and answers each with a line of JSON.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from typer.testing import CliRunner

from customs_assets.cli import app
from customs_assets.graph import Node

_OF_A_WHOLE = """
query stale($asset: AssetKeyInput!) { assetNodes(assetKeys: [$asset]) { staleStatus staleCauses { reason } } }"""
_OF_PARTITIONS = """
query stale($asset: AssetKeyInput!, $partitions: [String!]) {
  assetNodes(assetKeys: [$asset]) {
    staleStatusByPartition(partitions: $partitions)
    staleCausesByPartition(partitions: $partitions) { reason }
  }
}"""


@dataclass(frozen=True)
class Views:
    """What the three say.

    Attributes:
        status: the reason why each partition has to be built, or has not passed its checks, by `customs status`.
        graphql: the status and the causes of each partition that GraphQL does not call fresh.
        before: the same before `customs status` told Dagster anything.
        tick: what an automation tick asks for.
        output: what `customs status` printed.
    """

    status: dict[Node, str]
    graphql: dict[Node, list[str]]
    before: dict[Node, list[str]]
    tick: set[Node]
    output: str

    @property
    def to_build(self) -> set[Node]:
        """What has to be built, by `customs status`: not what only failed its checks."""
        judged = ("did not pass", "was not judged")
        return {node for node, reason in self.status.items() if not reason.startswith(judged)}


class ThreeViews:
    """A process that is asked for the three views, started under some settings."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def ask(
        self, folder: Path, months: Sequence[str], first: Sequence[str] = (), today: str = "", **environment: str
    ) -> Views:
        """What the three say of the lake and the Dagster home in a folder, of some months.

        Args:
            folder: the folder.
            months: the months.
            first: arguments of a `customs` command that is run first.
            today: the day on which it is asked, the present one where empty.
            environment: settings of this question alone that the definitions do not depend on.
        """
        assert self._process.stdin is not None and self._process.stdout is not None
        question = {"folder": str(folder), "months": list(months), "first": list(first), "today": today}
        self._process.stdin.write(json.dumps({**question, "environment": environment}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, f"the process ended with status {self._process.wait()}"
        said = json.loads(line)
        return Views(
            {(key, of): reason for key, of, reason in said["status"]},
            {(key, of): causes for key, of, causes in said["graphql"]},
            {(key, of): causes for key, of, causes in said["before"]},
            {(key, of) for key, of in said["tick"]},
            said["output"],
        )

    def __enter__(self) -> ThreeViews:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()


def _status(months: Sequence[str], keys: Iterable[str]) -> tuple[str, list[tuple[str, str, str]]]:
    """What `customs status` prints, and the partitions that it names, each with its reason."""
    done = CliRunner().invoke(app, ["status", "--months", ",".join(months)])
    assert done.exit_code == 0, done.output
    found = []
    for line in done.output.splitlines():
        name, _, reason = line.partition(": ")
        key, _, partitions = name.partition(" ")
        if key in keys:
            found += [(key, partition, reason) for partition in partitions.split(", ")]
    return done.output, found


def _graphql(schema: Any, months: Sequence[str]) -> list[tuple[str, str, list[str]]]:
    """The partitions that GraphQL does not call fresh: the status, then the reasons."""
    import dagster as dg
    from dagster._core.test_utils import in_process_test_workspace
    from dagster._core.types.loadable_target_origin import LoadableTargetOrigin

    from customs_assets.definitions import graph

    origin = LoadableTargetOrigin(executable_path=sys.executable, module_name="customs_assets.definitions")
    found: list[tuple[str, str, list[str]]] = []
    with dg.DagsterInstance.get() as instance, in_process_test_workspace(instance, origin) as context:
        for key in graph.assets:
            partitions = list(graph.partitions(key, months))
            is_whole = partitions == [""]
            asked: dict[str, Any] = {"asset": {"path": [key]}}
            if not is_whole:
                asked["partitions"] = partitions
            query = _OF_A_WHOLE if is_whole else _OF_PARTITIONS
            done = schema.execute(query, context_value=context, variables=asked)
            assert not done.errors, done.errors
            [node] = done.data["assetNodes"]
            statuses = [node["staleStatus"]] if is_whole else node["staleStatusByPartition"]
            causes = [node["staleCauses"]] if is_whole else node["staleCausesByPartition"]
            found += [
                (key, partition, [status, *(cause["reason"] for cause in of)])
                for partition, status, of in zip(partitions, statuses, causes, strict=True)
                if status != "FRESH"
            ]
    return found


def _tick(cursor: Path) -> list[Node]:
    """What a tick of the automation asks for; the cursor is kept for the next one, as the daemon keeps it."""
    import dagster as dg
    from dagster._core.definitions.asset_daemon_cursor import AssetDaemonCursor
    from dagster._serdes import deserialize_value, serialize_value

    from customs_assets.definitions import defs, graph

    before = deserialize_value(cursor.read_text(), AssetDaemonCursor) if cursor.exists() else None
    with dg.DagsterInstance.get() as instance:
        result = dg.evaluate_automation_conditions(defs, instance, cursor=before)
    cursor.write_text(serialize_value(result.cursor))
    return [
        (key, partition or "")
        for key in graph.assets
        for partition in result.get_requested_partitions(dg.AssetKey(key))
    ]


def _serve() -> None:
    from dagster._core.test_utils import freeze_time
    from dagster_graphql.schema import create_schema

    from customs_assets.definitions import graph

    schema, answers, settings = create_schema(), sys.stdout, dict(os.environ)
    sys.stdout = sys.stderr
    for line in sys.stdin:
        question = json.loads(line)
        folder, months = Path(question["folder"]), question["months"]
        places = {"CUSTOMS_LAKE": str(folder / "lake"), "DAGSTER_HOME": str(folder / "home")}
        os.environ.update({**settings, **places, **question["environment"]})
        today = datetime.fromisoformat(question["today"] or date.today().isoformat()).replace(tzinfo=UTC)
        with freeze_time(today):
            if question["first"]:
                CliRunner().invoke(app, question["first"])
            before = _graphql(schema, months)
            output, status = _status(months, graph.assets)
            said = {
                "before": before,
                "status": status,
                "graphql": _graphql(schema, months),
                "tick": _tick(folder / "cursor"),
                "output": output,
            }
        print(json.dumps(said), file=answers, flush=True)


if __name__ == "__main__":
    _serve()

"""`customs run` in this process: the real runs, looked for and started as the command does, without processes of workers.

For tests and ``benchmarks/small_sources.py``, which build many small lakes: starting workers would take longer than their work.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import dagster as dg

from customs_assets.automation.running import Outcome, Run, build
from customs_assets.automation.staleness import Staleness
from customs_assets.automation.workers import _execute
from customs_assets.definitions import graph
from customs_assets.graph import Node
from customs_assets.lake import Lake
from customs_assets.settings import Settings


class InThisProcess:
    """Executes a run where it is taken."""

    on_end: Callable[[str, str], Any]

    @property
    def tags(self) -> dict[str, str]:
        """Runs that it takes have no tags of their own."""
        return {}

    def take(self, run_id: str) -> None:
        """Execute a run; returns when it has ended."""
        self.on_end(run_id, _execute(run_id))


class Silent:
    """A screen that shows nothing."""

    def start(self, run: Run) -> None:
        """A run was started."""

    def tick(self) -> None:
        """Called while runs are under way."""

    def end(self, run: Run, outcome: Outcome) -> None:
        """A run has ended."""


@dataclass(frozen=True)
class Built:
    """What became of building a lake.

    Attributes:
        outcomes: what became of each run.
        unbuilt: what was not built.
        lake: the lake.
    """

    outcomes: Mapping[Run, Outcome]
    unbuilt: Sequence[Node]
    lake: Lake = field(repr=False)

    @property
    def problems(self) -> list[str]:
        """What went wrong, a sentence each."""
        return [problem for outcome in self.outcomes.values() for problem in outcome.problems]

    @property
    def left_out(self) -> dict[str, str]:
        """The months that are left out, and why."""
        return {run.partition: outcome.left_out for run, outcome in self.outcomes.items() if outcome.left_out}


def built(months: Sequence[str], keys: Collection[str] | None = None) -> Built:
    """Build what is out of date by the settings of this process.

    Args:
        months: the months.
        keys: the assets that are built; all of a run where None.
    """
    settings = Settings()  # pyright: ignore[reportCallIssue]
    lake = Lake(settings.lake)
    with dg.DagsterInstance.get() as instance:
        staleness = Staleness(graph, lake, settings, keys)
        workers: Any = InThisProcess()
        outcomes, unbuilt = build(instance, staleness, months, 1, Silent(), workers)
    return Built(outcomes, unbuilt, lake)

"""Declarative automation: what is out of date is built again, once everything that it is built from is up to date.

The condition asks ``staleness``, as `customs status` does, for the months that are in the lake. A month that nobody has
read is not built. What is built over all months waits until none of them has to be built, so that a backfill of many
months ends in one release.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from weakref import WeakKeyDictionary

import dagster as dg
from dagster._core.asset_graph_view.asset_graph_view import AssetGraphView
from dagster._core.definitions.events import AssetKeyPartitionKey

from customs_assets.automation.jobs import JOB_OF
from customs_assets.automation.staleness import READ, Staleness, ready
from customs_assets.graph import Graph, Node
from customs_assets.lake import Lake
from customs_assets.settings import Settings

# What can be built, by the tick that found it.
_DUE: WeakKeyDictionary[AssetGraphView, set[Node]] = WeakKeyDictionary()


class OutOfDate(dg.AutomationCondition):
    """True of a partition that has to be built and can be: nothing that it is built from has to be built first."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    @property
    def name(self) -> str:
        """What the UI calls the condition."""
        return "out_of_date_and_can_be_built"

    def evaluate(self, context: dg.AutomationContext) -> dg.AutomationResult:
        """The partitions of one asset of which it is true."""
        # One look at the lake for all assets of a tick.
        if context.asset_graph_view not in _DUE:
            _DUE[context.asset_graph_view] = self._look()
        due = {of for key, of in _DUE[context.asset_graph_view] if key == context.key.to_user_string()}
        everything: Any = context.asset_graph_view.get_full_subset(key=context.key)
        subset = context.get_empty_subset() if not due else everything
        if due and everything.is_partitioned:
            subset = context.asset_graph_view.get_asset_subset_from_asset_partitions(
                context.key, {AssetKeyPartitionKey(context.key, partition) for partition in due}
            )
        return dg.AutomationResult(context, true_subset=subset.compute_intersection(context.candidate_subset))

    def _look(self) -> set[Node]:
        """What has to be built and can be."""
        settings = Settings()  # pyright: ignore[reportCallIssue]
        lake = Lake(settings.lake)
        staleness = Staleness(self._graph, lake, settings)
        months = staleness.months()
        # Without a month of the present source there is nothing that anything could be built over.
        findings = staleness.out_of_date(months) if months else {}
        # What is read from the source has no condition, so that what is built from it has to wait for a person or the schedule.
        pending = {(key, of) for (key, of), finding in findings.items() if not finding.is_judgement and key not in READ}
        runs = ready(staleness, pending, findings.keys() - pending, months, JOB_OF)
        return {(asset, partition) for (_, partition), assets in runs.items() for asset in assets}


def refreshed(
    assets: Sequence[dg.AssetsDefinition | dg.AssetSpec], graph: Graph
) -> Sequence[dg.AssetsDefinition | dg.AssetSpec]:
    """The assets, each with its condition where it is built by the pipeline and not read from the source.

    A partition is asked for when it becomes out of date, or when one of its inputs is built again. It is not asked for a second
    time while that run is under way, nor because that run failed.
    """
    # Not since it was updated: a report without a run, such as that of `customs status`, would pass for a build.
    condition = (
        (OutOfDate(graph).newly_true() | dg.AutomationCondition.any_deps_updated()).since(
            dg.AutomationCondition.newly_requested()
        )
        & OutOfDate(graph)
        & ~dg.AutomationCondition.any_deps_in_progress()
        & ~dg.AutomationCondition.in_progress()
    ).with_label("refresh_what_is_out_of_date")

    def with_condition(spec: dg.AssetSpec) -> dg.AssetSpec:
        key = spec.key.to_user_string()
        is_built = key in graph and key not in READ
        return spec.replace_attributes(automation_condition=condition) if is_built else spec

    return dg.map_asset_specs(with_condition, assets)


def refresh_sensor(settings: Settings) -> dg.AutomationConditionSensorDefinition:
    """The sensor that evaluates the conditions; off unless ``CUSTOMS_AUTOMATION`` is set or it is turned on in the UI."""
    on = dg.DefaultSensorStatus.RUNNING if settings.automation else dg.DefaultSensorStatus.STOPPED
    return dg.AutomationConditionSensorDefinition(
        "refresh_downstream",
        target=dg.AssetSelection.all(),
        default_status=on,
        minimum_interval_seconds=30,
        use_user_code_server=True,
        description="Builds again what is out of date in the months that are in the lake.",
    )

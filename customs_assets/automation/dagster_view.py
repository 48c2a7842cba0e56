"""What Dagster cannot see by itself is reported to it, so that its UI says what `customs status` says.

Dagster compares code versions and checksums along the edges of its graph. It does not look at the months behind an
asset over all months, nor at files, nor at a source; and a new Dagster home knows nothing of a lake. What belongs here
compares Dagster's view of each partition with the lake's, and reports a materialization without a run where they differ.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import partial

import dagster as dg
from dagster._core.definitions.assets.graph.base_asset_graph import BaseAssetGraph
from dagster._core.definitions.data_version import (
    CODE_VERSION_TAG,
    DATA_VERSION_IS_USER_PROVIDED_TAG,
    DATA_VERSION_TAG,
    NULL_EVENT_POINTER,
    CachingStaleStatusResolver,
    StaleStatus,
    get_input_data_version_tag,
    get_input_event_pointer_tag,
)
from dagster._core.loader import LoadingContext

from customs_assets.automation.staleness import Finding, Staleness
from customs_assets.graph import Node

# The code version of what Dagster is told is out of date: no asset has it.
OUT_OF_DATE = "out-of-date"


class _Loading(LoadingContext):
    """What Dagster's resolver loads its records with."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self._instance, self._loaders = instance, {}

    @property
    def instance(self) -> dg.DagsterInstance:
        return self._instance

    @property
    def loaders(self) -> dict:
        return self._loaders


def tell_dagster(
    instance: dg.DagsterInstance,
    asset_graph: BaseAssetGraph,
    staleness: Staleness,
    months: Sequence[str],
    already_told: Collection[Node] = (),
) -> int:
    """Report to Dagster what it does not see of some months and of what is built over all months.

    Args:
        instance: the Dagster instance.
        asset_graph: the graph of the code location.
        staleness: the lake as it is.
        months: the months.
        already_told: what was just built by runs, which tell Dagster themselves.

    Returns:
        How many partitions it was told of.
    """
    findings = staleness.out_of_date(months)
    told = 0
    resolver = CachingStaleStatusResolver(instance, asset_graph, _Loading(instance))
    for key in staleness.graph.assets:
        for partition in staleness.graph.partitions(key, months):
            if (key, partition) in already_told:
                continue
            finding = findings.get((key, partition))
            status = resolver.get_status(dg.AssetKey(key), partition or None)
            if status == _should_be(finding, status):
                continue
            _report(instance, asset_graph, staleness, key, partition, finding)
            # It remembers what it has read.
            resolver = CachingStaleStatusResolver(instance, asset_graph, _Loading(instance))
            told += 1
    return told


def _should_be(finding: Finding | None, status: StaleStatus) -> StaleStatus:
    """What Dagster has to say of a partition: fresh, or either word for what has to be built."""
    if finding is None or finding.is_judgement:
        return StaleStatus.FRESH
    return status if status is not StaleStatus.FRESH else StaleStatus.STALE


def _report(
    instance: dg.DagsterInstance,
    asset_graph: BaseAssetGraph,
    staleness: Staleness,
    key: str,
    partition: str,
    finding: Finding | None,
) -> None:
    record, node = staleness.lake.last_record(key, partition), asset_graph.get(dg.AssetKey(key))
    # A judged partition is up to date; only its checks failed, which Dagster knows.
    is_fresh = finding is None or finding.is_judgement
    tags = {
        CODE_VERSION_TAG: node.code_version or "" if is_fresh else OUT_OF_DATE,
        DATA_VERSION_TAG: record.sha256 if record else OUT_OF_DATE,
        DATA_VERSION_IS_USER_PROVIDED_TAG: "true",
    }
    latest = partial(instance.get_latest_data_version_record, is_source=False)
    for parent in node.parent_keys:
        event = latest(parent)
        tags[get_input_event_pointer_tag(parent)] = str(event.storage_id) if event else NULL_EVENT_POINTER
        tags[get_input_data_version_tag(parent)] = _version_of(staleness, parent.to_user_string())
    said = "is in the lake and up to date" if is_fresh or finding is None else finding.reason
    instance.report_runless_asset_event(
        dg.AssetMaterialization(
            dg.AssetKey(key),
            description=f"Nothing was built. {f'{key} {partition}'.strip()} {said}.",
            partition=partition or None,
            tags=tags,
        )
    )


def _version_of(staleness: Staleness, parent: str) -> str:
    """The data version of an asset without partitions, as its record has it; of any other Dagster goes by the event."""
    record = staleness.lake.last_record(parent) if parent in staleness.graph else None
    return record.sha256 if record else "INITIAL"

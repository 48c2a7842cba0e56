"""Declarative automation: a partition that was made again makes what stands downstream of it out of date, and so made again.

What belongs here is the condition and its sensor. A month is refreshed for the partitions that changed; what is made over all
months waits until none of them is under way, so that a backfill of many months ends in one release and not in many.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType

import dagster as dg

from customs_assets.settings import Settings

refresh = (
    dg.AutomationCondition.any_deps_updated().since_last_handled()
    & ~dg.AutomationCondition.any_deps_in_progress()
    & ~dg.AutomationCondition.in_progress()
    & ~dg.AutomationCondition.any_deps_match(
        dg.AutomationCondition.any_checks_match(dg.AutomationCondition.check_failed(), blocking_only=True)
    ).with_label("any_blocking_expectation_failed")
).with_label("refresh_after_upstream")


def refreshed(modules: Sequence[ModuleType]) -> Sequence[dg.AssetsDefinition | dg.AssetSpec]:
    """The assets of some modules, each with the condition where it is made from another."""

    def with_condition(spec: dg.AssetSpec) -> dg.AssetSpec:
        return spec.replace_attributes(automation_condition=refresh) if list(spec.deps) else spec

    found = dg.load_assets_from_modules(modules)
    return dg.map_asset_specs(with_condition, [a for a in found if isinstance(a, dg.AssetsDefinition | dg.AssetSpec)])


def refresh_sensor(settings: Settings) -> dg.AutomationConditionSensorDefinition:
    """The sensor that evaluates the conditions; off unless ``CUSTOMS_AUTOMATION`` is set or it is turned on in the UI."""
    on = dg.DefaultSensorStatus.RUNNING if settings.automation else dg.DefaultSensorStatus.STOPPED
    return dg.AutomationConditionSensorDefinition(
        "refresh_downstream",
        target=dg.AssetSelection.all(),
        default_status=on,
        minimum_interval_seconds=30,
        description="Makes again what stands downstream of a month that was made again.",
    )

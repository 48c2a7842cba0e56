"""Declarative automation: a partition that was made again makes what stands downstream of it out of date, and so made again.

What belongs here is the condition and its sensor. A month is refreshed for the partitions that changed; what is made over all
months waits until none of them is under way or due, so that a backfill of many months ends in one release and not in many; and
what stands on that waits in turn, so that a synthetic month is made once, when model and shared artifacts are both new.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import or_
from types import ModuleType

import dagster as dg

from customs_assets.catalogue import BY_KEY, SOURCE_KEY, Partitioning, ancestors, stage_of
from customs_assets.settings import Settings

_asked = dg.AutomationCondition.any_deps_updated().since_last_handled()
_on_what_failed = dg.AutomationCondition.any_deps_match(
    dg.AutomationCondition.any_checks_match(dg.AutomationCondition.check_failed(), blocking_only=True)
).with_label("any_blocking_expectation_failed")

# What the months share is no reason to make a month that nobody has read.
_has_all_it_needs = ~dg.AutomationCondition.any_deps_missing()


def refresh(key: str) -> dg.AutomationCondition:
    """When an artifact is made again: something it is made from changed, and nothing of that is about to change once more.

    Only the last of what it is made from count as changes: a month's report waits for the synthetic month, and does not follow
    the anonymized one that both are made from. Artifacts of one stage are asked for together, and made in one run.
    """
    upstream = BY_KEY[key].upstream
    behind = set().union(*(ancestors(other) for other in upstream))
    last = dg.AssetSelection.assets(*([other for other in upstream if other not in behind] or [SOURCE_KEY]))
    condition = (
        dg.AutomationCondition.any_deps_updated().allow(last).since_last_handled()
        & ~_on_what_failed
        & ~dg.AutomationCondition.any_deps_in_progress()
        & ~dg.AutomationCondition.in_progress()
    )
    if earlier := [other for other in upstream if stage_of(other) < stage_of(key)]:
        condition &= ~_any_due(earlier)
    if _is_later_month(key):
        condition &= _has_all_it_needs
    return condition.with_label("refresh_after_upstream")


def _any_due(keys: Sequence[str]) -> dg.AutomationCondition:
    """Whether any of some artifacts is to be made again as soon as it can be: who is made from it waits, or is made twice."""
    due = _asked & ~_on_what_failed
    months = [key for key in keys if _is_later_month(key)]
    others = [key for key in keys if key not in months]
    conditions = [
        dg.AutomationCondition.any_deps_match(condition).allow(dg.AssetSelection.assets(*of))
        for of, condition in ((others, due), (months, due & _has_all_it_needs))
        if of
    ]
    return reduce(or_, conditions).with_label("any_upstream_due")


def _is_later_month(key: str) -> bool:
    """Whether an artifact is a month's and made from what all months share."""
    return BY_KEY[key].partitioning is Partitioning.MONTH and stage_of(key) > 0


def refreshed(modules: Sequence[ModuleType]) -> Sequence[dg.AssetsDefinition | dg.AssetSpec]:
    """The assets of some modules, each with its condition where it is made from another."""

    def with_condition(spec: dg.AssetSpec) -> dg.AssetSpec:
        key = spec.key.to_user_string()
        return spec.replace_attributes(automation_condition=refresh(key)) if list(spec.deps) else spec

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

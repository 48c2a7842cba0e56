"""A job for each thing a person asks for, and the schedules that ask by themselves, monthly and daily."""

from __future__ import annotations

import dagster as dg

from customs_assets.catalogue import ARTIFACTS, BY_KEY, RELEASE, SOURCE_KEY, Partitioning, stage_of
from customs_assets.partitions import cells, months
from customs_assets.settings import Settings

# What takes long is a run of its own, so that several work on it: the others of its stage need not wait for it. So is the gate,
# which waits for the attacks: the candidate need not.
_ALONE: dict[str, tuple[str, str]] = {
    "rehearsed_declarations": (
        "rehearsal",
        "The synthesis once more on half of the importers, which attacks are measured on.",
    ),
    "release_evidence": ("measures", "Fidelity, relations, detection and utility over all months."),
    "release_privacy": ("attacks", "The k rule's account over all months, and the attacks on the rehearsal."),
    RELEASE: ("release", "The gate: releases the candidate where every privacy claim was measured and none convicts."),
}


def _made(partitioning: Partitioning, stage: int) -> dg.AssetSelection:
    """What one run of a partitioning and a stage makes."""
    return dg.AssetSelection.assets(
        *(
            a.key
            for a in ARTIFACTS
            if a.partitioning is partitioning and stage_of(a.key) == stage and a.key not in _ALONE
        )
    )


month_job = dg.define_asset_job(
    "month",
    selection=_made(Partitioning.MONTH, 0),
    partitions_def=months,
    description="One month, from the source to its trained model.",
)

# The job that makes what is of a partitioning and a stage.
_OF_STAGE = {
    (Partitioning.MONTH, 0): month_job,
    (Partitioning.WHOLE, 1): dg.define_asset_job(
        "shared",
        selection=_made(Partitioning.WHOLE, 1),
        description="What the months share, over all months in the lake: safe groups, composed identities, fraud propensity.",
    ),
    (Partitioning.MONTH, 2): dg.define_asset_job(
        "synthesis",
        selection=_made(Partitioning.MONTH, 2),
        partitions_def=months,
        description="One synthetic month and its reports, from its model and what the months share.",
    ),
    (Partitioning.WHOLE, 3): dg.define_asset_job(
        "candidate",
        selection=_made(Partitioning.WHOLE, 3),
        description="The scores over all months in the lake, and what would be released of them.",
    ),
    (Partitioning.CELL, 3): dg.define_asset_job(
        "fraud_benchmark_cell",
        selection=_made(Partitioning.CELL, 3),
        partitions_def=cells,
        description="One cell of Table 3; launch it as a backfill for the whole table.",
    ),
    (Partitioning.WHOLE, 4): dg.define_asset_job(
        "evidence", selection=_made(Partitioning.WHOLE, 4), description="The evidence on one page."
    ),
}

_OF_KEY = {
    key: dg.define_asset_job(name, selection=dg.AssetSelection.assets(key), description=description)
    for key, (name, description) in _ALONE.items()
}

JOBS = (*_OF_STAGE.values(), *_OF_KEY.values())


def job_of(key: str) -> str:
    """The name of the job that makes an artifact, alone or with the others of its partitioning and stage."""
    return (_OF_KEY.get(key) or _OF_STAGE[BY_KEY[key].partitioning, stage_of(key)]).name


on_time_job = dg.define_asset_job(
    "months_on_time",
    selection=dg.AssetSelection.checks_for_assets(SOURCE_KEY),
    description="Whether the month that is due is in the lake.",
)


def schedules(settings: Settings) -> list[dg.ScheduleDefinition | dg.UnresolvedPartitionedAssetScheduleDefinition]:
    """The schedules; off unless ``CUSTOMS_AUTOMATION`` is set or they are turned on in the UI."""
    on = dg.DefaultScheduleStatus.RUNNING if settings.automation else dg.DefaultScheduleStatus.STOPPED
    # Declarations of the last days of a month are still being inspected on the first of the next.
    month_that_closed = dg.build_schedule_from_partitioned_job(
        month_job,
        name="month_that_closed",
        description="On the third of every month, at 04:00 UTC, the month that closed.",
        day_of_month=3,
        hour_of_day=4,
        default_status=on,
    )
    late_month = dg.ScheduleDefinition(
        name="late_month",
        job=on_time_job,
        cron_schedule="30 6 * * *",
        description="Every day, at 06:30 UTC: is the month that is due in the lake?",
        default_status=on,
    )
    return [month_that_closed, late_month]

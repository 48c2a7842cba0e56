"""The entries of the league, as Dagster partitions: every synthesizer on every month."""

from __future__ import annotations

import dagster as dg

from customs_assets.generator.synthesizer import SYNTHESIZERS
from customs_assets.partitions import months

entries = dg.MultiPartitionsDefinition(
    {"month": months, "synthesizer": dg.StaticPartitionsDefinition(list(SYNTHESIZERS))}
)

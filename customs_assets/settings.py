"""One typed settings object, read from ``CUSTOMS_*`` variables.

What belongs here is what a person may set. Facts of the form or the law stand in ``declaration.py``; where a partition
lives stands in ``lake.py``. Nothing else in the package reads the environment for its own settings.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


def available_cores() -> int:
    """The cores this process may use (at least 1)."""
    if hasattr(os, "sched_getaffinity"):
        return max(len(os.sched_getaffinity(0)), 1)
    return max(os.cpu_count() or 1, 1)


class Settings(BaseSettings):
    """The settings of one pipeline, each read from ``CUSTOMS_<NAME>``.

    Raises:
        pydantic.ValidationError: a value is out of its range; the message names the setting.
    """

    model_config = SettingsConfigDict(env_prefix="CUSTOMS_", frozen=True, extra="ignore")

    source: str = Field(
        "simulated",
        description="`simulated`, a path, folder or glob of CSV or Parquet files, or a `postgresql://` address",
    )
    lake: str = Field("./lake", description="folder or fsspec address of the lake")
    seed: int = Field(2020, ge=0, description="base seed of every random draw")
    epochs: int = Field(300, ge=1, description="CTGAN epochs for each month")
    min_group: int = Field(5, ge=2, description="k: how many source declarations or importers stand behind a value")
    rows: int | None = Field(None, ge=1, description="synthetic rows for each month; as many as the month had if unset")
    price: Literal["residual", "unit_price"] = Field(
        "residual",
        description="item price = net mass x unit price x residual, or the paper's form without the residual",
    )
    rehearsal_epochs: int | None = Field(
        None,
        ge=1,
        description="CTGAN epochs for each month of the rehearsal that attacks are measured on; a tenth of epochs if unset",
    )
    identity_key: Path = Field(
        Path(".customs/identity.key"), description="file with the secret that makes identity tokens, outside the lake"
    )

    @field_validator("source", "lake")
    @classmethod
    def _not_blank(cls, value: str) -> str:
        if not value.strip():
            raise ValueError("must not be empty")
        return value.strip()

"""The simulated source: the model of ``simulation`` as a source, at ``simulated?declarations=54000&seed=7``."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import numpy as np
import pyarrow as pa

from customs_assets import simulation
from customs_assets.months import month_range
from customs_assets.source.quarantine import SCHEMA
from customs_assets.source.reading import MonthStream, SourceError, SourceMonth

if TYPE_CHECKING:
    from customs_assets.simulation.world import World

# About 60,000 declarations a month over the 18 months of the paper.
DECLARATIONS = 1_080_000
SEED = 2020
INSPECTED = 0.05


@dataclass(frozen=True, slots=True)
class SimulatedSource:
    """The declarations of a simulated world: any month from 2020-01 on, after 2021-06 as well. Others raise SourceError.

    Attributes:
        declarations: how many there are in all from 2020-01 to 2021-06; later months go on at the same volume.
        seed: the seed of the world and of its months.
        inspected: the share of the declarations that is inspected and so carries labels.
    """

    declarations: int = DECLARATIONS
    seed: int = SEED
    inspected: float = INSPECTED

    @property
    def description(self) -> str:
        """What the source is, for a person."""
        return (
            f"a simulated customs administration: {self.declarations:,} declarations from 2020-01 to 2021-06, "
            f"{self.inspected:.0%} of them inspected, seed {self.seed}"
        )

    @property
    def origin(self) -> str:
        """The address with every setting."""
        return f"simulated?declarations={self.declarations}&seed={self.seed}&inspected={self.inspected}"

    def months(self) -> list[str]:
        """The 18 months of the paper, 2020-01 to 2021-06."""
        return month_range("2020-01:2021-06")

    def fingerprint(self, month: str) -> str:
        """A hash of all that decides the month: the settings, the model's modules, NumPy's and Faker's versions."""
        drawn_with = f"{np.__version__} {version('faker')} {_model_hash()}"
        text = f"{self.declarations} {self.seed} {self.inspected} {month} {drawn_with}"
        return hashlib.sha256(text.encode()).hexdigest()

    def read_month(self, month: str) -> SourceMonth:
        """The declarations of a month: the whole form in 77 columns, typed; nothing is quarantined."""
        return self.stream_month(month).collect()

    def stream_month(self, month: str) -> MonthStream:
        """The same as they are drawn, a block at a time."""
        from customs_assets.simulation.month import draw_blocks, month_schema

        world, rows = self._world_and_rows(month)
        tables = (table for table, _ in draw_blocks(world, month, rows))
        return MonthStream(month_schema(world), tables, lambda: (SCHEMA.empty_table(), rows))

    def read_truth(self, month: str) -> pa.Table:
        """What inspection would have found in each declaration of a month, inspected or not.

        Returns:
            A table of ``declaration_id`` and ``mechanism`` (the name of a ``fraud.Mechanism`` in lower case), one row
            for each declaration in the order of :meth:`read_month`.
        """
        from customs_assets.simulation.fraud import Mechanism

        table, mechanisms = self.draw(month, only_attributes=True)
        names = np.array([mechanism.name.lower() for mechanism in Mechanism])
        return pa.table(
            {"declaration_id": table["declaration_id"], "mechanism": pa.array(names[mechanisms], pa.string())}
        )

    def draw(self, month: str, only_attributes: bool = False) -> tuple[pa.Table, np.ndarray]:
        """The declarations of a month and the ``fraud.Mechanism`` of each, as ``month.draw_month`` gives them."""
        from customs_assets.simulation.month import draw_month

        world, rows = self._world_and_rows(month)
        return draw_month(world, month, rows, only_attributes)

    def _world_and_rows(self, month: str) -> tuple[World, int]:
        from customs_assets.simulation.month import month_number, month_rows
        from customs_assets.simulation.world import make_world

        try:
            rows = month_rows(self.declarations, month_number(month))
        except ValueError as error:
            raise SourceError(str(error)) from error
        return make_world(self.seed, self.inspected), rows


@cache
def _model_hash() -> str:
    """A hash of the model's modules, without the measuring, which draws nothing."""
    digest = hashlib.sha256()
    for path in sorted(Path(simulation.__file__).parent.glob("*.py")):
        if path.name != "calibration.py":
            digest.update(path.read_bytes())
    return digest.hexdigest()


def open_simulated(address: str) -> SimulatedSource:
    """The simulated source at an address.

    Args:
        address: ``simulated``, or with settings ``simulated?declarations=24700000&seed=7&inspected=0.05``:
            ``declarations`` (1,000 to 1,000,000,000) counts those of 2020-01 to 2021-06 in all, ``seed`` is a whole
            number from 0, ``inspected`` a share from 0.001 to 0.15.

    Raises:
        SourceError: the address has another form, an unknown setting, or a value out of its range.
    """
    kind, _, query = address.partition("?")
    if kind != "simulated":
        raise SourceError(f"{address!r} is no address of the simulated source; write simulated?declarations=…&seed=…")
    settings = dict(parse_qsl(query, keep_blank_values=True))
    if unknown := [name for name in settings if name not in _RANGES]:
        raise SourceError(
            f"{address!r} sets {unknown[0]!r}; the simulated source knows declarations, seed and inspected"
        )
    return SimulatedSource(**{name: _number(address, name, text) for name, text in settings.items()})


_RANGES: dict[str, tuple[type, float, float]] = {
    "declarations": (int, 1_000, 1_000_000_000),
    "seed": (int, 0, 2**63),
    "inspected": (float, 0.001, 0.15),
}


def _number(address: str, name: str, text: str) -> Any:
    """A setting of the address within its range."""
    kind, low, high = _RANGES[name]
    try:
        value = kind(text)
    except ValueError:
        called = "whole number" if kind is int else "number"
        raise SourceError(f"{address!r} sets {name} to {text!r}, which is no {called}") from None
    if not low <= value <= high:
        raise SourceError(f"{address!r} sets {name} to {text}; it must lie between {low:,} and {high:,}")
    return value

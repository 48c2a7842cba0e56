"""What the importers of the training half and of the control half declared, inspected or not.

The rehearsal knows the half of the importers that it was made from, and no other. So what was declared is halved as the inspected
declarations are: by importer. What belongs here are the two halves; ``disclosure/population.py`` counts them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from customs_assets.disclosure.population import Population, count_population
from customs_assets.fidelity.comparison import with_hs6
from customs_assets.privacy.cells import MONTH, column


class Half(NamedTuple):
    """The population of one half: of all months together, and of each month."""

    together: Population
    by_month: Mapping[str, Population]


@dataclass(frozen=True, eq=False)
class Declared:
    """What both halves declared. Nothing is read before it is asked for."""

    training: Half
    control: Half

    @classmethod
    def of(
        cls,
        together: Population,
        by_month: Mapping[str, Population],
        held_out: Callable[[pd.Series], np.ndarray],
    ) -> Declared:
        """Halve the population.

        Args:
            together: that of all months.
            by_month: that of each month.
            held_out: says of importers which are of the control half, as booleans.
        """
        importers = together.importers
        of_control = held_out(pd.Series(importers, dtype=object))

        def half(wanted: np.ndarray) -> Half:
            own = importers[wanted]
            return Half(
                together.restricted_to(own), {name: month.restricted_to(own) for name, month in by_month.items()}
            )

        return cls(half(~of_control), half(of_control))

    @classmethod
    def of_inspected(cls, training: pd.DataFrame, control: pd.DataFrame) -> Declared:
        """Both halves where every declaration was inspected."""

        def half(rows: pd.DataFrame) -> Half:
            rows = with_hs6(rows)
            rows = rows.assign(hs10_code=rows["hs6_code"])
            months = {str(name): count_population(part) for name, part in rows.groupby(column(rows, MONTH))}
            each = {name: Population.of_frames([table]) for name, table in months.items()}
            return Half(Population.of_frames(months.values()), each)

        return cls(half(training), half(control))

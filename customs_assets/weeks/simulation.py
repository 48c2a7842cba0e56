"""One week after the other: choose, inspect, learn. And what that finds, over several runs, for one strategy on one data set."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from customs_assets.benchmark.detectors import NothingToLearn
from customs_assets.benchmark.detectors.risk_profiles import RiskProfiles
from customs_assets.seeds import derive_rng, derive_seed
from customs_assets.weeks.learner import Learner
from customs_assets.weeks.strategies import Strategy
from customs_assets.weeks.stream import Stream, inspection_rates
from customs_assets.weeks.transport import Drift, drift

ASSET = "inspection_weeks"

# Drift is measured against all declarations of so many weeks before.
_WEEKS_BEFORE = 4

# Of what was inspected, the latest so many declarations are learned from, so that a week's work is bounded.
_MOST_LEARNED = 40_000


@dataclass(frozen=True)
class Run:
    """One simulation: a strategy on a stream, over all weeks but the first ones.

    Attributes:
        weeks: places of the weeks that were chosen from.
        chosen: whether each declaration of the stream was inspected by choice; False in the initial weeks.
        explored: share of each week's inspections that were chosen to learn.
        drift: of each week, None where it was not measured.
    """

    weeks: Sequence[int]
    chosen: np.ndarray
    explored: Sequence[float]
    drift: Sequence[Drift | None]


class _Present:
    """What is known in a week (``strategies.Week``); each is computed once, where it is asked for."""

    def __init__(self, stream: Stream, week: int, inspected: np.ndarray, seed: int, rng: np.random.Generator) -> None:
        self._stream, self._week, self._seed, self._rng = stream, week, seed, rng
        self._own = stream.of_week[week]
        self._inspected = np.flatnonzero(inspected[: self._own[0]])[-_MOST_LEARNED:]

    @property
    def declarations(self) -> int:
        return len(self._own)

    @cached_property
    def _learner(self) -> Learner:
        learned = self._inspected
        return Learner(self._stream.features.matrix[learned], self._stream.fraud[learned], self._seed)

    @cached_property
    def scores(self) -> np.ndarray:
        return self._learner.scores(self._stream.features.matrix[self._own])

    @cached_property
    def leaves(self) -> np.ndarray:
        return self._learner.leaves(self._stream.features.matrix[self._own])

    @cached_property
    def risks(self) -> np.ndarray:
        profiles = RiskProfiles()
        profiles.fit(self._stream.part(self._inspected), self._stream.fraud[self._inspected], self._seed)
        return profiles.score(self._stream.part(self._own))

    @cached_property
    def drift(self) -> Drift | None:
        before = self._stream.weeks_before(self._week, _WEEKS_BEFORE)
        return drift(self._learner.leaves(self._stream.features.matrix[before]), self.leaves, self._rng)


def simulate(
    stream: Stream, strategy: Strategy, initial: int, rates: Sequence[float], seed: int, rng: np.random.Generator
) -> Run:
    """Inspect the initial weeks in full, then choose, inspect and learn, week by week.

    Args:
        stream: the declarations.
        strategy: a new object.
        initial: how many weeks are inspected in full before the first choice; fewer than there are.
        rates: share that is inspected of each week after them, one a week; at least one declaration is.
        seed: of the learner.
        rng: draws of the strategy, and of the samples that drift is measured on.

    Raises:
        NothingToLearn: all of the initial weeks' declarations have one label.
    """
    inspected = stream.week < initial
    if np.unique(stream.fraud[inspected]).size != 2:
        raise NothingToLearn(
            f"all {int(inspected.sum())} declarations of the first {initial} weeks have one label: there is nothing to learn from"
        )
    chosen = np.zeros(len(stream.week), dtype=bool)
    weeks = range(initial, len(stream.starts))
    explored, moved = [], []
    for week, rate in zip(weeks, rates, strict=True):
        own = stream.of_week[week]
        places = min(max(int(np.floor(rate * len(own) + 0.5)), 1), len(own))
        present = _Present(stream, week, inspected, seed, rng)
        moved.append(present.drift if strategy.measures_drift else None)
        # A cached property is read as a property is.
        choice = strategy.choose(present, places, rng)  # pyright: ignore[reportArgumentType]
        found = own[choice.places]
        inspected[found], chosen[found] = True, True
        explored.append(choice.explored / places)
        strategy.learn(float(stream.fraud[found].mean()))
    return Run(weeks, chosen, explored, moved)


def simulated_runs(
    stream: Stream,
    strategy: type[Strategy],
    initial: int,
    rates: Sequence[float],
    runs: int,
    seed: int,
    purpose: str,
) -> list[Run]:
    """Several runs: the first under the tokens as they are, each other under another order of them and with seeds of its own.

    Where chance and the order of tokens have no part in a strategy, the one run stands for all.
    """
    found = []
    for run in range(runs if strategy.draws else 1):
        of = stream if run == 0 else stream.rekeyed(derive_rng(seed, ASSET, purpose=f"tokens {run}"))
        own = derive_seed(seed, ASSET, purpose=f"learner {run}") % 2**31
        # Strategies are compared: a draw of one has nothing to do with a draw of another.
        rng = derive_rng(seed, ASSET, strategy.name, f"{purpose} {run}")
        found.append(simulate(of, strategy(), initial, rates, own, rng))
    return found if strategy.draws else found * runs


@dataclass(frozen=True)
class Finds:
    """What the inspections of one or more runs found.

    Args:
        stream: the declarations; the order of tokens does not matter here.
        runs: as :func:`simulated_runs`.
    """

    stream: Stream
    runs: Sequence[Run]

    def by_week(self) -> dict[str, list[float | None]]:
        """Mean over the runs, week by week; None where a week has nothing to be a share of.

        Returns:
            ``declarations`` and ``inspected`` of the week; ``precision``: share of frauds among the inspected; ``recall``: share
            of all frauds that were inspected; ``revenue``: the same of the duty at stake in frauds; ``optimum`` and
            ``revenue_optimum``: frauds, and duty, found as a share of what as many inspections can find at most;
            ``explored``; ``drift`` and ``drift_by_chance``.
        """
        rows = [self._of_week(week, place) for place, week in enumerate(self.runs[0].weeks)]
        return {name: [_defined(row[name]) for row in rows] for name in rows[0]}

    def _of_week(self, week: int, place: int) -> dict[str, float]:
        own = self.stream.of_week[week]
        fraud = self.stream.fraud[own].astype(np.float64)
        duty = fraud * self.stream.duty[own]
        chosen = np.array([run.chosen[own] for run in self.runs], dtype=np.float64)
        places = int(chosen[0].sum())
        frauds, found = float(fraud.sum()), float((chosen @ fraud).mean())
        at_stake, recovered = float(duty.sum()), float((chosen @ duty).mean())
        most = float(np.sort(duty)[::-1][:places].sum())
        drifts = [of.drift[place] for of in self.runs]
        return {
            "declarations": float(len(own)),
            "inspected": float(places),
            "precision": found / places,
            "recall": _share(found, frauds),
            "revenue": _share(recovered, at_stake),
            "optimum": _share(found, min(frauds, places)),
            "revenue_optimum": _share(recovered, most),
            "explored": float(np.mean([of.explored[place] for of in self.runs])),
            "drift": _mean([one.distance for one in drifts if one is not None]),
            "drift_by_chance": _mean([one.by_chance for one in drifts if one is not None]),
        }

    def over_all(self, draws: np.ndarray | None = None) -> dict[str, dict[str, list[float]]]:
        """Precision and revenue over all weeks together.

        Args:
            draws: how often each importer is drawn, shape (draws, importers), in the order in which they first occur.

        Returns:
            For ``precision`` and ``revenue``: ``by_key``, of each run; ``by_importers``, for each draw of importers, mean over
            the runs. NaN where there is no fraud.
        """
        simulated = self.stream.week >= self.runs[0].weeks[0]
        fraud = np.where(simulated, self.stream.fraud, 0).astype(np.float64)
        duty = fraud * self.stream.duty
        codes, distinct = pd.factorize(self.stream.importers)
        weights = np.ones((1, len(distinct))) if draws is None else np.vstack([np.ones(len(distinct)), draws])

        def drawn(values: np.ndarray) -> np.ndarray:
            return weights @ np.bincount(codes, values, minlength=len(distinct))

        precision, revenue, at_stake = [], [], drawn(duty)
        for run in self.runs:
            chosen = run.chosen.astype(np.float64)
            precision.append(_shares(drawn(chosen * fraud), drawn(chosen)))
            revenue.append(_shares(drawn(chosen * duty), at_stake))
        return {
            name: {
                "by_key": [float(of[0]) for of in values],
                "by_importers": np.mean([of[1:] for of in values], axis=0).tolist(),
            }
            for name, values in (("precision", precision), ("revenue", revenue))
        }


def importer_draws(importers: pd.Series, count: int, rng: np.random.Generator) -> np.ndarray:
    """How often each importer is drawn, where as many as there are are drawn with replacement; shape (count, importers)."""
    distinct = importers.nunique()
    return rng.multinomial(distinct, np.full(distinct, 1 / distinct), size=count)


def rates_of(stream: Stream, initial: int, rate: float, decays_over: int) -> Sequence[float]:
    """The share that is inspected of each week after the initial ones."""
    return inspection_rates(len(stream.starts) - initial, rate, decays_over)


def _shares(parts: np.ndarray, wholes: np.ndarray) -> np.ndarray:
    return np.divide(parts, wholes, out=np.full(len(parts), np.nan), where=wholes > 0)


def _share(part: float, whole: float) -> float:
    return part / whole if whole > 0 else math.nan


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else math.nan


def _defined(value: float) -> float | None:
    return None if math.isnan(value) else value


def half_of(declarations: pd.DataFrame, which: int, seed: int) -> pd.DataFrame | None:
    """The declarations of one half of the importers; None where they cannot be split."""
    from customs_assets.fidelity.references import halves

    try:
        return halves(declarations, "importer_id", derive_seed(seed, ASSET, purpose="halves"))[which]
    except ValueError:
        return None

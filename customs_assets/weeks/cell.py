"""A cell: one strategy on one data set, with a constant and with a falling rate of inspection, as a JSON document."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import pandas as pd

from customs_assets.benchmark.detectors import NothingToLearn
from customs_assets.seeds import derive_rng
from customs_assets.weeks.simulation import ASSET, Finds, half_of, importer_draws, rates_of, simulated_runs
from customs_assets.weeks.strategies import STRATEGIES
from customs_assets.weeks.stream import Stream, initial_weeks

VERSION = "1"

# Weeks that are inspected in full before the first choice, at most.
INITIAL = 4

# Orders of the tokens that a strategy is run under, with seeds of their own; and draws of importers.
RUNS = 3
RESAMPLES = 200

# What is compared: precision, and the duty found as a share of the duty at stake.
MEASURES = ("precision", "revenue")


@dataclass(frozen=True)
class Plan:
    """How much is inspected.

    Attributes:
        rate: share of a week that is inspected, at last.
        decays_over: weeks over which it falls to that, in the second regime; in the first it is that from the beginning.
        seed: public.
    """

    rate: float
    decays_over: int
    seed: int

    @property
    def regimes(self) -> dict[str, int]:
        """The regimes by name, with the weeks over which the rate falls."""
        return {"constant": 0, "falling": self.decays_over}


def cell(
    declarations: pd.DataFrame, strategy: str, dataset: str, plan: Plan, with_halves: bool, runs: int = RUNS
) -> dict[str, Any]:
    """Simulate a strategy on a data set.

    Args:
        declarations: inspected declarations of all months, in any order.
        strategy: one of ``STRATEGIES``.
        dataset: what the rows are called.
        plan: how much is inspected.
        with_halves: whether to simulate on either half of the importers, too.
        runs: how many orders of the tokens.

    Returns:
        In JSON's types. ``starts``: first days of the weeks that were chosen from. ``regimes``: for each of ``Plan.regimes``
        ``by_week`` and ``over_all`` (``simulation.Finds``), and ``first_half``, ``second_half``: the measures over all weeks on
        either half, None where not measured. Where nothing can be learned, ``reason`` says why, and there are no regimes.
    """
    found: dict[str, Any] = {
        "strategy": strategy,
        "dataset": dataset,
        "rate": plan.rate,
        "decays_over": plan.decays_over,
        "runs": runs,
        "reason": "",
        "initial_weeks": 0,
        "starts": [],
        "regimes": {},
    }
    try:
        stream = Stream.of(declarations)
        initial = initial_weeks(len(stream.starts), INITIAL)
        regimes = {name: _regime(stream, strategy, initial, plan, name, runs) for name in plan.regimes}
    except NothingToLearn as reason:
        return {**found, "reason": str(reason)}
    for place, half in enumerate(("first_half", "second_half")):
        rows = half_of(declarations, place, plan.seed) if with_halves else None
        for name, regime in regimes.items():
            regime[half] = None if rows is None else _of_half(rows, strategy, plan, name)
    return {**found, "initial_weeks": initial, "starts": list(stream.starts[initial:]), "regimes": regimes}


def _regime(stream: Stream, strategy: str, initial: int, plan: Plan, name: str, runs: int) -> dict[str, Any]:
    rates = rates_of(stream, initial, plan.rate, plan.regimes[name])
    found = Finds(stream, simulated_runs(stream, STRATEGIES[strategy], initial, rates, runs, plan.seed, name))
    draws = importer_draws(stream.importers, RESAMPLES, derive_rng(plan.seed, ASSET, purpose="importers"))
    over_all = {
        measure: {key: [_defined(value) for value in values] for key, values in of.items()}
        for measure, of in found.over_all(draws).items()
    }
    return {"by_week": found.by_week(), "over_all": over_all}


def _of_half(rows: pd.DataFrame, strategy: str, plan: Plan, name: str) -> dict[str, float | None] | None:
    """The measures over all weeks, of one run on half of the importers; None where it has nothing to learn."""
    try:
        stream = Stream.of(rows)
        initial = initial_weeks(len(stream.starts), INITIAL)
        rates = rates_of(stream, initial, plan.rate, plan.regimes[name])
        runs = simulated_runs(stream, STRATEGIES[strategy], initial, rates, 1, plan.seed, f"{name}, half")
    except NothingToLearn:
        return None
    return {measure: _defined(of["by_key"][0]) for measure, of in Finds(stream, runs).over_all().items()}


def _defined(value: float) -> float | None:
    return None if math.isnan(value) else value

"""Weeks of inspection: a strategy sees what was inspected and nothing else, and is measured beside the optimum."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from customs_assets.benchmark.features import FEATURES
from customs_assets.definitions import graph
from customs_assets.weeks.cell import Plan, cell
from customs_assets.weeks.comparison import advantage, findings_table, passes_from, strategy_order, weeks_claims
from customs_assets.weeks.learner import diverse_and_uncertain
from customs_assets.weeks.simulation import Finds, Run, simulate
from customs_assets.weeks.strategies import STRATEGIES, Adaptive
from customs_assets.weeks.stream import Stream, inspection_rates
from customs_assets.weeks.transport import Drift, drift, transport_distance

WEEKS, A_WEEK, INITIAL = 7, 60, 2


@pytest.fixture(scope="module")
def declarations() -> pd.DataFrame:
    """Seven weeks and two days; most declarations of 15 of the 60 importers are frauds, and few of the others'."""
    rng = np.random.default_rng(5)
    rows = WEEKS * A_WEEK + 14
    importer = rng.integers(60, size=rows)
    row = np.arange(rows)
    day = 7 * (row // A_WEEK) + row % A_WEEK % 7
    day[WEEKS * A_WEEK :] = 7 * WEEKS + row[:14] % 2
    return pd.DataFrame(
        {
            "declaration_id": [f"{row:06d}" for row in range(rows)],
            "date": pd.Timestamp("2020-01-01") + pd.to_timedelta(day, unit="D"),
            **dict.fromkeys((name for name in FEATURES), "A"),
            "importer_id": [f"I{number:03d}" for number in importer],
            "courier_id": "",
            "country_of_origin": rng.choice(["CN", "DE"], rows),
            "hs6_code": "610910",
            "tax_rate": 10.0,
            "net_mass": 1.0,
            "item_price": rng.lognormal(3, 1, rows),
            "fraud": (rng.random(rows) < np.where(importer < 15, 0.9, 0.05)).astype(np.int8),
        }
    ).sample(frac=1, random_state=1)


@pytest.fixture(scope="module")
def stream(declarations: pd.DataFrame) -> Stream:
    return Stream.of(declarations)


def _run(stream: Stream, strategy: str, rate: float = 0.2) -> Run:
    rates = inspection_rates(WEEKS - INITIAL, rate, 0)
    return simulate(stream, STRATEGIES[strategy](), INITIAL, rates, 1, np.random.default_rng(3))


def test_a_week_has_seven_days_and_what_is_left_of_days_is_no_week(stream: Stream):
    assert stream.starts == tuple(f"2020-{m}" for m in ("01-01", "01-08", "01-15", "01-22", "01-29", "02-05", "02-12"))
    assert np.bincount(stream.week).tolist() == [A_WEEK] * WEEKS
    assert stream.features.declarations["date"].max() == pd.Timestamp("2020-02-18")


def test_other_tokens_change_no_value_but_the_order_of_identities(stream: Stream):
    other = stream.rekeyed(np.random.default_rng(1))
    changed = (other.features.matrix != stream.features.matrix).any(axis=0)
    assert {name for name, is_other in zip(FEATURES, changed, strict=True) if is_other} == {"importer_id"}
    importer = list(FEATURES).index("importer_id")
    both = {
        (a, b) for a, b in zip(stream.features.matrix[:, importer], other.features.matrix[:, importer], strict=True)
    }
    assert len(both) == len({a for a, _ in both}) == len({b for _, b in both}), "one place each"


def test_the_rate_falls_from_all_to_the_target_by_equal_steps():
    assert inspection_rates(5, 0.2, 4) == pytest.approx([1.0, 0.8, 0.6, 0.4, 0.2])
    assert inspection_rates(2, 0.2, 4) == pytest.approx([1.0, 0.8])
    assert inspection_rates(3, 0.2, 0) == [0.2] * 3


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_no_strategy_sees_a_label_that_was_not_inspected(stream: Stream, strategy: str):
    run = _run(stream, strategy)
    inspected = run.chosen | (stream.week < INITIAL)
    assert np.bincount(stream.week[run.chosen]).tolist() == [0] * INITIAL + [12] * (WEEKS - INITIAL)
    lied = replace(stream, fraud=np.where(inspected, stream.fraud, 1 - stream.fraud))
    again = _run(lied, strategy)
    assert (again.chosen == run.chosen).all() and list(again.explored) == list(run.explored)
    if strategy != "random":
        # Half of them: the mirror image of all labels is as uncertain.
        half = inspected & (np.arange(len(inspected)) % 2 == 0)
        learned = replace(stream, fraud=np.where(half, 1 - stream.fraud, stream.fraud))
        assert (_run(learned, strategy).chosen != run.chosen).any(), "the labels that were inspected do count"


def test_who_follows_scores_finds_what_chance_does_not(stream: Stream):
    found = {name: Finds(stream, [_run(stream, name)]).over_all()["precision"]["by_key"][0] for name in STRATEGIES}
    later = stream.fraud[stream.week >= INITIAL].mean()
    assert found["random"] == pytest.approx(later, abs=0.12)
    assert found["exploitation"] > 0.7 and found["risky"] > 0.5 and found["hybrid"] > 0.6
    assert found["badge"] < found["exploitation"], "who learns most finds less today"


def test_the_optimum_is_what_so_many_inspections_can_find_at_most(stream: Stream):
    chosen = np.zeros(len(stream.week), dtype=bool)
    for week in range(INITIAL, WEEKS):
        own = stream.of_week[week]
        frauds = own[stream.fraud[own] == 1]
        dearest = frauds[np.argsort(-stream.duty[frauds])][:5]
        chosen[dearest] = True
    weeks = range(INITIAL, WEEKS)
    by_week = Finds(stream, [Run(weeks, chosen, [0.0] * len(weeks), [None] * len(weeks))]).by_week()
    assert by_week["optimum"] == by_week["precision"] == [1.0] * len(weeks)
    assert by_week["revenue_optimum"] == pytest.approx([1.0] * len(weeks))
    fraud = [stream.fraud[stream.of_week[week]].sum() for week in weeks]
    assert by_week["recall"] == pytest.approx([5 / many for many in fraud])
    duty = [(stream.fraud * stream.duty)[stream.of_week[week]].sum() for week in weeks]
    taken = [(chosen * stream.duty)[stream.of_week[week]].sum() for week in weeks]
    assert by_week["revenue"] == pytest.approx([a / b for a, b in zip(taken, duty, strict=True)])
    codes, importers = pd.factorize(stream.importers)
    draws = np.vstack([np.full(len(importers), 2), np.arange(len(importers)) < 9])
    over_all = Finds(stream, [Run(weeks, chosen, [0.0], [None])]).over_all(draws)["revenue"]
    own = (stream.week >= INITIAL) & (codes < 9)
    of_nine = (chosen * stream.duty)[own].sum() / (stream.fraud * stream.duty)[own].sum()
    assert over_all["by_importers"] == pytest.approx([over_all["by_key"][0], of_nine])
    assert by_week["drift"] == [None] * len(weeks)


def test_transport_is_the_cheapest_assignment():
    rng = np.random.default_rng(1)
    first, second = rng.integers(3, size=(6, 5)), rng.integers(3, size=(6, 5))
    costs = [[np.mean(one != other) for other in second] for one in first]
    cheapest = min(
        np.mean([costs[at][to] for at, to in enumerate(order)]) for order in itertools.permutations(range(6))
    )
    assert transport_distance(first, second) == pytest.approx(cheapest)
    assert transport_distance(first, first[::-1]) == 0.0


def test_drift_is_what_chance_does_not_explain():
    rng = np.random.default_rng(2)
    before, alike, other = (rng.integers(4, size=(200, 8)) for _ in range(3))
    same, moved = (drift(before, now, np.random.default_rng(1)) for now in (alike, other + 4))
    assert same is not None and moved is not None
    assert same.beyond_chance < 0.1 and moved.distance == 1.0 and moved.by_chance < 0.7
    assert moved.beyond_chance == pytest.approx(1 - moved.by_chance)
    assert drift(before[:10], alike, rng) is None, "too few to tell"


def test_what_is_explored_is_uncertain_and_unlike_each_other():
    # Three kinds of declaration, in leaves of their own; the learner is unsure of the first two and sure of the third.
    leaves = np.repeat(np.eye(3, dtype=np.int32) + 1, 10, axis=0)
    scores = np.repeat([0.49, 0.5, 0.01], 10)
    pairs = [
        diverse_and_uncertain(scores, leaves, 2, np.random.default_rng(seed), np.arange(30)) // 10
        for seed in range(200)
    ]
    assert all(first == 1 and second != 1 for first, second in pairs), "the longest gradient, and nothing of its kind"
    # By the squared distances, 0.98 to those that it is unsure of, and 0.74 to the others.
    assert np.mean([second == 0 for _, second in pairs]) == pytest.approx(0.57, abs=0.1)
    everything = diverse_and_uncertain(scores, leaves, 30, np.random.default_rng(0), np.arange(30))
    assert sorted(everything) == list(range(30)), "each once, even where all that is left is the same"
    of = np.array([4, 25, 29])
    assert set(diverse_and_uncertain(scores, leaves, 2, np.random.default_rng(0), of)) <= set(of)


class _Moving:
    """A week of ten declarations, in a world that has moved by some share."""

    declarations, scores, leaves = 10, np.linspace(0.1, 0.9, 10), np.arange(10)[:, None]

    def __init__(self, moved: float) -> None:
        self.drift = Drift(1.0, 1 - moved)


def test_the_adaptive_strategy_takes_the_arm_that_paid_and_forgets_it_when_the_world_moves():
    strategy, rng = Adaptive(), np.random.default_rng(1)
    for _ in range(300):
        explored = strategy.choose(_Moving(0.0), 10, rng).explored  # pyright: ignore[reportArgumentType]
        strategy.learn(1.0 if explored == 2 else 0.0)
    paid = strategy.arms.index(0.2)
    assert strategy.chances[paid] > 0.8
    strategy.choose(_Moving(1.0), 10, rng)  # pyright: ignore[reportArgumentType]
    assert strategy.chances == pytest.approx([1 / len(strategy.arms)] * len(strategy.arms))


def test_a_cell_is_the_same_twice_and_says_why_it_is_empty(declarations: pd.DataFrame):
    plan = Plan(0.2, 3, 7)
    made = [
        json.dumps(cell(rows, "hybrid", "source", plan, True, runs=2)) for rows in (declarations, declarations[::-1])
    ]
    assert made[0] == made[1], "the order of the rows changes nothing"
    found = json.loads(made[0])
    assert set(found["regimes"]) == {"constant", "falling"} and found["initial_weeks"] == 1
    constant, falling = (found["regimes"][name]["by_week"] for name in ("constant", "falling"))
    assert constant["inspected"] == [12.0] * 6 and falling["inspected"] == [60.0, 44.0, 28.0, 12.0, 12.0, 12.0]
    assert falling["recall"][0] == 1.0 and falling["optimum"][0] == 1.0
    assert 0 < found["regimes"]["constant"]["first_half"]["precision"] <= 1
    short = cell(declarations[declarations["date"] < "2020-01-14"], "hybrid", "source", plan, False)
    assert short["regimes"] == {} and "1 whole weeks of declarations are too few" in short["reason"]
    innocent = cell(declarations.assign(fraud=0), "hybrid", "source", plan, False)
    assert "have one label" in innocent["reason"]


def _document(strategy: str, dataset: str, precision: Sequence[float], spread: float) -> dict[str, Any]:
    rng = np.random.default_rng(len(strategy))
    mean = float(np.mean(precision))
    values = {"by_key": [mean, mean], "by_importers": (mean + rng.normal(0, spread, 50)).tolist()}
    regime = {
        "by_week": {name: list(precision) for name in ("precision", "revenue")},
        "over_all": {"precision": values, "revenue": {**values, "by_key": [None, None]}},
        "first_half": None,
        "second_half": None,
    }
    return {
        "strategy": strategy,
        "dataset": dataset,
        "rate": 0.1,
        "reason": "",
        "starts": [],
        "regimes": {"constant": regime},
    }


def test_pairs_that_differ_on_the_source_are_looked_for_on_the_release():
    source = {"exploitation": [0.5, 0.4, 0.4], "hybrid": [0.3, 0.5, 0.6], "random": [0.2, 0.2, 0.2]}
    release = {"exploitation": [0.5, 0.5, 0.5], "hybrid": [0.4, 0.4, 0.4], "random": [0.2, 0.2, 0.2]}
    documents = [
        _document(name, dataset, weeks, 0.001)
        for dataset, of in (("source", source), ("synthetic", release))
        for name, weeks in of.items()
    ]
    order = strategy_order(documents, "constant", "precision")
    assert order is not None and (order.significant, order.same_order) == (3, 2)
    assert (order.best_on_source, order.best_on_release) == ("hybrid", "exploitation")
    assert strategy_order(documents, "constant", "revenue") is None, "no duty is at stake"
    [claim] = weeks_claims(documents)
    assert claim.measured == pytest.approx(2 / 3) and claim.holds is False
    here, there = (
        advantage(documents, "hybrid", "exploitation", dataset, "constant", "precision")
        for dataset in ("source", "synthetic")
    )
    assert here is not None and there is not None and (here.verdict, there.verdict) == ("more", "less")
    passes = [
        passes_from(documents, "hybrid", "exploitation", of, "constant", "precision") for of in ("source", "synthetic")
    ]
    assert passes == [3, None], "0.3, 0.4, 0.467 beside 0.5, 0.45, 0.433"
    assert "| Hybrid 90/10 | source | 0.4667 | – |" in findings_table(documents)


def test_a_cell_is_built_from_its_data_set_alone_and_by_no_run():
    on_demand, months = graph.with_on_demand(), ["2020-01", "2020-02"]
    inputs = on_demand.inputs("inspection_weeks", "source|hybrid", months)
    assert set(inputs) == {("anonymized_declarations", month) for month in months}
    assert "inspection_weeks" not in graph.assets and len(on_demand["inspection_weeks"].cells) == 2 * len(STRATEGIES)

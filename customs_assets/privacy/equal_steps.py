"""Runs of equal steps among released numbers: the trace of amounts that were laid out evenly and not drawn.

Numbers that are laid out evenly between two ends, on a plain or a logarithmic scale, stand at equal steps, and their run points
at both ends. What belongs here finds such runs among other numbers and in spite of rounding. ``amounts`` uses the ends.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np

Scale = Literal["log", "plain"]

# A run counts where chance would make fewer than this many such runs from the same first number.
_CHANCE_RUNS = 0.02

# The density of numbers is taken from this many neighbours on either side.
_NEIGHBOURS = 10

# A step shorter than this many rounding errors of its numbers cannot be told from other steps.
_LEAST_STEP = 16.0

_LEAST_LENGTH = 3


class Runs(NamedTuple):
    """r runs of equal steps, each as long as possible: lowest and highest number of each, and the steps between them (2 or more).

    No number is in two runs.
    """

    first: np.ndarray
    last: np.ndarray
    steps: np.ndarray

    def ends(self, extension: float) -> np.ndarray:
        """Both ends of every run, moved outwards by ``extension`` steps: shape (2r,)."""
        step = (self.last - self.first) / self.steps
        return np.concatenate([self.first - extension * step, self.last + extension * step])


def equal_steps(numbers: np.ndarray, errors: np.ndarray, window: int) -> Runs:
    """Find the runs of three or more numbers at equal steps that chance would hardly make.

    Each number is paired with each of the ``window`` numbers above it. The step of the pair is followed upwards as long as it
    leads to a number. A run counts where the chance of so many matches, by the density of numbers around it, is below one in
    fifty for its first number. Of runs that share a number, the least likely counts.

    Args:
        numbers: shape (n,), ascending, no two equal.
        errors: largest rounding error of each number, shape (n,), positive.
        window: how far apart two neighbours of a run may stand, in numbers; others may lie between them.
    """
    if len(numbers) < _LEAST_LENGTH:
        return Runs(np.empty(0), np.empty(0), np.empty(0))
    place = np.arange(len(numbers))
    low, high = np.maximum(place - _NEIGHBOURS, 0), np.minimum(place + _NEIGHBOURS, len(numbers) - 1)
    density = (high - low) / (numbers[high] - numbers[low])

    def next_of(start: np.ndarray, last: np.ndarray, steps: int) -> tuple[np.ndarray, np.ndarray]:
        """The number after ``steps`` steps, -1 where there is none, and the logarithm of the chance that there is one."""
        step = (numbers[last] - numbers[start]) / steps
        # Each of the three numbers may be off by its error. Extrapolation multiplies those of the first and the last.
        tolerance = 2 * (steps + 1) / steps * np.maximum(errors[start], errors[last])
        # Larger numbers may be rounded more coarsely. Where rounding is as wide as the step, the run is lost.
        following = nearest_within(numbers, numbers[last] + step, np.minimum(tolerance, step / 2))
        return np.where(following > last, following, -1), np.log(np.minimum(2 * tolerance * density[start], 1.0))

    start, second = _pairs(numbers, errors, window)
    third, chance = next_of(start, second, 1)
    step = numbers[second] - numbers[start]
    before = nearest_within(numbers, numbers[start] - step, 4 * np.maximum(errors[start], errors[second])) >= 0
    is_run = (third >= 0) & ~before
    start, last, chance = start[is_run], third[is_run], chance[is_run]
    length = np.full(len(start), 3)
    # Each number that is in a run, and its run.
    members, owner = [start, second[is_run], last.copy()], [np.arange(len(start))] * 3
    active, steps = np.arange(len(start)), 2
    while len(active):
        following, step_chance = next_of(start[active], last[active], steps)
        goes_on = following >= 0
        active, following = active[goes_on], following[goes_on]
        length[active] += 1
        chance[active] += step_chance[goes_on]
        last[active] = following
        members.append(following)
        owner.append(active)
        steps += 1
    unlikely = np.flatnonzero((length >= _LEAST_LENGTH) & (window * np.exp(chance) < _CHANCE_RUNS))
    return _disjoint(numbers, unlikely, length, chance, np.concatenate(members), np.concatenate(owner))


def nearest_within(sorted_numbers: np.ndarray, wanted: np.ndarray, tolerance: np.ndarray) -> np.ndarray:
    """For each wanted number the place of the nearest sorted number within ``tolerance``; -1 where there is none."""
    if not len(sorted_numbers):
        return np.full(len(wanted), -1)
    above = np.clip(np.searchsorted(sorted_numbers, wanted), 0, len(sorted_numbers) - 1)
    below = np.maximum(above - 1, 0)
    to_above, to_below = np.abs(sorted_numbers[above] - wanted), np.abs(sorted_numbers[below] - wanted)
    nearest = np.where(to_below < to_above, below, above)
    return np.where(np.minimum(to_above, to_below) <= tolerance, nearest, -1)


def _pairs(numbers: np.ndarray, errors: np.ndarray, window: int) -> tuple[np.ndarray, np.ndarray]:
    """Places of all pairs within the window whose step is longer than rounding can make it."""
    starts, seconds = [], []
    for apart in range(1, min(window, len(numbers) - 1) + 1):
        start = np.arange(len(numbers) - apart)
        step = numbers[apart:] - numbers[:-apart]
        wide = step >= _LEAST_STEP * np.maximum(errors[apart:], errors[:-apart])
        starts.append(start[wide])
        seconds.append(start[wide] + apart)
    return np.concatenate(starts), np.concatenate(seconds)


def _disjoint(
    numbers: np.ndarray,
    runs: np.ndarray,
    length: np.ndarray,
    chance: np.ndarray,
    members: np.ndarray,
    owner: np.ndarray,
) -> Runs:
    """The least likely of the runs that share numbers. (Every second number of a run is a run too.)"""
    in_runs = np.isin(owner, runs)
    order = np.argsort(owner[in_runs], kind="stable")
    members, owner = members[in_runs][order], owner[in_runs][order]
    begin = np.searchsorted(owner, runs)
    taken = np.zeros(len(numbers), dtype=bool)
    disjoint = []
    for place in np.argsort(chance[runs], kind="stable"):
        run = members[begin[place] : begin[place] + length[runs[place]]]
        if not taken[run].any():
            taken[run] = True
            disjoint.append((numbers[run[0]], numbers[run[-1]], len(run) - 1))
    first, last, steps = np.array(disjoint, dtype=float).reshape(-1, 3).T
    return Runs(first, last, steps)

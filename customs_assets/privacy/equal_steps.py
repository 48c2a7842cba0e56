"""Runs of equal steps among released numbers: what a layout without a draw leaves behind.

Numbers that were laid out evenly between two ends, on a plain or a logarithmic scale, stand at equal steps, and the run of
them points at both ends. What belongs here finds such runs among other numbers and in spite of rounding. What the ends tell
is the subject of ``amounts``.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np

Scale = Literal["log", "plain"]

# A run counts where chance would lay out fewer than this many as good from the same first number.
_CHANCE_RUNS = 0.02

# Neighbours on either side from which the density of numbers is taken.
_NEIGHBOURS = 10

# A step shorter than this many times the rounding error of its numbers cannot be told from another.
_LEAST_STEP = 16.0

_LEAST_LENGTH = 3


class Runs(NamedTuple):
    """r runs of equal steps, each as long as it can be made; no number is in two of them.

    Attributes:
        first: lowest number of each run, on the scale of the search.
        last: highest number.
        steps: steps between them, at least 2.
    """

    first: np.ndarray
    last: np.ndarray
    steps: np.ndarray

    def ends(self, extension: float) -> np.ndarray:
        """Both ends of every run moved outwards by ``extension`` steps: shape (2r,), on the scale of the search."""
        step = (self.last - self.first) / self.steps
        return np.concatenate([self.first - extension * step, self.last + extension * step])


def equal_steps(numbers: np.ndarray, errors: np.ndarray, window: int) -> Runs:
    """Find the runs of three or more numbers at equal steps that chance would hardly make.

    Each number is paired with every one of the ``window`` above it; the pair's step is followed upwards for as long as there is a
    number where it leads. A run is kept where the chance of so many matches, by the density of numbers around it, is below
    one in fifty for its first number. Of runs that share a number, the less likely one is kept.

    Args:
        numbers: shape (n,), ascending, no two equal.
        errors: by how much rounding may have moved each number at most, shape (n,), positive.
        window: how far apart two neighbours of a run may stand, in numbers; others lie between them.
    """
    if len(numbers) < _LEAST_LENGTH:
        return Runs(np.empty(0), np.empty(0), np.empty(0))
    place = np.arange(len(numbers))
    low, high = np.maximum(place - _NEIGHBOURS, 0), np.minimum(place + _NEIGHBOURS, len(numbers) - 1)
    density = (high - low) / (numbers[high] - numbers[low])

    def next_of(start: np.ndarray, last: np.ndarray, steps: int) -> tuple[np.ndarray, np.ndarray]:
        """The number that follows after ``steps`` steps, -1 where there is none, and the logarithm of the chance of one."""
        step = (numbers[last] - numbers[start]) / steps
        # Each of the three numbers may be off by its error; the first and the last weigh by the extrapolation.
        tolerance = 2 * (steps + 1) / steps * np.maximum(errors[start], errors[last])
        # Numbers above may be written more coarsely; where rounding is as wide as the step, the run is lost.
        following = nearest_within(numbers, numbers[last] + step, np.minimum(tolerance, step / 2))
        return np.where(following > last, following, -1), np.log(np.minimum(2 * tolerance * density[start], 1.0))

    start, second = _pairs(numbers, errors, window)
    third, chance = next_of(start, second, 1)
    step = numbers[second] - numbers[start]
    before = nearest_within(numbers, numbers[start] - step, 4 * np.maximum(errors[start], errors[second])) >= 0
    kept = (third >= 0) & ~before
    start, last, chance = start[kept], third[kept], chance[kept]
    length = np.full(len(start), 3)
    # Which numbers are in a run, and in which.
    members, owner = [start, second[kept], last.copy()], [np.arange(len(start))] * 3
    active, steps = np.arange(len(start)), 2
    while len(active):
        found, of_one = next_of(start[active], last[active], steps)
        on = found >= 0
        active, found = active[on], found[on]
        length[active] += 1
        chance[active] += of_one[on]
        last[active] = found
        members.append(found)
        owner.append(active)
        steps += 1
    good = np.flatnonzero((length >= _LEAST_LENGTH) & (window * np.exp(chance) < _CHANCE_RUNS))
    return _disjoint(numbers, good, length, chance, np.concatenate(members), np.concatenate(owner))


def nearest_within(sorted_numbers: np.ndarray, wanted: np.ndarray, tolerance: np.ndarray) -> np.ndarray:
    """For each wanted number the place of the nearest sorted one no further off than ``tolerance``; -1 where there is none."""
    if not len(sorted_numbers):
        return np.full(len(wanted), -1)
    above = np.clip(np.searchsorted(sorted_numbers, wanted), 0, len(sorted_numbers) - 1)
    below = np.maximum(above - 1, 0)
    to_above, to_below = np.abs(sorted_numbers[above] - wanted), np.abs(sorted_numbers[below] - wanted)
    nearest = np.where(to_below < to_above, below, above)
    return np.where(np.minimum(to_above, to_below) <= tolerance, nearest, -1)


def _pairs(numbers: np.ndarray, errors: np.ndarray, window: int) -> tuple[np.ndarray, np.ndarray]:
    """Places of all pairs within the window whose step is long enough to be told from rounding."""
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
    good: np.ndarray,
    length: np.ndarray,
    chance: np.ndarray,
    members: np.ndarray,
    owner: np.ndarray,
) -> Runs:
    """Of runs that share numbers the least likely one: every second number of a run makes a run too."""
    of_good = np.isin(owner, good)
    order = np.argsort(owner[of_good], kind="stable")
    members, owner = members[of_good][order], owner[of_good][order]
    begin = np.searchsorted(owner, good)
    taken = np.zeros(len(numbers), dtype=bool)
    kept = []
    for place in np.argsort(chance[good], kind="stable"):
        own = members[begin[place] : begin[place] + length[good[place]]]
        if not taken[own].any():
            taken[own] = True
            kept.append((numbers[own[0]], numbers[own[-1]], len(own) - 1))
    first, last, steps = np.array(kept, dtype=float).reshape(-1, 3).T
    return Runs(first, last, steps)

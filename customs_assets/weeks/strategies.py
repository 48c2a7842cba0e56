"""How the declarations of a week are chosen for inspection: a class for each strategy, and the register of them.

To add one: write its class here and name it in :data:`STRATEGIES`. A strategy sees the declarations of a week and what it
inspected before. It does not see which of the week's declarations are frauds.
"""

from __future__ import annotations

from typing import ClassVar, NamedTuple, Protocol

import numpy as np

from customs_assets.weeks.learner import diverse_and_uncertain
from customs_assets.weeks.transport import Drift

# Of a larger week, a sample is compared.
_MOST_COMPARED = 4_000

# The share of the places that the hybrid strategy explores with (Kim et al. 2022).
_EXPLORED = 0.1


class Week(Protocol):
    """What a strategy may know in a week. Each is computed where it is asked for.

    Attributes:
        declarations: how many there are.
        scores: the learner's probability of fraud, shape (declarations,).
        leaves: the learner's leaves, shape (declarations, trees).
        risks: the score of risk profiles, shape (declarations,).
        drift: how far the week is from those before it; None where that cannot be told.
    """

    @property
    def declarations(self) -> int: ...
    @property
    def scores(self) -> np.ndarray: ...
    @property
    def leaves(self) -> np.ndarray: ...
    @property
    def risks(self) -> np.ndarray: ...
    @property
    def drift(self) -> Drift | None: ...


class Choice(NamedTuple):
    """What is inspected.

    Attributes:
        places: of the week's declarations, each once.
        explored: how many of them were chosen to learn, and not as the most suspicious.
    """

    places: np.ndarray
    explored: int


class Strategy(Protocol):
    """How declarations are chosen. An object is made for each simulation, and may keep what it learns.

    Attributes:
        name: small letters and underscores.
        title: for tables and figures.
        measures_drift: whether drift is measured, in the leaves of its learner.
        draws: whether chance or the order of tokens has a part in it; if not, one run stands for all.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    measures_drift: ClassVar[bool]
    draws: ClassVar[bool]

    def choose(self, week: Week, places: int, rng: np.random.Generator) -> Choice:
        """Choose ``places`` of the week's declarations, 1 to all of them."""
        ...

    def learn(self, precision: float) -> None:
        """Be told the share of frauds among what was chosen last."""
        ...


class _Strategy:
    measures_drift: ClassVar[bool] = False
    draws: ClassVar[bool] = True

    def learn(self, precision: float) -> None:
        """Nothing but the labels is learned."""


class Exploitation(_Strategy):
    """The most suspicious declarations: what finds most today."""

    name: ClassVar[str] = "exploitation"
    title: ClassVar[str] = "Exploitation"

    def choose(self, week: Week, places: int, rng: np.random.Generator) -> Choice:
        """By the learner's scores."""
        return Choice(_highest(week.scores, places), 0)


class AtRandom(_Strategy):
    """Any declarations: what every other strategy has to beat. Its learner is biased by no choice, so drift is measured in it."""

    name: ClassVar[str] = "random"
    title: ClassVar[str] = "Random"
    measures_drift: ClassVar[bool] = True

    def choose(self, week: Week, places: int, rng: np.random.Generator) -> Choice:
        """Without replacement, all with the same chance."""
        return Choice(rng.permutation(week.declarations)[:places], places)


class Risky(_Strategy):
    """The declarations whose importers, goods and lanes were frauds before: how offices select without a learner."""

    name: ClassVar[str] = "risky"
    title: ClassVar[str] = "Risk profiles"
    draws: ClassVar[bool] = False

    def choose(self, week: Week, places: int, rng: np.random.Generator) -> Choice:
        """By the risk profiles of the benchmark."""
        return Choice(_highest(week.risks, places), 0)


class UncertainAndDiverse(_Strategy):
    """The declarations of which the learner would learn most, each unlike the others: BADGE."""

    name: ClassVar[str] = "badge"
    title: ClassVar[str] = "Uncertain and diverse"

    def choose(self, week: Week, places: int, rng: np.random.Generator) -> Choice:
        """By the gradients in the learner's leaves."""
        return Choice(_explored(week, np.arange(week.declarations), places, rng), places)


class Hybrid(_Strategy):
    """Nine of ten places for the most suspicious, one to learn.

    After Kim et al. 2022, *Active Learning for Human-in-the-loop Customs Inspection*.
    """

    name: ClassVar[str] = "hybrid"
    title: ClassVar[str] = "Hybrid 90/10"

    def choose(self, week: Week, places: int, rng: np.random.Generator) -> Choice:
        """By scores, then by gradients among what is left."""
        return _mixed(week, places, _EXPLORED, rng)


class Adaptive(_Strategy):
    """A hybrid that sets its share of exploration by what it found and by how far the world has moved.

    After ADAPT (Mai et al. 2021, *Customs Fraud Detection in the Presence of Concept Drift*, arXiv 2109.14155). ADAPT chooses the
    share by a bandit that is fed with the trend of performance and with the amount of drift. Here the bandit is Exp3.S (Auer et
    al. 2002): its arms are shares of exploration, its reward is the precision of what was inspected. Drift is what transport
    finds beyond chance; that share of what the bandit knows is forgotten, so that in a world that moves all arms are tried
    again.
    """

    name: ClassVar[str] = "adapt"
    title: ClassVar[str] = "Adaptive to drift"
    measures_drift: ClassVar[bool] = True

    arms: ClassVar[tuple[float, ...]] = (0.0, 0.05, 0.1, 0.2, 0.4)
    _TRIED: ClassVar[float] = 0.1

    def __init__(self) -> None:
        self._weights = np.ones(len(self.arms))
        self._arm, self._chance = 0, 1.0

    @property
    def chances(self) -> np.ndarray:
        """How surely each arm is taken; sums to 1."""
        return (1 - self._TRIED) * self._weights / self._weights.sum() + self._TRIED / len(self.arms)

    def choose(self, week: Week, places: int, rng: np.random.Generator) -> Choice:
        """By an arm of the bandit, after it has forgotten what drift has made old."""
        moved = week.drift.beyond_chance if week.drift is not None else 0.0
        self._weights = (1 - moved) * self._weights + moved * self._weights.mean()
        chances = self.chances
        self._arm = int(np.searchsorted(np.cumsum(chances), rng.random(), side="right").clip(0, len(self.arms) - 1))
        self._chance = float(chances[self._arm])
        return _mixed(week, places, self.arms[self._arm], rng)

    def learn(self, precision: float) -> None:
        """Reward the arm that was taken, the more the seldomer it is taken."""
        self._weights[self._arm] *= np.exp(self._TRIED * precision / self._chance / len(self.arms))
        self._weights /= self._weights.max()


STRATEGIES: dict[str, type[Strategy]] = {
    of.name: of for of in (Exploitation, AtRandom, Risky, Hybrid, UncertainAndDiverse, Adaptive)
}


def _highest(scores: np.ndarray, count: int) -> np.ndarray:
    """The places of the highest scores; of equal ones, the first."""
    return np.argsort(-scores, kind="stable")[:count]


def _mixed(week: Week, places: int, share: float, rng: np.random.Generator) -> Choice:
    """The most suspicious, and a share of the places for what is learned from; rounded to whole places, halves up."""
    explored = int(np.floor(places * share + 0.5))
    order = _highest(week.scores, week.declarations)
    suspicious, rest = order[: places - explored], np.sort(order[places - explored :])
    return Choice(np.concatenate([suspicious, _explored(week, rest, explored, rng)]), explored)


def _explored(week: Week, of: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    most = max(_MOST_COMPARED, count)
    if len(of) > most:
        of = np.sort(of[rng.permutation(len(of))[:most]])
    return diverse_and_uncertain(week.scores, week.leaves, count, rng, of)

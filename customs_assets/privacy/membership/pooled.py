"""All attacks of an outsider together: the mean rank of a row among them.

No single attack finds every leak (Ward, Lin, Wang, Cheng: *Synth-MIA*, 2025), so an attacker who does not know which one works
takes the mean. Score: the mean, over the attacks, of the row's rank divided by n.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np


def scores(of_attacks: Iterable[np.ndarray]) -> np.ndarray:
    """n scores in (0, 1] from the n scores of each attack."""
    from scipy.stats import rankdata

    return np.mean([rankdata(values) / len(values) for values in of_attacks], axis=0)

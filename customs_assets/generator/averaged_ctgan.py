"""CTGAN whose generator's weights are averaged over the latest steps.

A GAN's generator circles around what it is after, and where it stops is chance. The mean of where it was is nearer (Yazıcı et al.
2019, *The unusual effectiveness of averaging in GAN training*). Training is CTGAN's to the bit; the average is what is kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from customs_assets.generator.ctgan import CTGAN

if TYPE_CHECKING:
    from customs_assets.generator.ctgan_networks import Generator

# About how many of the latest steps the average is over.
AVERAGED_STEPS = 200


class AveragedCTGAN(CTGAN):
    """A :class:`ctgan.CTGAN` that keeps averaged weights. Its file is read as one of ``ctgan``."""

    def _begun(self) -> None:
        self._average: dict[str, np.ndarray] = {}
        self._steps = 0

    def _stepped(self, generator: Generator) -> None:
        self._steps += 1
        # The first steps are a plain mean, so that the initial weights leave no trace.
        share = np.float32(max(1.0 / AVERAGED_STEPS, 1.0 / self._steps))
        for name, array in generator.parameters.items():
            if name in self._average:
                self._average[name] += share * (array - self._average[name])
            else:
                self._average[name] = array.copy()

    def _kept(self, generator: Generator) -> None:
        for name, array in generator.parameters.items():
            np.copyto(array, self._average[name])

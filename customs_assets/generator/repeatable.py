"""Random numbers and threads of torch and of libraries that draw from the process's own generators, made repeatable for a while.

Everything is put back afterwards, so that a model that is fitted in between changes no draw of anybody else.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np


def best_device() -> str:
    """``cuda`` where torch sees a GPU, else ``cpu``."""
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def device_name(device: str) -> str:
    """What people call a device: ``cpu``, or the GPU's name."""
    import torch

    return torch.cuda.get_device_name() if device == "cuda" else device


@contextmanager
def repeatable(seed: int) -> Iterator[None]:
    """Seed torch, NumPy's global generator and Python's, with one thread; put all of it back afterwards."""
    import torch
    from threadpoolctl import threadpool_limits

    narrow = seed % 2**32
    threads, numpy_state, python_state = torch.get_num_threads(), np.random.get_state(), random.getstate()
    with torch.random.fork_rng(), threadpool_limits(1):
        torch.set_num_threads(1)
        torch.manual_seed(seed % 2**63)
        np.random.seed(narrow)
        random.seed(narrow)
        try:
            yield
        finally:
            torch.set_num_threads(threads)
            np.random.set_state(numpy_state)
            random.setstate(python_state)

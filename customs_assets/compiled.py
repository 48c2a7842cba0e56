"""Loops over NumPy arrays compiled by Numba, the compiled code kept from process to process.

What belongs here is the one decorator. The loops stand with what they are for: ``generator/ctgan_kernels.py`` and
``privacy/nearest_kernel.py``, which are imported where they are needed, since Numba takes a while to load.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from numba import njit

Kernel = TypeVar("Kernel", bound=Callable[..., Any])


def compiled(**options: Any) -> Callable[[Kernel], Kernel]:
    """Compile a function at its first call, for the types of its arguments; it runs without the interpreter's lock.

    Divisions by zero give infinities and NaN, as NumPy's do. Compiled code is kept beside the function's module, or in the
    user's cache where that folder is read-only; where there is neither, every process compiles its own.

    Args:
        options: further options of ``numba.njit``.
    """

    def decorate(kernel: Kernel) -> Kernel:
        given = {"error_model": "numpy", "nogil": True, **options}
        try:
            return cast(Kernel, njit(cache=True, **given)(kernel))
        except RuntimeError:
            return cast(Kernel, njit(**given)(kernel))

    return decorate

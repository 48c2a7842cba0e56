"""Lanes: standing trade, the goods that an importer brings from one place again and again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True, eq=False)
class Lanes:
    """Standing trade; every array has one entry for each lane, codes being indices into the world's lists.

    ``weight`` is the relative number of declarations; ``labelled`` the expected share of the labelled ones; ``mechanism``
    is 0 for an honest tuple and otherwise the fraud that the declared tuple itself is (``fraud.Mechanism``); ``risk`` is the
    chance of each row-level mechanism; ``inspection`` the chance of being inspected by rules and at random;
    ``mass_score`` places the lane's usual net mass among all (a standard normal score, with ``mass_spread`` left to the
    row); ``log_price`` is log10 of KRW per kg; ``growth`` the trend by month.
    """

    importer: np.ndarray
    code: np.ndarray
    origin: np.ndarray
    departure: np.ndarray
    claim: np.ndarray
    rate: np.ndarray
    seller: np.ndarray
    courier: np.ndarray
    declarant: np.ndarray
    second_declarant: np.ndarray
    office: np.ndarray
    second_office: np.ndarray
    import_type: np.ndarray
    import_use: np.ndarray
    payment: np.ndarray
    mode: np.ndarray
    indicator: np.ndarray
    mass_score: np.ndarray
    log_price: np.ndarray
    growth: np.ndarray
    mechanism: np.ndarray
    risk: np.ndarray
    inspection: np.ndarray
    labelled: np.ndarray
    weight: np.ndarray

    def take(self, rows: np.ndarray) -> Lanes:
        """The lanes of some rows."""
        return Lanes(*(getattr(self, name)[rows] for name in self.__slots__))

    @staticmethod
    def join(first: Lanes, second: Lanes) -> Lanes:
        """Two sets of lanes as one."""
        return Lanes(*(np.concatenate([getattr(first, n), getattr(second, n)]) for n in first.__slots__))

"""The search for nearest rows as a compiled loop over NumPy arrays (Numba).

What belongs here is that one loop. ``records`` prepares the rows and defines the distance. Rows with equal codes form a
group: their codes are compared once, and their numbers only where the codes are near enough. Distances are summed in the
order of the columns, so they are the same to the last bit whatever is compared first.
"""

from __future__ import annotations

import numpy as np

from customs_assets.compiled import compiled

# Groups of references whose equal codes are counted together: enough to fill a vector register.
CHUNK = 64


@compiled()
def search(
    query_codes: np.ndarray,
    query_starts: np.ndarray,
    query_rows: np.ndarray,
    query_numbers: np.ndarray,
    codes: np.ndarray,
    starts: np.ndarray,
    reference_rows: np.ndarray,
    numbers: np.ndarray,
    distances: np.ndarray,
    rows: np.ndarray,
) -> None:
    """Find the nearest references of every query; of equally near ones, the first.

    Args:
        query_codes: shape (groups of queries, codes): the codes that a group shares.
        query_starts: shape (groups + 1,): where each group begins in ``query_rows``.
        query_rows: shape (queries,): the queries, group by group.
        query_numbers: float64, shape (queries, numbers), in the queries' own order.
        codes: shape (codes, groups of references); empty groups fill up a multiple of :data:`CHUNK`.
        starts: as ``query_starts``.
        reference_rows: as ``query_rows``, ascending in each group.
        numbers: as ``query_numbers``, but in the order of ``reference_rows``.
        distances: float64, shape (queries, k), is written: ascending in each row; k is at most the number of references.
        rows: int64, the same shape, is written: the references.
    """
    width, groups = codes.shape
    neighbours = distances.shape[1]
    agreeing = np.empty(groups, np.uint8)
    most = np.empty(groups // CHUNK, np.uint8)
    candidates = np.empty(groups, np.int64)
    for group in range(len(query_codes)):
        level = _agreement(query_codes[group], codes, agreeing, most)
        queries = query_rows[query_starts[group] : query_starts[group + 1]]
        for query in queries:
            distances[query] = np.inf
            rows[query] = -1
        while level >= 0:
            count = _agreeing_in(level, agreeing, most, candidates)
            unfinished = False
            for query in queries:
                # A reference with no more equal codes is at least this far away, whatever its numbers are.
                if distances[query, neighbours - 1] < width - level:
                    continue
                unfinished = True
                for place in candidates[:count]:
                    for at in range(starts[place], starts[place + 1]):
                        distance = float(width - level)
                        for number in range(numbers.shape[1]):
                            distance += min(abs(numbers[at, number] - query_numbers[query, number]), 1.0)
                        if distance <= distances[query, neighbours - 1]:
                            _keep(distances[query], rows[query], distance, reference_rows[at])
            if not unfinished:
                break
            level -= 1


@compiled()
def _agreement(wanted: np.ndarray, codes: np.ndarray, agreeing: np.ndarray, most: np.ndarray) -> int:
    """Count the equal codes of each group, write the most of each chunk, and return the most of all."""
    agreeing[:] = 0
    for column in range(len(codes)):
        code, group_codes = wanted[column], codes[column]
        for place in range(len(group_codes)):
            agreeing[place] += group_codes[place] == code
    best = 0
    for chunk in range(len(most)):
        part = agreeing[chunk * CHUNK : (chunk + 1) * CHUNK]
        largest = part[0]
        for place in range(CHUNK):
            largest = max(largest, part[place])
        most[chunk] = largest
        best = max(best, largest)
    return best


@compiled()
def _agreeing_in(level: int, agreeing: np.ndarray, most: np.ndarray, candidates: np.ndarray) -> int:
    """Write the groups with exactly ``level`` equal codes, and return how many there are."""
    count = 0
    for chunk in range(len(most)):
        if most[chunk] >= level:
            for place in range(chunk * CHUNK, (chunk + 1) * CHUNK):
                candidates[count] = place
                count += agreeing[place] == level
    return count


@compiled()
def _keep(distances: np.ndarray, rows: np.ndarray, distance: float, row: int) -> None:
    """Insert a reference among the nearest so far, if it is nearer than the last of them, or as near and before it."""
    place = len(distances) - 1
    if distance == distances[place] and row > rows[place] >= 0:
        return
    while place and (
        distance < distances[place - 1]
        or (distance == distances[place - 1] and (rows[place - 1] < 0 or row < rows[place - 1]))
    ):
        distances[place] = distances[place - 1]
        rows[place] = rows[place - 1]
        place -= 1
    distances[place] = distance
    rows[place] = row

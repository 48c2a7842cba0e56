"""The whole synthesis in one call: anonymized months in, synthetic months out.

The pipeline takes the same steps as assets of their own, and the tests hold both to the same bytes. A rehearsal or a notebook
calls this::

    population = Population.of_frames(map(count_population, (january, february)))
    source = {"2020-01": january, "2020-02": february}
    synthetic = synthesize(source, population, nomenclature_law(), Settings(epochs=30), secret)
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping

import pandas as pd

from customs_assets.anonymization.unit_prices import month_unit_prices
from customs_assets.disclosure.dominance import Dominance
from customs_assets.disclosure.extension import Published
from customs_assets.disclosure.parts import SafeParts, count_safe_parts, disclosed_tuples
from customs_assets.disclosure.population import Population
from customs_assets.disclosure.safe_groups import SafeGroups, count_safe_groups
from customs_assets.lake import Lake
from customs_assets.law.law import Law
from customs_assets.seeds import Root
from customs_assets.settings import Settings
from customs_assets.synthesis.month import AllMonths, synthesize_month
from customs_assets.synthesis.releasable import Disclosed
from customs_assets.synthesis.steps import compose_identities, fit_model, fit_propensity


def synthesize(
    source: Mapping[str, pd.DataFrame],
    population: Population,
    law: Law,
    settings: Settings,
    root: Root,
    epochs: int | None = None,
    confidential: pd.DataFrame | None = None,
    busy: pd.DataFrame | None = None,
    published: Published | None = None,
) -> dict[str, pd.DataFrame]:
    """Make a synthetic month of every month that is not published.

    Args:
        source: the anonymized declarations by month (``YYYY-MM``), in order.
        population: what each importer declared over the months, inspected or not.
        law: the law that tariff tuples are under.
        settings: ``min_group``, ``dominance_one``, ``dominance_two``, ``rows``, ``price``, ``synthesizer`` and ``epochs`` are
            used.
        root: what all draws derive from.
        epochs: epochs for each month; those of the settings where None.
        confidential: the pairs of trade that are confidential at traders' requests (``disclosure.confidential``), if any.
        busy: the lanes that enough importers declared in a month (``disclosure.inspection.busy_lanes``); None where every
            declaration was inspected.
        published: the months that are published, which are learned from and not made, and their identities.

    Returns:
        The synthetic declarations by month, with the columns of :data:`declaration.RELEASED_NAMES`.

    Raises:
        TooFewImporters: too few importers stand behind what would be released.
        OfOneKind: all declarations are fraud, or none is.
        ValueError: a month has no declarations, or is not as it should be.
    """
    k = settings.min_group
    with tempfile.TemporaryDirectory() as folder:
        lake = Lake(folder)
        for month, rows in source.items():
            lake.write_table("anonymized_declarations", rows, month)
        prices = {month: month_unit_prices(lake, month, k, root) for month in source}
        safe = SafeGroups(count_safe_groups(lake, source, k))
    dominance = Dominance(settings.dominance_one, settings.dominance_two)
    parts = SafeParts(count_safe_parts(population, law, k, dominance))
    declarations = pd.concat(source.values(), ignore_index=True)
    tuples = disclosed_tuples(
        declarations, parts, law, min_group=k, dominance=dominance, root=root, confidential=confidential, busy=busy
    )
    disclosed = Disclosed(safe, tuples)
    identities = compose_identities(source, disclosed, min_group=k, root=root, published=published)
    propensity = fit_propensity(source, prices, disclosed, min_group=k, root=root)
    all_months = AllMonths(disclosed, identities, propensity)
    synthetic = {}
    for month, rows in source.items():
        if published is not None and month in published.months:
            continue
        model = fit_model(
            rows,
            prices[month],
            month=month,
            min_group=k,
            epochs=epochs or settings.epochs,
            root=root,
            synthesizer=settings.synthesizer,
        )
        synthetic[month] = synthesize_month(
            model,
            rows,
            prices[month],
            all_months,
            month=month,
            min_group=k,
            root=root,
            rows=settings.rows,
            price=settings.price,
        ).declarations
    return synthetic

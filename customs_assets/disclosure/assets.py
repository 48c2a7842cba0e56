"""The assets of disclosure: ``population``, ``confidential_trade``, ``safe_parts`` and ``disclosed_tuples``."""

# pyarrow.compute makes its functions when it is imported, where a type checker cannot see them.
# pyright: reportAttributeAccessIssue=false

from typing import Any

import dagster as dg
import pandas as pd
import pyarrow as pa

from customs_assets.anonymization.business_numbers import BusinessNumberError
from customs_assets.disclosure import parts
from customs_assets.disclosure.confidential import confidential_pairs, no_pairs
from customs_assets.disclosure.dominance import Dominance
from customs_assets.disclosure.inspection import busy_lanes
from customs_assets.disclosure.parts import SafeParts, count_safe_parts
from customs_assets.disclosure.population import Population, month_population, months_of_population
from customs_assets.disclosure.register import RegisterError, read_register, register_bytes
from customs_assets.graph import made_with
from customs_assets.lake.io_manager import DIGESTS_READ, LakeFile, Partitions
from customs_assets.law.law import Law
from customs_assets.months import months_of
from customs_assets.named_files import digest
from customs_assets.partitions import months
from customs_assets.resources import OWNERS, PARQUET, Pipeline, table_metadata
from customs_assets.secret_files import SecretFileError, identity_key


@dg.asset(
    partitions_def=months,
    group_name="disclosure",
    kinds={"parquet", "duckdb"},
    owners=OWNERS,
    io_manager_key=PARQUET,
    **made_with("1", "identity_key", "business_numbers"),
)
def population(
    context: dg.AssetExecutionContext, pipeline: Pipeline, raw_declarations: LakeFile
) -> dg.Output[pa.Table]:
    """What each importer declared in the month by tariff tuple, inspected or not; importers are tokens."""
    settings = pipeline.settings
    key = identity_key(settings.identity_key).obtain(settings.lake)
    number = settings.business_numbers.get("importer_id")
    try:
        counted = month_population(raw_declarations.lake, context.partition_key, key, number)
    except BusinessNumberError as error:
        # A missing column will be missing at the next try.
        raise dg.Failure(str(error), allow_retries=False) from error
    metadata: dict[str, Any] = {
        **table_metadata(counted),
        "declarations": int(counted["declarations"].to_numpy().sum()),
        "importers": len(counted["importer_id"].unique()),
        "product_codes": len(counted["hs6_code"].unique()),
    }
    return dg.Output(counted, metadata=metadata)


@dg.asset(
    group_name="disclosure",
    kinds={"parquet", "duckdb"},
    owners=OWNERS,
    io_manager_key=PARQUET,
    **made_with("1", "confidential", "identity_key"),
)
def confidential_trade(
    context: dg.AssetExecutionContext, pipeline: Pipeline, population: Partitions
) -> dg.Output[pd.DataFrame]:
    """Of which products and partner countries the partner or the quantity is withheld, because a trader asked for it."""
    settings = pipeline.settings
    if settings.confidential is None:
        return dg.Output(no_pairs(), metadata={"requests": 0, "dagster/row_count": 0})
    try:
        # A new key would make other tokens than those of the population.
        key = identity_key(settings.identity_key).load()
        content = register_bytes(settings.confidential, settings.lake)
        register = read_register(content, settings.confidential, key)
    except (RegisterError, SecretFileError) as error:
        raise dg.Failure(str(error), allow_retries=False) from error
    pairs, without_trade = confidential_pairs(register, Population.of(population.lake, list(population)))
    if without_trade:
        rows = ", ".join(map(str, without_trade))
        context.log.warning(
            f"rows of the register that are about no declared trade: {rows}; is a name or code misspelled?"
        )
    metadata: dict[str, Any] = {
        "dagster/row_count": len(pairs),
        DIGESTS_READ: {"confidential": digest(content)},
        "requests": int(register["row"].nunique()),
        "requests_without_trade": len(without_trade),
        "partner_withheld": int(pairs["partner"].sum()),
        "quantity_withheld": int((pairs["quantity"] != "").sum()),
    }
    return dg.Output(pairs, metadata=metadata)


@dg.asset(
    group_name="disclosure",
    kinds={"parquet", "duckdb"},
    owners=OWNERS,
    io_manager_key=PARQUET,
    **made_with("1", "min_group", "dominance_one", "dominance_two"),
)
def safe_parts(
    pipeline: Pipeline, population: Partitions, tariff: pa.Table, tariff_routes: pa.Table
) -> dg.Output[pd.DataFrame]:
    """What may be shown of codes, lanes and claims: where k importers have it and nobody dominates it."""
    settings = pipeline.settings
    everyone = Population.of(population.lake, list(population))
    dominance = Dominance(settings.dominance_one, settings.dominance_two)
    safe = count_safe_parts(everyone, Law.of(tariff, tariff_routes), settings.min_group, dominance)
    cells = safe[safe["importer_id"] == ""]
    metadata: dict[str, Any] = {
        **table_metadata(safe),
        "months": len(population),
        "importers": len(everyone.importers),
        "safe_product_codes": int((cells["part"] == "code").sum()),
        "importers_thinned": int(safe.loc[safe["importer_id"] != "", "importer_id"].nunique()),
        "by_part": dg.MetadataValue.md(
            cells.pivot_table(index="level", columns="part", values="place", aggfunc="size").to_markdown()
        ),
    }
    return dg.Output(safe, metadata=metadata)


@dg.asset(
    group_name="disclosure",
    kinds={"parquet", "pandas"},
    owners=OWNERS,
    io_manager_key=PARQUET,
    **made_with("6", "release_secret", "min_group", "dominance_one", "dominance_two"),
)
def disclosed_tuples(
    pipeline: Pipeline,
    anonymized_declarations: Partitions,
    safe_parts: pd.DataFrame,
    confidential_trade: pd.DataFrame,
    population: Partitions,
    tariff: pa.Table,
    tariff_routes: pa.Table,
) -> dg.Output[pd.DataFrame]:
    """The tariff tuple that is shown for each declaration: parts that are safe are kept, the others drawn where they are."""
    settings = pipeline.settings
    law = Law.of(tariff, tariff_routes)
    declarations = pd.concat(dict(anonymized_declarations).values(), ignore_index=True)
    busy = busy_lanes(
        months_of_population(population.lake, population),
        _of_importers(declarations),
        settings.min_group,
        after_published=bool(pipeline.frozen.earlier(list(anonymized_declarations))),
    )
    tuples = parts.disclosed_tuples(
        declarations,
        SafeParts(safe_parts),
        law,
        min_group=settings.min_group,
        dominance=Dominance(settings.dominance_one, settings.dominance_two),
        root=pipeline.secret,
        confidential=confidential_trade,
        busy=busy,
    )
    levels = {name.removesuffix("_level"): tuples[name] for name in tuples.columns if name.endswith("_level")}
    shares = pd.DataFrame({part: level.value_counts(normalize=True) for part, level in levels.items()}).fillna(0.0)
    shown, declared = tuples["hs6_code"].nunique(), declarations["hs10_code"].str[:6].nunique()
    metadata: dict[str, Any] = {
        **table_metadata(tuples),
        "law": law.origin,
        "product_codes": f"{shown}, where the source has {declared}",
        "changed_months": 0.0 if busy is None else round(_changed_months(tuples, declarations), 4),
        "shares_by_level": dg.MetadataValue.md(shares.round(4).to_markdown()),
    }
    return dg.Output(tuples, metadata=metadata)


def _changed_months(tuples: pd.DataFrame, declarations: pd.DataFrame) -> float:
    """The share of declarations whose tuple comes from another month."""
    month = months_of(declarations.set_index("declaration_id")["date"])
    own, given = (month.loc[tuples[name]].to_numpy() for name in ("declaration_id", "of_declaration"))
    return float((own != given).mean())


def _of_importers(declarations: pd.DataFrame) -> int:
    """How many declarations name an importer."""
    return int((declarations["importer_id"] != "").sum())

"""One synthesis: a single call gives exactly the tables that the assets give one by one."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pandas as pd
import pytest

from customs_assets.definitions import defs
from customs_assets.disclosure.population import Population
from customs_assets.lake import Lake
from customs_assets.law.law import Law
from customs_assets.settings import Settings
from customs_assets.synthesis.synthesize import synthesize

MONTHS = ("2020-01", "2020-02")
SECRET = hashlib.sha256(b"one synthesis").digest()

# The jobs in order, what of each is made here, and whether for each month.
STEPS = (
    ("law", ("tariff", "tariff_routes"), False),
    (
        "month",
        (
            "raw_declarations",
            "quarantine",
            "population",
            "labelled_declarations",
            "anonymized_declarations",
            "unit_prices",
            "ctgan_model",
        ),
        True,
    ),
    (
        "shared",
        (
            "safe_parts",
            "confidential_trade",
            "disclosed_tuples",
            "safe_groups",
            "composed_identities",
            "fraud_propensity",
        ),
        False,
    ),
    ("synthesis", ("synthetic_declarations",), True),
)


@pytest.fixture(scope="module")
def lake(small_source: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    """A lake in which the pipeline has made two synthetic months, each step as an asset of its own."""
    folder = tmp_path_factory.mktemp("pipeline")
    secret = folder / "release.secret"
    secret.write_bytes(SECRET)
    secret.chmod(0o600)
    with pytest.MonkeyPatch.context() as environment, dg.DagsterInstance.ephemeral() as instance:
        environment.setenv("CUSTOMS_SOURCE", str(small_source))
        environment.setenv("CUSTOMS_LAKE", str(folder / "lake"))
        environment.setenv("CUSTOMS_IDENTITY_KEY", str(folder / "identity.key"))
        environment.setenv("CUSTOMS_RELEASE_SECRET", str(secret))
        environment.setenv("CUSTOMS_EPOCHS", "2")
        for job, assets, monthly in STEPS:
            for month in MONTHS if monthly else (None,):
                selection = [dg.AssetKey(key) for key in assets]
                run = defs.resolve_job_def(job).execute_in_process(
                    partition_key=month, asset_selection=selection, instance=instance
                )
                assert run.success
        yield Lake(str(folder / "lake"))


def _law(lake: Lake) -> Law:
    """The law that is in the lake: the codes of the nomenclature."""
    law = Law.of(lake.read_table("tariff"), lake.read_table("tariff_routes"))
    assert law.origin == "nomenclature"
    return law


def test_one_call_gives_the_tables_that_the_assets_give(lake: Lake):
    source = {month: lake.read_frame("anonymized_declarations", month) for month in MONTHS}
    settings = Settings(epochs=2)  # pyright: ignore[reportCallIssue]
    synthetic = synthesize(source, Population.of(lake, MONTHS), _law(lake), settings, SECRET)
    assert list(synthetic) == list(MONTHS)
    for month, rows in synthetic.items():
        assert len(rows) == 150
        released = lake.read_frame("synthetic_declarations", month)
        pd.testing.assert_frame_equal(rows, released, check_exact=True)


def test_another_secret_gives_other_rows_and_as_many_as_asked_for(lake: Lake):
    source = {month: lake.read_frame("anonymized_declarations", month) for month in MONTHS}
    settings = Settings(rows=40)  # pyright: ignore[reportCallIssue]
    other = synthesize(source, Population.of(lake, MONTHS), _law(lake), settings, b"o" * 32, epochs=1)
    for month, rows in other.items():
        released = lake.read_frame("synthetic_declarations", month)
        assert len(rows) == 40
        assert not set(rows["declaration_id"]) & set(released["declaration_id"])

"""A lake with all that the evidence rests on: a world of traders as the source, a fresh sample of it as synthetic rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from customs_assets.benchmark.detectors import DETECTORS
from customs_assets.declaration import RELEASED_TUPLE
from customs_assets.disclosure.population import count_population
from customs_assets.fidelity.claims import Tables
from customs_assets.fidelity.table_two import as_json, fidelity
from customs_assets.lake import Lake, to_arrow
from customs_assets.privacy.claims import Disclosure, month_privacy
from customs_assets.release.files import build_release
from customs_assets.settings import Settings
from customs_assets_tests.disclosing import disclosure_of, law_that_allows

MIN_GROUP = 5


@dataclass(frozen=True)
class Made:
    """A source and a synthetic table of the same months."""

    source: pd.DataFrame
    synthetic: pd.DataFrame

    @property
    def tables(self) -> Tables:
        """The two, under the law that allows the claims of the source."""
        law = law_that_allows(self.source.assign(hs10_code=self.source["hs6_code"]))
        return Tables(self.synthetic, self.source, law=law)

    @cached_property
    def disclosure(self) -> Disclosure:
        """What may be shown of the source."""
        return disclosure_of(self.source, MIN_GROUP)


def by_month(rows: pd.DataFrame) -> Mapping[str, pd.DataFrame]:
    """Rows by the month of their date."""
    names = rows["date"].dt.strftime("%Y-%m")
    return {str(name): part.reset_index(drop=True) for name, part in rows.groupby(names)}


@pytest.fixture(scope="session")
def honest(world: Any) -> Made:
    """The traders' declarations, and a fresh sample whose tuples rest on five importers of the source and were disclosed."""
    source = pd.concat([world.training, world.control]).sort_values("date", ignore_index=True)
    behind = source.groupby(list(RELEASED_TUPLE))["importer_id"].nunique().rename("importers").reset_index()
    fresh = world.fresh.merge(behind, on=list(RELEASED_TUPLE), how="left")
    shown = disclosure_of(source, MIN_GROUP).tuples[list(RELEASED_TUPLE)].drop_duplicates()
    fresh = fresh[fresh["importers"] >= MIN_GROUP].merge(shown, on=list(RELEASED_TUPLE))
    return Made(source, fresh[list(world.fresh.columns)].sort_values("date", ignore_index=True))


def fill(lake: Lake, made: Made) -> None:
    """Write the tables, the release and the monthly reports of a lake; the evidence itself is for the test to write."""
    source = made.source.rename(columns={"hs6_code": "hs10_code"}).assign(hs10_code=made.source["hs6_code"] + "0000")
    named = source.assign(importer_id="Importer " + source["importer_id"] + " Ltd")
    for month, rows in by_month(source).items():
        lake.write_table("anonymized_declarations", rows, month)
        lake.write_table("labelled_declarations", by_month(named)[month], month)
        lake.write_table("population", count_population(rows), month)
    law = law_that_allows(source)
    lake.write_table("tariff", to_arrow(law.tariff).replace_schema_metadata({"origin": law.origin}))
    for month, rows in by_month(made.synthetic).items():
        lake.write_table("synthetic_declarations", rows, month)
        lake.write_json("quality_report", as_json(fidelity(by_month(source)[month], rows)), month)
        lake.write_json("privacy_report", month_privacy(by_month(source)[month], rows), month)
    scores = fidelity(made.source, made.synthetic)
    lake.write_json("release_quality", as_json(scores))
    settings = Settings()  # pyright: ignore[reportCallIssue]
    files = build_release(made.synthetic, list(by_month(source)), scores, settings, 7, "nomenclature")
    lake.write_folder("release_candidate", files)
    rng = np.random.default_rng(1)
    for number, detector in enumerate(DETECTORS):
        for dataset in ("source", "synthetic"):
            cell = {
                "detector": detector,
                "dataset": dataset,
                "inspection_rate": [0.05, 0.10],
                "precision_std": 0.01,
                "seeds": 5,
            }
            found = 0.3 + number / 20 + rng.normal(0, 0.002)
            lake.write_table(
                "fraud_benchmark", pd.DataFrame({**cell, "precision_mean": found}), f"{dataset}|{detector}"
            )


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lake:
    """An empty lake that the pipeline's settings name."""
    monkeypatch.setenv("CUSTOMS_LAKE", str(tmp_path / "lake"))
    return Lake(str(tmp_path / "lake"))

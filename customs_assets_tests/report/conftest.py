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

from customs_assets.benchmark.cells import RATES
from customs_assets.benchmark.detectors import DETECTORS
from customs_assets.declaration import RELEASED_TUPLE
from customs_assets.disclosure.population import count_population
from customs_assets.drift.counting import counted
from customs_assets.drift.month_counts import MonthCounts
from customs_assets.drift.verdicts import verdict
from customs_assets.fidelity.claims import Tables
from customs_assets.fidelity.references import halves
from customs_assets.fidelity.table_two import as_json, fidelity
from customs_assets.lake import Lake, to_arrow
from customs_assets.privacy.claims import Disclosure, month_privacy, privacy
from customs_assets.privacy.gate import reasons_of_measures
from customs_assets.privacy.rehearsal import Rehearsal
from customs_assets.release.files import CHECKSUMS, build_release
from customs_assets.report.evidence import evidence
from customs_assets.report.page import Evidence, page
from customs_assets.report.provenance import provenance
from customs_assets.settings import Settings
from customs_assets.source.accounts import reading_of, with_account
from customs_assets.source.quarantine import SCHEMA
from customs_assets.trade.document import trade_patterns
from customs_assets_tests.disclosing import disclosure_of, law_that_allows

MIN_GROUP = 5

# How the months of a source were read: counts that the outside form has to round, headers and cells that it has to leave out.
READING = {
    "form": "korea",
    "title": "Import declarations of the Korea Customs Service, as Table 1 of the paper describes them",
    "files": [{"kind": "CSV", "encoding": "utf-8", "separator": ",", "above": 0, "files": 3}],
    "columns": {"Bureau Nr": "office_id", "HS10 Code": "hs10_code"},
    "unused": ["Remarks 2019"],
    "rows_in": 71_234,
    "kept": 71_217,
    "inspected": 3_603,
    "reasons": {"text_in_number": 14, "unknown_code": 3},
    "mended": [["hs10_code", "leading zeros that were lost, put back", 8_767, "901210000", "0901210000"]],
}


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
    fill_drift(lake, by_month(named))
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
                "inspection_rate": RATES,
                "precision_std": 0.01,
                "seeds": 5,
                "recall_mean": [0.037, 0.0712, 0.1698, 0.3141],
                "duty_recall_mean": [0.0137, 0.0212, 0.0598, 0.1141],
                "recovered_recall_mean": np.nan,
                "random_mean": np.nan,
            }
            found = 0.3 + number / 20 + rng.normal(0, 0.002)
            drawn = {
                name: [(found + rng.normal(0, 0.002, draws)).tolist() for _ in RATES]
                for name, draws in (("by_key", 3), ("by_importers", 20))
            }
            halves = {name: found + rng.normal(0, 0.03, len(RATES)) for name in ("first_half", "second_half")}
            lake.write_table(
                "fraud_benchmark",
                pd.DataFrame({**cell, "precision_mean": found, **drawn, **halves}),
                f"{dataset}|{detector}",
            )


def fill_drift(lake: Lake, months: Mapping[str, pd.DataFrame]) -> None:
    """Write the drift of some months."""
    counts: list[MonthCounts] = []
    for month, rows in months.items():
        lake.write_table("raw_declarations", rows, month)
        quarantine = SCHEMA.empty_table()
        # The account of all months stands with the first; earlier versions wrote none.
        lake.write_table("quarantine", with_account(quarantine, READING) if not counts else quarantine, month)
        with lake.connect() as connection:
            paths = (lake.sql_path(asset, month) for asset in ("raw_declarations", "quarantine"))
            counts.append(MonthCounts.of(month, counted(connection, *paths).to_pandas()))
        lake.write_json("drift", verdict(counts), month)


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lake:
    """An empty lake that the pipeline's settings name."""
    monkeypatch.setenv("CUSTOMS_LAKE", str(tmp_path / "lake"))
    return Lake(str(tmp_path / "lake"))


def evidence_in(lake: Lake) -> Evidence:
    """What a page is made from, as the asset is given it."""
    names = ("release_quality", "release_evidence", "release_privacy", "trade_patterns")
    documents = {name: lake.read_json(name) for name in names}
    months = documents["release_evidence"]["months"]
    return Evidence(
        **documents,
        fraud_benchmark={cell: lake.read_frame("fraud_benchmark", cell) for cell in lake.partitions("fraud_benchmark")},
        quality_report={month: lake.read_json("quality_report", month) for month in months},
        privacy_report={month: lake.read_json("privacy_report", month) for month in months},
        drift={month: lake.read_json("drift", month) for month in months},
        release_candidate={CHECKSUMS: lake.read_folder("release_candidate")[CHECKSUMS]},
        provenance=provenance(lake, months),
        settings=Settings(),  # pyright: ignore[reportCallIssue]
        law="nomenclature",
        requests=3,
        reading=reading_of(lake, months),
        withheld=reasons_of_measures(lake, months),
    )


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory, honest: Made) -> tuple[Path, Lake]:
    """The page of the honest release, written to a file, and the lake that it was made from."""
    folder = tmp_path_factory.mktemp("page")
    lake = Lake(str(folder / "lake"))
    fill(lake, honest)
    months = list(by_month(honest.source))
    lake.write_json("release_evidence", evidence(honest.tables, months, MIN_GROUP, labels_kept=0.5, root=b"s" * 32))
    lake.write_json("trade_patterns", trade_patterns(honest.source, honest.synthetic, MIN_GROUP, (0.75, 0.85), 7))
    training, control = halves(honest.source, "importer_id")
    rehearsal = Rehearsal(honest.synthetic, training, control, epochs=30)
    lake.write_json("release_privacy", privacy(honest.tables, MIN_GROUP, rehearsal, honest.disclosure))
    path = folder / "evidence.html"
    path.write_bytes(page(evidence_in(lake)))
    return path, lake

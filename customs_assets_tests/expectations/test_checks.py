"""Suites convict what they are there to convict, name the rows, and note their verdict in the lake."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from customs_assets.anonymization.identities import anonymize
from customs_assets.declaration import IDENTITIES, RELEASED_NAMES, RELEASED_TUPLE
from customs_assets.disclosure.safe_groups import count_safe_groups
from customs_assets.expectations.checks import judge
from customs_assets.expectations.expect import Suite
from customs_assets.expectations.suites import SUITES
from customs_assets.expectations.validation import validate
from customs_assets.generator.checkpoint import to_bytes
from customs_assets.generator.synthesizer import fit
from customs_assets.lake import Lake, Record
from customs_assets.resources import Pipeline
from customs_assets.source.address import open_source
from customs_assets_tests.disclosing import law_that_allows, parts_of_all, write_parts

MONTH = "2020-01"
KEY = b"k" * 32


def _suite(asset: str, level: str = "error") -> Suite:
    return next(suite for suite in SUITES if suite.asset == asset and suite.level == level)


@pytest.fixture
def lake(tmp_path: Path, small_source: Path, monkeypatch: pytest.MonkeyPatch) -> Lake:
    """A lake with one month's labelled and anonymized rows, and what may be shown of them."""
    monkeypatch.setenv("CUSTOMS_LAKE", str(tmp_path / "lake"))
    monkeypatch.setenv("CUSTOMS_SOURCE", str(small_source))
    stored = Lake(str(tmp_path / "lake"))
    month = open_source(str(small_source)).read_month(MONTH)
    stored.write_table("raw_declarations", month.declarations, MONTH)
    stored.write_table("quarantine", month.quarantine.replace_schema_metadata({"rows_in": str(month.rows_in)}), MONTH)
    stored.write_table("labelled_declarations", month.declarations, MONTH)
    labelled = stored.read_frame("labelled_declarations", MONTH)
    anonymized = anonymize(labelled, KEY)
    stored.write_table("anonymized_declarations", anonymized, MONTH)
    stored.write_table("safe_groups", count_safe_groups(stored, [MONTH], min_group=5))
    law = law_that_allows(anonymized)
    write_parts(stored, parts_of_all(anonymized, law, 5, 1), law, MONTH)
    slots = anonymized[["declaration_id", *IDENTITIES]].assign(slot_id=anonymized["declaration_id"])
    stored.write_table("composed_identities", slots)
    return stored


def _synthetic(lake: Lake) -> pd.DataFrame:
    """Rows that hold every rule: the tuples that are disclosed, with the importers of other rows."""
    source = lake.read_frame("anonymized_declarations", MONTH)
    tuples = lake.read_frame("disclosed_tuples")
    source = source.assign(
        **{name: tuples[name].to_numpy() for name in RELEASED_TUPLE},
        declaration_id=[f"{n:08d}" for n in range(len(source))],
    )
    return source.assign(importer_id=source["importer_id"].to_numpy()[::-1], item_price=source["item_price"] + 0.5)[
        list(RELEASED_NAMES)
    ]


def _judged(lake: Lake, asset: str, level: str = "error"):
    return judge(_suite(asset, level), Pipeline(), MONTH)


def test_sound_tables_pass(lake: Lake):
    lake.write_table("synthetic_declarations", _synthetic(lake), MONTH)
    for asset in ("raw_declarations", "labelled_declarations", "anonymized_declarations", "synthetic_declarations"):
        result = _judged(lake, asset)
        assert result.passed, (asset, result.metadata["findings"])


@pytest.mark.parametrize("name", ["ctgan", "diffusion", "trees"])
def test_a_model_of_any_kind_is_judged_by_the_losses_that_it_has(
    lake: Lake, name: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("CUSTOMS_EPOCHS", "2")
    table = pd.DataFrame({"code": ["a", "b"] * 20, "number": np.arange(40.0)})
    model = fit(name, table, ["code"], seed=1, epochs=2)
    path = lake.path("ctgan_model", MONTH, "safetensors")
    lake.write_bytes(path, to_bytes(model))
    result = _judged(lake, "ctgan_model")
    assert result.passed, result.metadata["findings"]
    assert len(model.loss_values) == {"ctgan": 2, "diffusion": 1, "trees": 0}[name]
    if len(model.loss_values):
        loss = str(model.loss_values.columns[-1])
        model.loss_values = model.loss_values.assign(**{loss: 1e7})
        lake.write_bytes(path, to_bytes(model))
        assert not _judged(lake, "ctgan_model").passed
    if name == "ctgan":
        monkeypatch.setenv("CUSTOMS_EPOCHS", "3")
        lake.write_bytes(path, to_bytes(fit(name, table, ["code"], seed=1, epochs=2)))
        assert not _judged(lake, "ctgan_model").passed, "fewer epochs than were asked for"


def test_a_lost_row_breaks_reconciliation(lake: Lake):
    raw = lake.read_table("raw_declarations", MONTH)
    lake.write_table("raw_declarations", raw.slice(1), MONTH)
    result = _judged(lake, "raw_declarations")
    assert not result.passed
    assert "150 rows in, 0 of them quarantined" in str(result.metadata["findings"])


def test_a_month_judged_piece_by_piece_is_judged_as_a_whole(lake: Lake):
    raw = lake.read_table("raw_declarations", MONTH).to_pandas()
    raw.loc[140, "declaration_id"] = raw.loc[3, "declaration_id"]
    raw.loc[[7, 60, 149], "office_id"] = ["4", "5", "4"]
    raw.loc[99, "net_mass"] = -1.5
    raw.loc[[20, 100], "date"] = pd.Timestamp("2020-03-01")
    path = lake.path("raw_declarations", MONTH)
    table = pa.Table.from_pandas(raw, lake.read_table("raw_declarations", MONTH).schema, preserve_index=False)
    found = {}
    for rows_in_a_group in (40, 150):
        pq.write_table(table, path, row_group_size=rows_in_a_group)
        assert pq.read_metadata(path).num_row_groups == -(-150 // rows_in_a_group)
        result = _judged(lake, "raw_declarations")
        found[rows_in_a_group] = (result.passed, result.metadata["reasons"].value, result.metadata["findings"].value)
    assert found[40] == found[150]
    passed, reasons, findings = found[40]
    assert not passed
    assert {(reason["reason"], reason["rows"]) for reason in reasons} == {
        ("declaration IDs are unique", 2),
        ("office_id has the form of its code", 3),
        ("net_mass lies between 0 and 1e+09 kg", 1),
        (f"dates lie in {MONTH}", 2),
    }
    assert f"| 3 of 150 | 4, 5 | {', '.join(raw.loc[[7, 60, 149], 'declaration_id'])} |" in findings


def test_a_month_without_a_declaration_is_judged(lake: Lake):
    for asset in ("raw_declarations", "quarantine"):
        empty = lake.read_table(asset, MONTH).slice(0, 0)
        metadata = {"rows_in": "0"} if asset == "quarantine" else empty.schema.metadata
        lake.write_table(asset, empty.replace_schema_metadata(metadata), MONTH)
    assert _judged(lake, "raw_declarations").passed


@pytest.mark.parametrize(
    ("expectation", "breaking"),
    [
        (lambda gxe: gxe.ExpectColumnValuesToBeInSet(column="code", value_set=["a", "b"]), {"ccc": 2, "": 1}),
        (lambda gxe: gxe.ExpectColumnValuesToNotBeInSet(column="code", value_set=["a", ""]), {"a": 2, "": 1}),
        (lambda gxe: gxe.ExpectColumnValuesToMatchRegex(column="code", regex="^(?:a|(c)+)$"), {"b": 1, "": 1}),
        (lambda gxe: gxe.ExpectColumnValuesToBeInSet(column="number", value_set=[1, 2]), {"3": 1, "0": 1}),
    ],
)
def test_what_is_asked_of_distinct_values_is_asked_of_every_row(expectation, breaking: dict[str, int]):
    import great_expectations.expectations as gxe

    frame = pd.DataFrame({"code": ["a", "ccc", None, "", "b", "ccc", "a"], "number": [1, 2, 3, 0, 1, 2, 1]})
    [finding] = validate(frame, [expectation(gxe)]).findings
    assert finding.failing == sum(breaking.values())
    assert finding.examined == len(frame)
    assert set(finding.values) == {*breaking}
    assert finding.columns in frame.columns


def test_a_leaked_name_blocks_and_is_counted(lake: Lake):
    leaked = lake.read_frame("anonymized_declarations", MONTH)
    leaked.loc[3, "importer_id"] = lake.read_frame("labelled_declarations", MONTH).loc[3, "importer_id"]
    lake.write_table("anonymized_declarations", leaked, MONTH)
    result = _judged(lake, "anonymized_declarations")
    assert not result.passed
    assert "no importer_id of the source is left" in str(result.metadata["findings"])
    assert str(leaked.loc[3, "declaration_id"]) in str(result.metadata["findings"])


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("tax_rate", 99.0, "every tariff tuple was disclosed for the month"),
        ("critical_fraud", 2, "critical fraud is 0 where there is no fraud"),
        ("date", pd.Timestamp("2020-03-01"), "dates lie in 2020-01"),
        ("office_id", "4", "office_id has the form of its code"),
        ("mode_of_transport", "11", "mode_of_transport is a code of its list"),
        ("net_mass", -1.0, "net_mass lies between 0 and"),
        ("importer_id", "AAAAAAA", "every importer_id is a composed identity"),
        ("declaration_id", "00000000", "declaration IDs are unique"),
    ],
)
def test_a_synthetic_row_that_breaks_a_rule_is_convicted_by_that_rule(lake: Lake, column: str, value, said: str):
    synthetic = _synthetic(lake)
    row = synthetic.index[(synthetic["fraud"] == 0) & (synthetic["declaration_id"] != "00000000")][0]
    synthetic.loc[row, column] = value
    lake.write_table("synthetic_declarations", synthetic.astype({"critical_fraud": "int8"}), MONTH)
    result = _judged(lake, "synthetic_declarations")
    assert not result.passed
    assert said in str(result.metadata["findings"])


def test_a_copied_row_is_convicted(lake: Lake):
    synthetic = _synthetic(lake)
    source = lake.read_frame("anonymized_declarations", MONTH)
    source = source.assign(hs6_code=source["hs10_code"].str[:6])
    for name in set(RELEASED_NAMES) - {"declaration_id"}:
        synthetic.loc[5, name] = source.loc[5, name]
    lake.write_table("synthetic_declarations", synthetic.astype({"fraud": "int8", "critical_fraud": "int8"}), MONTH)
    findings = str(_judged(lake, "synthetic_declarations").metadata["findings"])
    assert "no row equals a source row in everything but its key and date" in findings
    assert "00000005" in findings


def test_a_lawful_tuple_that_was_not_disclosed_is_convicted(lake: Lake):
    synthetic = _synthetic(lake)
    lake.write_table("synthetic_declarations", synthetic, MONTH)
    assert _judged(lake, "synthetic_declarations").passed
    tuples = lake.read_frame("disclosed_tuples")
    gone, other = tuples["hs6_code"].unique()[:2]
    columns = list(RELEASED_TUPLE)
    tuples.loc[tuples["hs6_code"] == gone, columns] = tuples.loc[tuples["hs6_code"] == other, columns].iloc[0].tolist()
    lake.write_table("disclosed_tuples", tuples)
    findings = str(_judged(lake, "synthetic_declarations").metadata["findings"])
    assert "every tariff tuple was disclosed for the month" in findings
    assert gone in findings
    assert (synthetic["hs6_code"] == gone).any()


def test_the_disclosed_tuples_of_the_month_pass_the_account(lake: Lake):
    result = judge(_suite("disclosed_tuples"), Pipeline(), "")
    assert result.passed, result.metadata["findings"]
    assert judge(_suite("safe_parts"), Pipeline(), "").passed


@pytest.mark.parametrize(
    ("column", "value"),
    [("tax_type", "FRARE1"), ("tax_rate", 77.0), ("country_of_origin", "US"), ("hs6_code", "220421")],
)
def test_a_part_that_is_kept_without_k_importers_fails_the_account(lake: Lake, column: str, value):
    tuples = lake.read_frame("disclosed_tuples")
    row = tuples.index[(tuples.filter(like="_level") == "hs6_code").all(axis=1)][0]
    tuples.loc[row, column] = value
    lake.write_table("disclosed_tuples", tuples)
    result = judge(_suite("disclosed_tuples"), Pipeline(), "")
    assert not result.passed
    assert "every part rests on 5 importers whom nobody dominates, and every tuple is lawful" in str(
        result.metadata["findings"]
    )


def test_a_declaration_without_a_disclosed_tuple_fails_the_account(lake: Lake):
    lake.write_table("disclosed_tuples", lake.read_frame("disclosed_tuples").iloc[1:])
    result = judge(_suite("disclosed_tuples"), Pipeline(), "")
    assert not result.passed
    assert "every declaration has a tuple once" in str(result.metadata["findings"])


def test_a_safe_part_of_too_few_importers_fails_its_suite_and_the_account(lake: Lake):
    lake.write_table("population", lake.read_frame("population", MONTH).head(0), MONTH)
    assert not judge(_suite("disclosed_tuples"), Pipeline(), "").passed, "nobody stands behind what is shown"
    safe = lake.read_frame("safe_parts")
    safe.loc[safe.index[safe["importer_id"] == ""][0], "importers"] = 4
    lake.write_table("safe_parts", safe)
    result = judge(_suite("safe_parts"), Pipeline(), "")
    assert not result.passed
    assert "every safe cell rests on at least 5 importers" in str(result.metadata["findings"])


def test_identities_that_are_the_sources_own_are_convicted(lake: Lake):
    own = lake.read_frame("anonymized_declarations", MONTH)
    slots = own[["declaration_id", "country_of_origin", *IDENTITIES]].assign(
        slot_id=own["declaration_id"], hs6_code=own["hs10_code"].str[:6]
    )
    lake.write_table("composed_identities", slots)
    result = judge(_suite("composed_identities"), Pipeline(), "")
    assert not result.passed
    assert "give a new identity more of one source identity" in str(result.metadata["findings"])


def test_a_safe_group_of_too_few_importers_is_convicted(lake: Lake):
    assert judge(_suite("safe_groups"), Pipeline(), "").passed
    safe = lake.read_frame("safe_groups")
    safe.loc[0, "importers"] = 4
    lake.write_table("safe_groups", safe)
    assert not judge(_suite("safe_groups"), Pipeline(), "").passed


def test_the_verdict_is_noted_for_these_bytes_alone(lake: Lake):
    checksum = lake.write_table("synthetic_declarations", _synthetic(lake), MONTH)
    checks = [suite.name for suite in SUITES if suite.asset == "synthetic_declarations" and suite.is_error]
    assert checks
    path = f"synthetic_declarations/{MONTH}.parquet"
    record = Record("synthetic_declarations", MONTH, path, "1", checksum, checks=checks)
    lake.save_record(record)
    assert not lake.passed(record)
    _judged(lake, "synthetic_declarations")
    assert lake.passed(record)
    assert not lake.passed(replace(record, sha256="another checksum"))
    assert not lake.passed(replace(record, checks=[*checks, "one that a killed run did not come to"]))


def test_confidential_values_do_not_reach_findings(lake: Lake):
    raw = lake.read_table("raw_declarations", MONTH).to_pandas()
    raw.loc[0, "importer_id"] = "   "
    lake.write_table("labelled_declarations", raw.astype({"date": "datetime64[ns]"}), MONTH)
    findings = str(_judged(lake, "labelled_declarations").metadata["findings"])
    assert "importer_id names somebody" in findings
    assert "(hidden: confidential)" in findings


def test_scores_under_the_papers_are_warned_of(lake: Lake):
    from customs_assets.fidelity.table_two import PAPER_SCORES

    scores = [{"metric": name, "score": score, "columns": {}} for name, score in PAPER_SCORES.items()]
    scores[0]["score"] = 0.5
    lake.write_json("release_quality", scores)
    result = judge(_suite("release_quality", "warning"), Pipeline(), "")
    assert not result.passed
    assert "KSComplement is at least 0.8268" in str(result.metadata["findings"])
    assert judge(_suite("release_quality"), Pipeline(), "").passed


def test_simulated_rows_are_judged_by_the_tariff_schedule(lake: Lake, monkeypatch: pytest.MonkeyPatch):
    address = "simulated?declarations=18000"
    monkeypatch.setenv("CUSTOMS_SOURCE", address)
    month = open_source(address).read_month(MONTH).declarations
    lake.write_table("raw_declarations", month, MONTH)
    labelled = month.filter(month["fraud"].is_valid())
    lake.write_table("labelled_declarations", labelled, MONTH)
    assert _judged(lake, "labelled_declarations").passed
    declared = lake.read_frame("labelled_declarations", MONTH)
    declared.loc[2, "tax_rate"] = 77.7
    lake.write_table("labelled_declarations", declared, MONTH)
    result = _judged(lake, "labelled_declarations")
    assert not result.passed
    assert str(declared.loc[2, "declaration_id"]) in str(result.metadata["findings"])

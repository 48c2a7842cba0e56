"""The rehearsal sees the training half and nothing of the other, or no attack measured on it would say anything."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from customs_assets.claims import from_json
from customs_assets.declaration import IDENTITIES, RELEASED_TUPLE
from customs_assets.disclosure.account import parts_account
from customs_assets.disclosure.confidential import no_pairs
from customs_assets.disclosure.population import Population, count_population
from customs_assets.expectations.checks import judge
from customs_assets.expectations.suites import SUITES
from customs_assets.fidelity.references import in_control
from customs_assets.lake import Lake, to_arrow
from customs_assets.lake.io_manager import Partitions
from customs_assets.law.law import Law
from customs_assets.privacy.assets import release_privacy
from customs_assets.privacy.gate import reasons_of_claims
from customs_assets.privacy.rehearsal import Rehearsal, digest, epochs_of, halves_of, rehearsed
from customs_assets.resources import Pipeline
from customs_assets.seeds import derive_root, derive_seed
from customs_assets.settings import Settings
from customs_assets.synthesis import steps
from customs_assets_tests.conftest import traders
from customs_assets_tests.disclosing import DOMINANCE, law_that_allows, parts_of_all, write_parts

MIN_GROUP = 3


SECRET = b"s" * 32


@pytest.fixture(scope="module")
def source() -> Mapping[str, pd.DataFrame]:
    """Three months of the traders' declarations, product codes of ten digits."""
    rows = traders(11, "A", rows=1200, importers=100).rename(columns={"hs6_code": "hs10_code"})
    rows = rows.assign(hs10_code=rows["hs10_code"] + "0000")
    # Tokens as long as those of the pipeline.
    rows = rows.assign(
        **{role: rows[role].where(rows[role] == "", rows[role].str.ljust(20, "0")) for role in IDENTITIES}
    )
    months = rows["date"].dt.strftime("%Y-%m")
    return {str(month): part.reset_index(drop=True) for month, part in rows.groupby(months)}


def _settings() -> Settings:
    return Settings(min_group=MIN_GROUP, rehearsal_epochs=1)  # pyright: ignore[reportCallIssue]


def _population(source: Mapping[str, pd.DataFrame]) -> Population:
    """The population of a source of which every declaration was inspected."""
    return Population.of_frames(map(count_population, source.values()))


def _law(source: Mapping[str, pd.DataFrame]) -> Law:
    """The law that allows what the source declares."""
    return law_that_allows(pd.concat(source.values()))


def _table_of(source: Mapping[str, pd.DataFrame], population: Population | None = None, law: Law | None = None):
    """The rehearsal of a source, as a table."""
    population, law = population or _population(source), law or _law(source)
    return rehearsed(source, population, law, _settings(), SECRET)


def _rehearsed(source: Mapping[str, pd.DataFrame], *given: Any, **more: Any) -> Rehearsal | str:
    return Rehearsal.of(_table_of(source, *given, **more), source, SECRET)


@pytest.fixture(scope="module")
def made(source: Mapping[str, pd.DataFrame]) -> Rehearsal:
    found = _rehearsed(source)
    assert isinstance(found, Rehearsal)
    return found


@pytest.fixture
def lake(source, made: Rehearsal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lake:
    """A lake with the source and its rehearsal, as the pipeline's settings name it."""
    for name, value in {"LAKE": tmp_path / "lake", "MIN_GROUP": MIN_GROUP, "REHEARSAL_EPOCHS": 1}.items():
        monkeypatch.setenv(f"CUSTOMS_{name}", str(value))
    path = tmp_path / "release.secret"
    path.write_bytes(SECRET)
    path.chmod(0o600)
    monkeypatch.setenv("CUSTOMS_RELEASE_SECRET", str(path))
    stored = Lake(str(tmp_path / "lake"))
    for month, rows in source.items():
        stored.write_table("anonymized_declarations", rows, month)
    stored.write_table("rehearsed_declarations", _table(made.synthetic, stored))
    together, law = pd.concat(source.values(), ignore_index=True), _law(source)
    write_parts(stored, parts_of_all(together, law, MIN_GROUP, SECRET), law, next(iter(source)))
    return stored


def _table(rows: pd.DataFrame, lake: Lake) -> pa.Table:
    """Rows as a rehearsal of what the lake has."""
    months = {
        month: lake.read_frame("anonymized_declarations", month) for month in lake.partitions("anonymized_declarations")
    }
    source = json.dumps({month: digest(of) for month, of in months.items()})
    return to_arrow(rows).replace_schema_metadata({"epochs": "1", "source": source})


def _judged() -> dg.AssetCheckResult:
    return judge(next(suite for suite in SUITES if suite.asset == "rehearsed_declarations"), Pipeline(), "")


def test_each_importer_is_on_one_side_and_each_declaration_is_somewhere(made: Rehearsal, source):
    assert not set(made.training["importer_id"]) & set(made.control["importer_id"])
    everything = pd.concat(source.values())
    assert set(made.training["declaration_id"]) | set(made.control["declaration_id"]) == set(
        everything["declaration_id"]
    )
    assert len(made.training) + len(made.control) == len(everything) == 1200
    assert len(made.synthetic) == len(made.training)
    assert made.epochs == 1


def test_a_release_of_more_rows_is_rehearsed_with_as_many_times_more(source: Mapping[str, pd.DataFrame]):
    month, rows = next(iter(source.items()))
    one, settings = {month: rows}, _settings().model_copy(update={"rows": 2 * len(rows)})
    table = rehearsed(one, _population(one), _law(one), settings, SECRET)
    made = Rehearsal.of(table, one, SECRET)
    assert isinstance(made, Rehearsal) and len(made.synthetic) == 2 * len(made.training)


def test_every_part_of_a_tuple_rests_on_importers_of_the_training_half(made: Rehearsal, source):
    law, root = _law(source), derive_root(SECRET, "rehearsal")
    half = parts_of_all(made.training, law, MIN_GROUP, root)
    account = parts_account(half.population, made.training, half.tuples, half.safe, MIN_GROUP, DOMINANCE)
    assert (account["wrong"] == 0).all()
    assert account.loc[account["what"] == "kept", "counted"].sum() > 0
    columns = list(RELEASED_TUPLE)
    disclosed = set(map(tuple, half.tuples[columns].to_numpy()))
    assert set(map(tuple, made.synthetic[columns].to_numpy())) <= disclosed, "counted on the training half alone"
    assert law.is_lawful(made.synthetic).all()
    both = parts_of_all(pd.concat(source.values(), ignore_index=True), law, MIN_GROUP, root)
    assert not set(map(tuple, both.tuples[columns].to_numpy())) <= disclosed, "both halves would show more"
    only_control = set(made.control["importer_id"])
    assert not set(made.synthetic["importer_id"]) & only_control


def test_the_population_of_the_other_half_changes_no_byte_and_that_of_the_own_half_does(source, made: Rehearsal):
    """Importers that were not inspected count for what may be shown, too, but only those of the training half."""
    first, *_ = source.values()
    rare = "2204210000"
    declares = first.groupby("importer_id").head(1).index
    names = pd.Series([f"UNINSPECTED{n:09d}" for n in range(80)])
    held_out = in_control(names, derive_seed(SECRET, "rehearsal", purpose="halves"))
    assert MIN_GROUP < held_out.sum() < 80 - MIN_GROUP
    like_others = first.loc[declares].iloc[[0] * 80].assign(importer_id=names.to_numpy(), hs10_code=rare)
    like_others = like_others.assign(net_mass=10.0, item_price=1e5)
    alone = made.training["importer_id"].iloc[0]
    # One importer of the training half declares the code, and is inspected.
    with_rare = {
        month: rows.assign(hs10_code=rows["hs10_code"].where(rows["importer_id"] != alone, rare))
        for month, rows in source.items()
    }
    law = _law({**with_rare, "codes": pd.concat(source.values())})
    inspected = list(map(count_population, with_rare.values()))

    def shown(*more: pd.DataFrame) -> pd.DataFrame:
        everyone = Population.of_frames([*inspected, *map(count_population, more)])
        found = _rehearsed(with_rare, everyone, law)
        assert isinstance(found, Rehearsal)
        return found.synthetic

    before = shown()
    pd.testing.assert_frame_equal(shown(like_others[held_out]), before, check_exact=True)
    after = shown(like_others[~held_out])
    assert (after["hs6_code"] == "220421").sum() > (before["hs6_code"] == "220421").sum()


def test_what_the_control_half_declared_changes_no_byte(made: Rehearsal, source):
    changed = {}
    for month, rows in source.items():
        held_out = in_control(rows["importer_id"], derive_seed(SECRET, "rehearsal", purpose="halves"))
        masses = np.where(held_out, rows["net_mass"] * 7 + 1, rows["net_mass"])
        codes = np.where(held_out, "0101010000", rows["hs10_code"])
        frauds = np.where(held_out, 1 - rows["fraud"], rows["fraud"]).astype("int8")
        changed[month] = rows.assign(
            net_mass=masses, hs10_code=codes.astype(object), fraud=frauds, critical_fraud=frauds
        )
        unseen = ~held_out
        changed[month].loc[unseen, "critical_fraud"] = rows.loc[unseen, "critical_fraud"]
    again = _rehearsed(changed, law=_law(source))
    assert isinstance(again, Rehearsal)
    pd.testing.assert_frame_equal(again.synthetic, made.synthetic)
    assert not again.control["net_mass"].equals(made.control["net_mass"])


def _of_one_importer(source: Mapping[str, pd.DataFrame]) -> Mapping[str, pd.DataFrame]:
    importer = next(iter(source.values()))["importer_id"].iloc[0]
    return {month: rows.assign(importer_id=importer) for month, rows in source.items()}


def test_a_half_that_nobody_is_in_is_told_and_leaves_an_empty_table(source, lake: Lake):
    one = _of_one_importer(source)
    found = _rehearsed(one)
    assert isinstance(found, str)
    assert "too few" in found and "hold out half" in found
    for month, rows in one.items():
        lake.write_table("anonymized_declarations", rows, month)
    stored = {month: lake.read_frame("anonymized_declarations", month) for month in one}
    lake.write_table("rehearsed_declarations", _table_of(stored))
    table = lake.read_table("rehearsed_declarations")
    assert table.num_rows == 0
    assert Rehearsal.of(table, stored, SECRET) == found
    assert _judged().passed


def test_a_rehearsal_trains_a_tenth_of_the_epochs_unless_told_otherwise():
    assert epochs_of(Settings(epochs=300)) == 30  # pyright: ignore[reportCallIssue]
    assert epochs_of(Settings(epochs=5)) == 1  # pyright: ignore[reportCallIssue]
    assert epochs_of(Settings(epochs=300, rehearsal_epochs=7)) == 7  # pyright: ignore[reportCallIssue]
    assert epochs_of(Settings(epochs=300, synthesizer="trees")) == 300  # pyright: ignore[reportCallIssue]


def test_a_sound_rehearsal_passes_its_suite(lake: Lake, source):
    stored = {month: lake.read_frame("anonymized_declarations", month) for month in source}
    lake.write_table("rehearsed_declarations", _table_of(stored))
    result = _judged()
    assert result.passed, result.metadata["findings"]


def test_a_lost_row_and_an_empty_table_without_a_reason_are_convicted(lake: Lake, made: Rehearsal):
    for rows, said in (
        (made.synthetic.iloc[1:], "as many as the training half has"),
        (made.synthetic.iloc[:0], "is empty"),
    ):
        lake.write_table("rehearsed_declarations", _table(rows, lake))
        result = _judged()
        assert not result.passed
        assert said in str(result.metadata["findings"])


def test_a_rehearsal_of_other_months_or_of_other_declarations_is_none(lake: Lake, source, made: Rehearsal):
    stored = {month: lake.read_frame("anonymized_declarations", month) for month in source}
    table, seed = _table(made.synthetic, lake), SECRET
    assert isinstance(Rehearsal.of(table, stored, SECRET), Rehearsal)
    fewer = dict(list(stored.items())[:-1])
    assert Rehearsal.of(table, fewer, seed) == (
        "the rehearsal is of other months (2020-01, 2020-02, 2020-03) than the declarations (2020-01, 2020-02)"
    )
    changed = stored["2020-02"].copy()
    changed["net_mass"] = np.where(changed.index == 7, changed["net_mass"] + 0.01, changed["net_mass"])
    assert Rehearsal.of(table, {**stored, "2020-02": changed}, seed) == (
        "the rehearsal is of other declarations of 2020-02 than those at hand"
    )
    for month in ("2020-03",):
        lake.fs.rm(lake.path("anonymized_declarations", month))
    assert not _judged().passed
    assert "other months" in str(_judged().metadata["findings"])
    unsigned = table.replace_schema_metadata({"epochs": "1"})
    assert "is of other months (none)" in str(Rehearsal.of(unsigned, stored, SECRET))


def test_no_attack_is_measured_on_a_rehearsal_that_is_older_than_its_months(lake: Lake, source, made: Rehearsal):
    declared = lake.read_frame("anonymized_declarations", "2020-02")
    of_month = made.synthetic["date"].dt.strftime("%Y-%m")
    for month in source:
        lake.write_table("synthetic_declarations", made.synthetic[of_month == month], month)
    lake.write_table("anonymized_declarations", declared.assign(net_mass=declared["net_mass"] + 0.01), "2020-02")

    def at_hand(asset: str, *months: str) -> Partitions:
        return Partitions(lake, asset, list(months or source), "parquet")

    measured: Any = release_privacy(
        pipeline=Pipeline(),
        anonymized_declarations=at_hand("anonymized_declarations"),
        synthetic_declarations=at_hand("synthetic_declarations"),
        rehearsed_declarations=lake.read_table("rehearsed_declarations"),
        population=at_hand("population", "2020-01"),
        safe_parts=lake.read_frame("safe_parts"),
        disclosed_tuples=lake.read_frame("disclosed_tuples"),
        confidential_trade=no_pairs(),
    )
    because = "the rehearsal is of other declarations of 2020-02 than those at hand"
    assert measured.value["trained_on"] == f"No attack was measured: {because}."
    claims = {claim.key: claim for claim in from_json(measured.value["claims"])}
    assert claims["parts_under_k"].holds
    assert claims["tuples_not_disclosed"].measured > 0, "these rows are the rehearsal's, not the release's"
    reasons = reasons_of_claims(list(claims.values()), {})
    assert any(because in reason for reason in reasons), "the gate lets nothing through"


def test_only_what_cannot_be_rehearsed_is_told_and_every_other_error_fails(source, monkeypatch: pytest.MonkeyPatch):
    """A NumPy shape error is a ValueError, too; it used to pass as "not measured"."""

    def broken(*_: object, **__: object) -> pd.DataFrame:
        return pd.DataFrame(np.zeros(3) + np.zeros(4))

    monkeypatch.setattr(steps, "compose", broken)
    with pytest.raises(ValueError, match="could not be broadcast"):
        _table_of(source)


def test_too_few_importers_for_a_tuple_and_declarations_of_one_kind_cannot_be_rehearsed(source):
    alone = {
        month: rows.assign(hs10_code=[f"{month[-1]}{n:05d}0000" for n in range(len(rows))])
        for month, rows in source.items()
    }
    assert "has a product code that enough importers declared" in str(_rehearsed(alone))
    honest = {month: rows.assign(fraud=np.int8(0), critical_fraud=np.int8(0)) for month, rows in source.items()}
    assert "are of one kind" in str(_rehearsed(honest))
    first = next(iter(source))
    kept = source[first][in_control(source[first]["importer_id"], derive_seed(SECRET, "rehearsal", purpose="halves"))]
    assert f"fewer than 2 declarations in {first}" in str(_rehearsed({**source, first: kept.reset_index(drop=True)}))


def test_an_unlawful_tuple_and_a_code_that_only_the_control_half_declared_are_convicted(
    lake: Lake, made: Rehearsal, source
):
    _, control = halves_of(pd.concat(source.values()), SECRET)
    rows = made.synthetic.copy()
    rows.loc[4, "tax_rate"] = 77.0
    for month, declared in source.items():
        of_control = declared["importer_id"].isin(set(control["importer_id"]))
        rates = np.where(of_control, 77.0, declared["tax_rate"])
        codes = np.where(of_control, f"{rows.loc[4, 'hs6_code']}0000", declared["hs10_code"]).astype(object)
        lake.write_table("anonymized_declarations", declared.assign(tax_rate=rates, hs10_code=codes), month)
    lake.write_table("rehearsed_declarations", _table(rows, lake))
    result = _judged()
    assert not result.passed
    assert "every tariff tuple is lawful" in str(result.metadata["findings"])
    assert str(rows.loc[4, "declaration_id"]) in str(result.metadata["findings"])
    rows = made.synthetic.copy()
    rows.loc[5, "office_id"] = "70"
    for month, declared in source.items():
        of_control = declared["importer_id"].isin(set(control["importer_id"]))
        offices = np.where(of_control, "70", declared["office_id"]).astype(object)
        lake.write_table("anonymized_declarations", declared.assign(office_id=offices), month)
    lake.write_table("rehearsed_declarations", _table(rows, lake))
    result = _judged()
    assert not result.passed
    said = "every office_id is one that at least 3 importers of the training half declared"
    assert said in str(result.metadata["findings"])
    assert str(rows.loc[5, "declaration_id"]) in str(result.metadata["findings"])
    lake.write_table("rehearsed_declarations", _table(made.synthetic, lake))
    assert _judged().passed

"""The release: tokens drawn anew one for one, published headers, checksums that match, the same bytes again."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from customs_assets.declaration import IDENTITIES, RELEASED, RELEASED_NAMES
from customs_assets.fidelity.table_two import as_json, fidelity
from customs_assets.lake import Lake, LakeError
from customs_assets.lake.io_manager import Partitions
from customs_assets.law.reading import read_law
from customs_assets.release.assets import release_candidate
from customs_assets.release.card import law_in_words
from customs_assets.release.files import (
    PARTLY_LABELLED,
    ReleaseError,
    build_release,
    read_release,
    redraw_tokens,
    to_csv,
)
from customs_assets.resources import Pipeline
from customs_assets.sdv_library import import_sdv
from customs_assets.settings import LawOrigin, Settings
from customs_assets.source.quarantine import SCHEMA

MONTHS = [f"2020-{n:02d}" for n in range(1, 13)] + ["2021-01"]


def _declarations() -> pd.DataFrame:
    rows = []
    for number, month in enumerate(MONTHS * 3):
        values = {attribute.name: attribute.example for attribute in RELEASED}
        values |= {"declaration_id": f"{number:08d}", "importer_id": f"IMPORT{number % 4}", "date": f"{month}-15"}
        values |= {"seller_id": "" if number % 2 else "SELLER1", "courier_id": "", "hs6_code": "090121"}
        rows.append(values)
    made = pd.DataFrame(rows)[list(RELEASED_NAMES)].sort_values("date", kind="stable").reset_index(drop=True)
    numbers = {"tax_rate": float, "net_mass": float, "item_price": float, "fraud": "int8", "critical_fraud": "int8"}
    return made.astype({"date": "datetime64[ns]", **numbers})


def _release(seed: int = 1) -> dict[str, bytes]:
    made = _declarations()
    settings = Settings()  # pyright: ignore[reportCallIssue]
    return build_release(made, MONTHS, fidelity(made, made), settings, seed, "given")


def test_twelve_months_train_and_the_thirteenth_validates():
    files = _release()
    assert set(files) == {
        *(f"{p}.{suffix}" for p in ("train", "train_partly_labelled", "validation") for suffix in ("csv", "parquet")),
        *(f"declarations-{month}.csv" for month in MONTHS),
        "data_dictionary.csv",
        "datapackage.json",
        "metadata.json",
        "README.md",
        "SHA256SUMS",
    }
    train = pd.read_csv(io.BytesIO(files["train.csv"]), dtype=str, keep_default_na=False)
    assert list(train.columns) == [attribute.header for attribute in RELEASED]
    assert (len(train), train["Date"].max()) == (36, "2020-12-15")
    assert train["HS6 Code"].unique().tolist() == ["090121"]
    assert (train["Courier ID"] == "").all()


def test_sdv_takes_the_release_by_its_metadata_and_refuses_what_the_form_has_not():
    sdv, files = import_sdv(), _release()
    metadata = sdv.metadata.Metadata.load_from_dict(json.loads(files["metadata.json"]))
    columns = metadata.tables["declarations"].columns
    text = {name: str for name, column in columns.items() if column["sdtype"] in ("id", "categorical")}
    text = {name: kind for name, kind in text.items() if not name.endswith("Fraud")}
    for part in ("train.csv", "validation.csv", "declarations-2020-02.csv"):
        rows = pd.read_csv(io.BytesIO(files[part]), dtype=text, keep_default_na=False)
        metadata.validate_data({"declarations": rows})
        with pytest.raises(
            sdv.errors.InvalidDataError, match="Out of range values found for categorical column 'Country of Origin'"
        ):
            metadata.validate_data({"declarations": rows.assign(**{"Country of Origin": "XX"})})


def test_checksums_match_and_the_same_draw_gives_the_same_bytes():
    files = _release()
    for line in files["SHA256SUMS"].decode().splitlines():
        checksum, _, name = line.partition("  ")
        assert hashlib.sha256(files[name]).hexdigest() == checksum
    assert files == _release()
    assert files["train.csv"] != _release(seed=2)["train.csv"]


def test_tokens_are_new_one_for_one_and_of_the_same_shape():
    before = _declarations()
    after = redraw_tokens(before, np.random.default_rng(1))
    for role in IDENTITIES:
        assert not (set(after[role]) - {""}) & set(before[role])
        assert pd.crosstab(before[role], after[role]).astype(bool).sum(axis=0).max() == 1
        assert ((before[role] == "") == (after[role] == "")).all()
    assert after["importer_id"].str.fullmatch("[A-Z0-9]{7}").all()
    assert after.drop(columns=list(IDENTITIES)).equals(before.drop(columns=list(IDENTITIES)))


def test_a_release_reads_back_as_it_was_built():
    files = _release()

    def read(name: str) -> bytes:
        if name not in files:
            raise LakeError(name)
        return files[name]

    again = read_release(read)
    untouched = [name for name in RELEASED_NAMES if name not in IDENTITIES]
    pd.testing.assert_frame_equal(again[untouched], _declarations()[untouched])


def test_the_partly_labelled_variant_is_the_training_part_with_labels_missing():
    made = _declarations().assign(fraud=np.arange(39, dtype="int8") % 2, critical_fraud=np.arange(39, dtype="int8") % 2)
    settings = Settings(labels_kept=0.25, label_policy="random")  # pyright: ignore[reportCallIssue]
    files = build_release(made, MONTHS, fidelity(made, made), settings, 1, "given")
    whole, erased = (pd.read_parquet(io.BytesIO(files[f"{name}.parquet"])) for name in ("train", PARTLY_LABELLED))
    labels = ["Fraud", "Critical Fraud"]
    pd.testing.assert_frame_equal(erased.drop(columns=labels), whole.drop(columns=labels))
    kept = erased["Fraud"].notna()
    assert (kept.sum(), len(erased)) == (9, 36)
    assert (erased.loc[kept, labels] == whole.loc[kept, labels]).all(axis=None)
    assert erased.loc[~kept, labels].isna().all(axis=None)
    text = pd.read_csv(io.BytesIO(files[f"{PARTLY_LABELLED}.csv"]), dtype=str, keep_default_na=False)
    assert (text["Fraud"] == "").to_list() == (~kept).to_list()
    assert set(text["Critical Fraud"]) == {"", "0", "1"}
    assert "all but 25% of its labels erased (which rows keep them is random)" in files["README.md"].decode()


def test_the_dictionary_explains_every_column_and_the_card_carries_every_score():
    files = _release()
    dictionary = pd.read_csv(io.BytesIO(files["data_dictionary.csv"]))
    assert dictionary["header"].tolist() == [attribute.header for attribute in RELEASED]
    assert dictionary["description"].str.len().min() > 10
    rows = pd.concat([_declarations()] * 15, ignore_index=True)
    numbers = {name: [f"{name[:3]}{n}" for n in range(len(rows))] for name in ("declaration_id", "importer_id")}
    rows = rows.assign(**numbers)
    settings = Settings()  # pyright: ignore[reportCallIssue]
    card = build_release(rows, MONTHS, fidelity(rows, rows), settings, 1, "given")["README.md"].decode()
    for title in ("Kolmogorov-Smirnov", "Total variation", "Contingency", "Range coverage", "New row synthesis"):
        assert title in card
    assert "2020-01 to 2020-12" in card
    assert "- Less than 1% of the rows match no row of the source." in card
    assert "- More than 99% of the source's codes and identities occur" in card
    assert "- There are too few importers to tell a score." in files["README.md"].decode()


@pytest.mark.parametrize(
    ("law", "said", "unsaid"),
    [
        ("given", "A tariff law was given with the source.", "Harmonized System"),
        ("simulated", "The law is that of the simulated administration", "was given"),
        ("nomenclature", "Harmonized System 2022 (datasets/harmonized-system, under ODC-PDDL 1.0)", "lawful under"),
    ],
)
def test_the_card_says_under_which_law_the_release_is(law: LawOrigin, said: str, unsaid: str):
    made = _declarations()
    settings = Settings(min_group=7)  # pyright: ignore[reportCallIssue]
    card = build_release(made, MONTHS, fidelity(made, made), settings, 1, law)["README.md"].decode()
    assert said in card
    assert unsaid not in card
    assert ("where at least 7 importers declared it for the heading" in card) == (law == "nomenclature")


def test_the_candidate_takes_its_law_from_the_tariff_and_not_from_the_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("CUSTOMS_LAKE", str(tmp_path / "lake"))
    monkeypatch.setenv("CUSTOMS_RELEASE_SECRET", str(tmp_path / "release.secret"))
    tariff = tmp_path / "tariff.csv"
    tariff.write_text("hs_code,tax_type,tax_rate\n090121,A,8\n")
    given = Settings(tariff=str(tariff))  # pyright: ignore[reportCallIssue]
    made, lake = _declarations(), Lake(str(tmp_path / "lake"))
    for month in MONTHS:
        for asset in ("synthetic_declarations", "anonymized_declarations"):
            lake.write_table(asset, made[made["date"].dt.strftime("%Y-%m") == month], month)
        lake.write_table("quarantine", SCHEMA.empty_table().replace_schema_metadata({"rows_in": "9"}), month)
    read = Partitions(lake, "quarantine", MONTHS, "parquet")
    ours, source = (Partitions(lake, f"{of}_declarations", MONTHS, "parquet") for of in ("synthetic", "anonymized"))
    pipeline = Pipeline()
    assert pipeline.settings.law == "simulated"
    output = release_candidate(pipeline, ours, source, as_json(fidelity(made, made)), read, read_law(given).tariff)
    assert output.metadata["law"].value == "given"
    assert law_in_words("given", given) in output.value.files["README.md"].decode()


@pytest.mark.parametrize(
    ("one", "two", "said"),
    [
        (
            0.6,
            0.95,
            "no importer may be expected to have 60% or more, and no two importers together may be expected to have 95% or",
        ),
        (1, 0.9, "of its mass, no two importers together may be expected to have 90% or more. A departure"),
        (1, 1, "inspected or not. A departure"),
    ],
)
def test_the_card_says_how_tuples_are_shown_under_the_settings(one: float, two: float, said: str):
    made = _declarations()
    settings = Settings(min_group=9, dominance_one=one, dominance_two=two)  # pyright: ignore[reportCallIssue]
    card = build_release(made, MONTHS, fidelity(made, made), settings, 1, "given")["README.md"].decode()
    assert said in card
    assert "A part is kept where at least 9 importers declared it" in card
    assert "at least 9 inspected importers" in card


@pytest.mark.parametrize(("column", "value"), [("seller_id", "=1+1"), ("office_id", "@A1"), ("net_mass", -1.0)])
def test_a_cell_that_would_start_a_formula_is_never_released(column: str, value: str | float):
    made = _declarations()
    made.loc[4, column] = value
    with pytest.raises(ReleaseError, match=f"1 cells of {column} would start a formula"):
        to_csv(made)

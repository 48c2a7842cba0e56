"""``customs sample``: rows of the release that meet conditions, and nothing that the gate has not judged."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from customs_assets.declaration import RELEASED, RELEASED_NAMES, Kind
from customs_assets.fidelity.table_two import METRICS, MetricScore
from customs_assets.graph import RELEASE
from customs_assets.lake import Lake
from customs_assets.release.conditions import Condition, ConditionError, drawn, meeting, rows_a_month
from customs_assets.release.files import build_release
from customs_assets.settings import Settings
from customs_assets_tests.lakes import ReleasedLake
from customs_assets_tests.release.signing_office import ANNA, BORIS, MONTHS, Office

ROWS = 60


def _rows() -> pd.DataFrame:
    """Two months of thirty rows: origins VN, CN, JP by turns, every second row a fraud, masses 0 to 59 kg."""
    columns: dict[str, list] = {a.name: [a.example] * ROWS for a in RELEASED}
    columns |= {
        "declaration_id": [f"{row:08d}" for row in range(ROWS)],
        "date": [f"{MONTHS[row // 30]}-{1 + row % 28:02d}" for row in range(ROWS)],
        "country_of_origin": [("VN", "CN", "JP")[row % 3] for row in range(ROWS)],
        "hs6_code": [("870323", "870899", "090121")[row % 3] for row in range(ROWS)],
        "net_mass": list(range(ROWS)),
        "fraud": [row % 2 for row in range(ROWS)],
        "critical_fraud": [row % 2 for row in range(ROWS)],
        "courier_id": ["" if row % 5 else "MWIDNS" for row in range(ROWS)],
    }
    numbers = {a.name: float for a in RELEASED if a.kind is Kind.NUMBER}
    labels = {a.name: "int8" for a in RELEASED if a.kind is Kind.LABEL}
    made = pd.DataFrame(columns).astype({"date": "datetime64[ns]", **numbers, **labels})
    return made.sort_values("date", kind="stable", ignore_index=True)[list(RELEASED_NAMES)]


def _meeting(*texts: str) -> set[int]:
    """The masses of the rows that meet conditions; each row has another one."""
    return set(meeting(_rows(), [Condition.read(text) for text in texts])["net_mass"].astype(int))


def test_all_conditions_hold_together_and_values_of_one_attribute_are_alternatives():
    vietnam, china = set(range(0, ROWS, 3)), set(range(1, ROWS, 3))
    odd = set(range(1, ROWS, 2))
    assert _meeting() == set(range(ROWS))
    assert _meeting("country_of_origin=VN") == vietnam
    assert _meeting("country_of_origin=VN", "fraud=1") == vietnam & odd
    assert _meeting("country_of_origin=VN", "Country of Origin = CN", "fraud=1") == (vietnam | china) & odd
    assert _meeting("country_of_origin=KR") == set(), "a country that the form has and the release has not"


def test_numbers_dates_product_codes_and_empty_identities():
    assert _meeting("net_mass>=10", "net_mass<=12.5") == {10, 11, 12}
    assert _meeting("net_mass=7") == {7}
    assert _meeting("date>=2020-02-27") == {54, 55}
    assert _meeting("hs6_code=87", "fraud=0") == {row for row in range(0, ROWS, 2) if row % 3 < 2}
    assert _meeting("HS10 Code=8708") == set(range(1, ROWS, 3)) == _meeting("hs6_code=870899")
    assert _meeting("courier_id=MWIDNS") == set(range(0, ROWS, 5))
    assert _meeting("courier_id=") == set(range(ROWS)) - set(range(0, ROWS, 5)), "sent by no courier"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("country_of_origin", "is no condition; write attribute=value"),
        ("origin=VN", "a release has no attribute 'origin'; it has declaration_id, date, "),
        ("country_of_origin=XX", "the form has no country_of_origin 'XX'; it has 254 codes, like JP"),
        ("country_of_origin=vn", "the form has no country_of_origin 'vn'"),
        ("process_type=H", "the form has no process_type 'H'; it has A, B, C, D, E, F, G"),
        ("fraud=2", "the form has no fraud '2'; it has 0, 1"),
        ("importer_id=", "the form has no importer_id ''; its values are like HQ0W7JA"),
        ("hs6_code=8", "'8' is no chapter, heading or code of the Harmonized System: 2, 4 or 6 digits"),
        ("hs6_code=99", "'99' is no chapter, heading or code"),
        ("net_mass=heavy", "'heavy' is no net_mass of the form: a number between 0 and 1e+09, in kg"),
        ("net_mass>=-1", "'-1' is no net_mass of the form"),
        ("tax_rate=nan", "'nan' is no tax_rate of the form: a number between 0 and 1000, in %"),
        ("date=2020-02-30", "'2020-02-30' is no date; write YYYY-MM-DD"),
        ("fraud>=1", "fraud is no number and no date, so only = can be asked of it, not >="),
    ],
)
def test_what_the_form_does_not_have_is_refused_in_a_sentence(text: str, reason: str):
    with pytest.raises(ConditionError) as refused:
        Condition.read(text)
    assert reason in str(refused.value)


def test_a_draw_is_by_the_seed_without_a_row_twice_and_in_order():
    rows = _rows()
    first, again, other = (drawn(rows, 20, seed)["declaration_id"].tolist() for seed in (1, 1, 2))
    assert first == again == rows.loc[rows["declaration_id"].isin(first), "declaration_id"].tolist()
    assert len(first) == 20 and first != other
    assert drawn(rows, ROWS + 1, 1).equals(rows)


class _Lake(ReleasedLake):
    """A lake whose release has true rows."""

    def write(self, key: str, partition: str, content: str) -> tuple[str, str]:
        if key not in ("release_candidate", "synthetic_release"):
            return super().write(key, partition, content)
        scores = [MetricScore(metric.name, 0.9, {}) for metric in METRICS]
        files = build_release(_rows(), MONTHS, scores, Settings(), 7, "given")  # pyright: ignore[reportCallIssue]
        return self.lake.path(key, suffix=""), self.lake.write_folder(key, files)


@pytest.fixture(scope="module")
def with_rows(released: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The office's folder with a release of true rows."""
    from customs_assets.definitions import graph
    from customs_assets_tests.release.conftest import set_settings

    folder = tmp_path_factory.mktemp("sampled")
    with pytest.MonkeyPatch.context() as patch:
        set_settings(patch, released, folder)
        _Lake(None, graph.with_on_demand(), MONTHS).build_everything()
    return folder


@pytest.fixture
def sampling(with_rows: Path, office: Office) -> Office:
    """An office whose lake has a release of true rows."""
    shutil.rmtree(office.folder / "lake")
    shutil.copytree(with_rows / "lake", office.folder / "lake")
    return office


def _csv(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, dtype=str, keep_default_na=False)


def test_the_command_writes_released_rows_as_csv_and_parquet(sampling: Office):
    out = sampling.folder / "vietnam.csv"
    asked = ["sample", "--month", "2020-01", "--where", "country_of_origin=VN", "--where", "fraud=1"]
    status, said = sampling.command(*asked, "--rows", "4", "--out", str(out))
    assert status == 0 and said == f"4 of 5 released rows: {out}\n"
    rows = _csv(out)
    released = _csv(sampling.release / "declarations-2020-01.csv")
    assert list(rows.columns) == [attribute.header for attribute in RELEASED]
    assert len(rows.merge(released)) == len(rows) == 4, "cell by cell rows of the release, with its tokens"
    assert set(rows["Country of Origin"]) == {"VN"} and set(rows["Fraud"]) == {"1"}
    status, said = sampling.command(*asked, "--rows", "4", "--out", str(out.with_suffix(".parquet")))
    assert status == 0
    assert pd.read_parquet(out.with_suffix(".parquet"))["Declaration ID"].tolist() == rows["Declaration ID"].tolist()
    status, said = sampling.command("sample", "--where", "net_mass=7")
    assert status == 0 and pd.read_csv(io.StringIO(said))["Net Mass"].tolist() == [7.0], (
        "nothing else on standard output"
    )


def test_where_too_few_rows_meet_the_conditions_they_are_written_and_the_command_says_how_many(sampling: Office):
    out = sampling.folder / "few.csv"
    asked = ["sample", "--where", "country_of_origin=VN", "--where", "fraud=1", "--out", str(out)]
    status, said = sampling.command(*asked, "--rows", "500")
    assert status == 1 and len(_csv(out)) == 10
    assert (
        "10 of the 60 released rows of 2020-01 to 2020-02 (2 months) have country_of_origin=VN and fraud=1, 500 were asked for"
        in said
    )
    assert "No more are made for a sample" in said and "customs run" not in said, (
        "fifty times the release is not advised"
    )
    status, said = sampling.command(*asked, "--rows", "25")
    assert status == 1 and "`customs run --rows 105` drafts 105 rows for each month that is not published" in said
    status, said = sampling.command("sample", "--where", "country_of_origin=KR", "--out", str(out))
    assert status == 1 and len(_csv(out)) == 0 and "0 of the 60 released rows" in said


def test_a_larger_release_has_enough_rows_but_for_chance():
    """Of a draw at the rate found, fewer than are wanted come once in forty times."""
    rng = np.random.default_rng(4)
    for wanted, found, a_month in ((25, 10, 30.0), (500, 40, 3000.0)):
        size = rows_a_month(wanted, found, a_month)
        short = (rng.poisson(size * found / a_month, 20_000) < wanted).mean()
        assert 0.005 < short < 0.04


def test_a_draft_is_refused_where_it_says_nothing_or_too_much(sampling: Office):
    out = sampling.folder / "rows.csv"
    few = ["--where", "country_of_origin=VN", "--where", "fraud=1"]
    lake = Lake(str(sampling.folder / "lake"))
    for month in MONTHS:
        lake.write_table("anonymized_declarations", pd.DataFrame({"declaration_id": range(30)}), month)
    for asked, reason, expected in (
        (few, "--draft needs --rows, and a lake", 2),
        ([str(sampling.folder), *few, "--rows", "5"], "nothing can be drafted from a published folder", 2),
        (["--where", "country_of_origin=KR", "--rows", "5"], "no released row meets the conditions", 1),
        ([*few, "--rows", "500"], "about 1,635 a month, more than 3 times what was declared (30)", 1),
    ):
        status, said = sampling.command("sample", *asked, "--draft", "--out", str(out))
        assert status == expected and reason in said and not out.exists()
    assert (sampling.release / "SHA256SUMS").exists(), "the release that stood was not touched"


def test_a_month_or_a_condition_that_is_not_there_writes_nothing(sampling: Office):
    out = sampling.folder / "rows.csv"
    for asked, reason in (
        (["--month", "2020-07"], "the release has no 2020-07; it has 2020-01 to 2020-02 (2 months)"),
        (["--month", "July"], "'July' is not a month"),
        (["--where", "origin=VN"], "a release has no attribute 'origin'"),
    ):
        status, said = sampling.command("sample", *asked, "--out", str(out))
        assert status == 2 and reason in said and not out.exists()
    status, said = sampling.command("sample", "--out", str(sampling.folder / "rows.xlsx"))
    assert status == 2 and "is no .csv and no .parquet file" in said
    status, said = sampling.command("sample", "--out", str(sampling.folder / "lake" / "rows.csv"))
    assert status == 1 and "lies in the lake, which is confidential" in said
    assert not (sampling.folder / "lake" / "rows.csv").exists()


def test_nothing_is_taken_from_a_release_that_does_not_stand(sampling: Office):
    path = sampling.release / "train.parquet"
    path.write_bytes(path.read_bytes() + b" ")
    status, said = sampling.command("sample")
    assert status == 1 and said.count("\n") == 1 and "withheld: synthetic_release" in said
    shutil.rmtree(sampling.folder / "lake" / RELEASE)
    status, said = sampling.command("sample")
    assert status == 1 and "withheld: " in said, "the candidate still lies there, and is not sampled"
    assert (sampling.folder / "lake" / "release_candidate" / "train.parquet").exists()


def test_who_received_a_release_samples_it_without_a_lake_and_only_where_it_is_whole(sampling: Office):
    sampling.allow(sampling.line(ANNA), sampling.line(BORIS))
    folder = sampling.published()
    sampling.patch.setenv("CUSTOMS_LAKE", str(sampling.folder / "no lake"))
    status, said = sampling.command("sample", str(folder), "--where", "fraud=1")
    assert status == 0 and len(pd.read_csv(io.StringIO(said))) == 30
    status, said = sampling.command("sample", str(folder), "--where", "net_mass=7", "--rows", "2")
    assert status == 1 and "customs run" not in said, "a receiver cannot draft"
    (folder / "train.parquet").write_bytes(b"other rows")
    status, said = sampling.command("sample", str(folder))
    assert status == 1 and "train.parquet is not what SHA256SUMS says" in said

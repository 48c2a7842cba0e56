"""Table 2: values computed by hand on ten rows, SDMetrics' own values on damaged tables, and what is not defined.

What SDMetrics computes is held to values that were worked out by hand, so that another version of it cannot change a score
unnoticed. What we compute ourselves is held to SDMetrics.
"""

from __future__ import annotations

import json
import math
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest

from customs_assets.declaration import BY_NAME, CATEGORICAL, NUMERICAL, RELEASED
from customs_assets.fidelity.column_scores import MANY_VALUES, in_two_values
from customs_assets.fidelity.table_two import (
    METRICS,
    PAPER_SCORES,
    as_json,
    fidelity,
    from_json,
    table_two,
    table_two_rows,
)


@pytest.fixture(scope="module")
def by_hand(declarations):
    """The scores of two ten-row tables whose every score can be worked out on paper."""
    source = declarations(
        date=pd.date_range("2020-01-01", periods=10),
        tax_rate=[0.0] * 4 + [8.0] * 5 + [13.0],
        net_mass=np.arange(1.0, 11.0),
        item_price=np.arange(10.0, 110.0, 10.0),
        country_of_origin=["CN"] * 5 + ["US"] * 3 + ["JP"] * 2,
        seller_id=[""] * 8 + ["SELLER1"] * 2,
    )
    synthetic = declarations(
        date=pd.date_range("2020-01-01", periods=5).repeat(2),
        tax_rate=[0.0] * 5 + [8.0] * 5,
        net_mass=np.arange(2.0, 12.0),
        item_price=np.arange(100.0, 0.0, -10.0),
        country_of_origin=["CN"] * 6 + ["US"] * 4,
        seller_id=[""] * 5 + ["SELLER1"] * 5,
    )
    return {score.metric: score for score in fidelity(source, synthetic)}


def test_metrics_come_in_the_papers_order_with_its_properties(by_hand):
    assert list(by_hand) == [metric.name for metric in METRICS]
    assert [(metric.name, metric.property) for metric in METRICS] == [
        ("KSComplement", "Column Shape"),
        ("TVComplement", "Column Shape"),
        ("CorrelationSimilarity", "Column Pair Trend"),
        ("ContingencySimilarity", "Column Pair Trend"),
        ("RangeCoverage", "Coverage"),
        ("CategoryCoverage", "Coverage"),
        ("BoundaryAdherence", "Boundary"),
        ("NewRowSynthesis", "Diversity"),
    ]


def test_kolmogorov_smirnov_by_hand(by_hand):
    assert by_hand["KSComplement"].columns == pytest.approx(
        {"date": 0.5, "tax_rate": 0.9, "net_mass": 0.9, "item_price": 1.0}
    )
    assert by_hand["KSComplement"].score == pytest.approx(3.3 / 4)


def test_total_variation_by_hand(by_hand):
    columns = by_hand["TVComplement"].columns
    assert list(columns) == list(CATEGORICAL)
    assert columns["country_of_origin"] == pytest.approx(0.8)
    assert columns["seller_id"] == pytest.approx(0.7), "no seller is a category of its own"
    assert by_hand["TVComplement"].score == pytest.approx((15 + 0.8 + 0.7) / 17)


def test_a_category_the_source_has_not_counts_as_a_millionth_of_a_row(declarations):
    scores = fidelity(declarations(), declarations(tax_type=["A"] * 9 + ["C"]))
    expected = 1 - (abs(0.9 - 10 / 10.000001) + abs(0.1 - 1e-6 / 10.000001)) / 2
    assert scores[1].columns["tax_type"] == pytest.approx(expected, abs=1e-12)


def test_pearson_similarity_by_hand(by_hand):
    columns = by_hand["CorrelationSimilarity"].columns
    assert len(columns) == 6
    assert columns["net_mass|item_price"] == pytest.approx(0.0), "correlation 1 in the source, -1 in the synthetic"
    assert columns["date|net_mass"] == pytest.approx(1 - (1 - 40 / math.sqrt(20 * 82.5)) / 2)
    assert columns["date|item_price"] == pytest.approx(1 - (1 + 40 / math.sqrt(20 * 82.5)) / 2)
    assert by_hand["CorrelationSimilarity"].score == pytest.approx(sum(columns.values()) / 6)


def test_contingency_similarity_by_hand(by_hand):
    columns = by_hand["ContingencySimilarity"].columns
    assert len(columns) == 17 * 16 / 2 + 17 * 4
    assert columns["seller_id|country_of_origin"] == pytest.approx(0.5)
    assert columns["office_id|country_of_origin"] == pytest.approx(0.8), "one category: the other column's own score"
    assert columns["office_id|net_mass"] == pytest.approx(0.9), "11 kg falls into the source's last bin, with 10 kg"
    assert columns["office_id|process_type"] == 1.0
    assert by_hand["ContingencySimilarity"].score == pytest.approx(sum(columns.values()) / 204)


def test_coverage_and_boundary_by_hand(by_hand):
    assert by_hand["RangeCoverage"].columns == pytest.approx(
        {"date": 4 / 9, "tax_rate": 8 / 13, "net_mass": 8 / 9, "item_price": 1.0}
    )
    assert by_hand["CategoryCoverage"].columns["country_of_origin"] == pytest.approx(2 / 3)
    assert by_hand["CategoryCoverage"].score == pytest.approx((16 + 2 / 3) / 17)
    assert by_hand["BoundaryAdherence"].columns["net_mass"] == pytest.approx(0.9)
    assert by_hand["BoundaryAdherence"].score == pytest.approx(3.9 / 4)


def test_new_rows_by_hand(declarations):
    source = declarations(net_mass=np.arange(100.0, 1100.0, 100.0))
    synthetic = declarations(
        net_mass=[100, 200.5, 150, 250, 350, 450, 550, 650, 750, 850], importer_id=["IMPORTS"] * 9 + ["ANOTHER"]
    )
    assert fidelity(source, synthetic)[-1].score == pytest.approx(0.8), "two rows repeat 100 and 200 kg"


def test_a_copy_of_the_source_is_perfect_but_for_its_rows_which_are_none_of_them_new(random_declarations):
    frame = random_declarations(300, seed=1)
    scores = {score.metric: score.score for score in fidelity(frame, frame.sample(frac=1, random_state=1))}
    # A missing number is out of bounds nowhere, since the source has missing numbers too.
    assert scores == pytest.approx({name: 0.0 if name == "NewRowSynthesis" else 1.0 for name in PAPER_SCORES})


@pytest.mark.parametrize(("rows", "seed"), [(40, 2), (150, 3), (240, 4)])
def test_every_score_is_sdmetrics_own(random_declarations, rows, seed):
    source, synthetic = random_declarations(rows, seed), random_declarations(rows // 2, seed + 100)
    synthetic = pd.concat([synthetic, _near_copies(source, seed)], ignore_index=True)
    _assert_sdmetrics(source, synthetic)


def test_every_score_of_a_published_month_is_sdmetrics_own(published):
    headers = {attribute.header: attribute.name for attribute in RELEASED}
    frame = pd.read_csv(published / "df_syn_valid_eng.csv", dtype=str, keep_default_na=False).rename(columns=headers)
    kinds = {name: float for name in NUMERICAL[1:]} | dict.fromkeys(("fraud", "critical_fraud"), "int8")
    frame = frame.assign(date=pd.to_datetime(frame["date"])).astype(kinds).iloc[:600]
    source, synthetic = frame.iloc[::2], frame.iloc[1::2]
    _assert_sdmetrics(source, pd.concat([synthetic, source.head(3)], ignore_index=True))


@pytest.mark.parametrize(("values", "missing"), [(400, 0.0), (3000, 0.1)])
def test_a_column_of_many_values_has_the_distance_that_sdmetrics_computes_of_all_its_values(
    values: int, missing: float
):
    from sdmetrics.single_column import TVComplement

    rng = np.random.default_rng(values)
    frequent = rng.dirichlet(np.full(values, 0.3))
    source = pd.Series(rng.choice(values, 2000, p=frequent)).astype(str)
    synthetic = pd.Series(rng.choice(values, 3000, p=rng.permutation(frequent))).astype(str)
    source, synthetic = (c.where(rng.random(len(c)) >= missing) for c in (source, synthetic))
    assert max(len(set(synthetic.dropna()) - set(source.dropna())), 1) > values / 20, "values that the source has not"
    own = TVComplement.compute(source, synthetic)
    in_two = in_two_values(source, synthetic)
    assert [column.dropna().nunique() for column in in_two] == [2, 2]
    assert TVComplement.compute(*in_two) == pytest.approx(own, abs=1e-6)
    assert 0.05 < own < 0.95


def test_a_table_with_more_values_than_the_library_can_take_has_a_score_all_the_same(declarations):
    rows = MANY_VALUES + 1
    source = declarations(rows, importer_id=[f"I{row:06d}" for row in range(rows)])
    synthetic = declarations(rows, importer_id=[f"I{row // 2:06d}" for row in range(rows)])
    score = fidelity(source, synthetic)[1].columns["importer_id"]
    assert score == pytest.approx((rows // 2 + 1) / rows, abs=1e-6), "half of the importers took the others' rows"


def _near_copies(source: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Rows of the source with numbers moved by up to 1.5%, so that some are within the tolerance and some are not."""
    rng = np.random.default_rng(seed)
    copies = source.sample(len(source) // 3, random_state=seed)
    return copies.assign(net_mass=copies["net_mass"] * rng.uniform(0.985, 1.015, len(copies)))


def _assert_sdmetrics(source: pd.DataFrame, synthetic: pd.DataFrame) -> None:
    scores = {score.metric: score for score in fidelity(source, synthetic)}
    assert scores["NewRowSynthesis"].score == pytest.approx(_sdmetrics_new_rows(source, synthetic), abs=1e-9)
    assert 0 < scores["NewRowSynthesis"].score < 1, "a test that plants no copy proves nothing"
    from sdmetrics import column_pairs, single_column

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pd.errors.SettingWithCopyWarning)
        for name in ("KSComplement", "TVComplement", "RangeCoverage", "CategoryCoverage", "BoundaryAdherence"):
            metric = getattr(single_column, name)
            theirs = {column: metric.compute(source[column], synthetic[column]) for column in scores[name].columns}
            assert scores[name].columns == pytest.approx(theirs, abs=1e-9), name
        for name in ("CorrelationSimilarity", "ContingencySimilarity"):
            metric = getattr(column_pairs, name)
            theirs = {pair: _sdmetrics_pair(metric, pair, source, synthetic) for pair in scores[name].columns}
            assert scores[name].columns == pytest.approx(theirs, abs=1e-9), name


def _sdmetrics_pair(metric, pair: str, source: pd.DataFrame, synthetic: pd.DataFrame) -> float:
    columns = pair.split("|")
    ours = [frame[columns].assign(**_nanoseconds(frame, columns)) for frame in (source, synthetic)]
    if metric.__name__ == "CorrelationSimilarity":
        return metric.compute(*ours)
    return metric.compute(*ours, continuous_column_names=[name for name in columns if BY_NAME.get(name) in _NUMBERS])


_NUMBERS = [BY_NAME[name] for name in NUMERICAL]


def _nanoseconds(frame: pd.DataFrame, columns: list[str]) -> dict[str, Any]:
    """Dates as the library's reports turn them into numbers."""
    return {"date": pd.to_numeric(frame["date"])} if "date" in columns else {}


def _sdmetrics_new_rows(source: pd.DataFrame, synthetic: pd.DataFrame) -> float:
    from sdmetrics.single_table import NewRowSynthesis

    kinds = (
        {name: "categorical" for name in CATEGORICAL} | {name: "numerical" for name in NUMERICAL} | {"date": "datetime"}
    )
    columns = {name: {"sdtype": kind} for name, kind in kinds.items()}
    frames = [frame[list(kinds)].copy() for frame in (source, synthetic)]
    return NewRowSynthesis.compute(*frames, metadata={"columns": columns})


def test_a_constant_source_column_is_left_out_of_the_means(declarations):
    scores = {score.metric: score for score in fidelity(declarations(), declarations(net_mass=np.arange(95.0, 105.0)))}
    assert all(math.isnan(value) for value in scores["RangeCoverage"].columns.values())
    assert math.isnan(scores["RangeCoverage"].score)
    assert math.isnan(scores["CorrelationSimilarity"].score)
    assert scores["BoundaryAdherence"].columns["net_mass"] == pytest.approx(0.1)
    assert scores["ContingencySimilarity"].columns["office_id|net_mass"] == pytest.approx(0.1)


def test_one_row_against_one_row_has_scores_where_they_are_defined(declarations):
    scores = {score.metric: score.score for score in fidelity(declarations(rows=1), declarations(rows=1))}
    assert scores.pop("NewRowSynthesis") == 0.0
    assert math.isnan(scores.pop("CorrelationSimilarity"))
    assert math.isnan(scores.pop("RangeCoverage"))
    assert set(scores.values()) == {1.0}


def test_ten_digit_source_codes_are_compared_by_their_first_six(declarations):
    source = declarations().rename(columns={"hs6_code": "hs10_code"}).assign(hs10_code="0901210000")
    scores = {score.metric: score for score in fidelity(source, declarations())}
    assert scores["TVComplement"].columns["hs6_code"] == 1.0
    assert scores["NewRowSynthesis"].score == 0.0


def test_frames_that_cannot_be_compared_are_refused_in_a_sentence(declarations):
    with pytest.raises(ValueError, match="the synthetic frame has no rows"):
        fidelity(declarations(), declarations().head(0))
    with pytest.raises(ValueError, match="the source frame has no rows"):
        fidelity(declarations().head(0), declarations())
    with pytest.raises(ValueError, match="the synthetic frame lacks the columns seller_id, tax_type;"):
        fidelity(declarations(), declarations().drop(columns=["tax_type", "seller_id"]))
    with pytest.raises(ValueError, match="the source frame holds an infinite net_mass in row 3"):
        fidelity(declarations(net_mass=[1.0, 1, 1, math.inf, 1, 1, 1, 1, 1, 1]), declarations())


def test_json_has_one_object_a_metric_and_comes_back_as_it_went(declarations):
    scores = fidelity(declarations(), declarations(net_mass=np.arange(95.0, 105.0)))
    content = json.loads(json.dumps(as_json(scores), allow_nan=False))
    assert [set(entry) for entry in content] == [{"metric", "score", "columns"}] * 8
    assert content[4]["score"] is None, "a score that is not defined is null"
    assert content[6] == {
        "metric": "BoundaryAdherence",
        "score": pytest.approx(3.1 / 4),
        "columns": {"date": 1.0, "tax_rate": 1.0, "net_mass": pytest.approx(0.1), "item_price": 1.0},
    }
    assert as_json(from_json(content)) == as_json(scores)


def test_json_of_an_unknown_metric_is_refused():
    with pytest.raises(ValueError, match="'LogisticDetection' is no metric of Table 2"):
        from_json([{"metric": "LogisticDetection", "score": 1.0, "columns": {}}])


def test_table_two_shows_ours_beside_a_ceiling_and_the_papers(by_hand):
    scores = list(by_hand.values())
    rows = table_two_rows(scores, beside={"Half against half": scores[:1]})
    assert rows[0] == {
        "Property": "Column Shape",
        "Metric": "Kolmogorov-Smirnov test",
        "Columns": "Num",
        "Ours": "0.8250",
        "Half against half": "0.8250",
        "Paper": "0.8268",
    }
    assert rows[7]["Half against half"] == "\N{EN DASH}"
    lines = table_two(scores).splitlines()
    assert len(lines) == 10
    assert lines[2] == "| Column Shape      | Kolmogorov-Smirnov test        | Num              | 0.8250 | 0.8268 |"
    assert len({len(line) for line in lines}) == 1

"""A class of one's own: what is wrong with it is said, with the line, before anything is made of it."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from customs_assets.benchmark.contest import Contest, contest_tables
from customs_assets.benchmark.detectors import detector_class
from customs_assets.benchmark.own_detector import DetectorError, load_detector
from customs_assets.benchmark.split import split_months

SIX_MONTHS = split_months([f"2020-0{month}" for month in range(1, 7)])

# The share of frauds of goods and origin; its scores lie outside of [0, 1], and it imports a file beside it.
GOOD = """
from own_weights import SHIFT

class MyDetector:
    name = "my_detector"
    title = "My detector"

    def fit(self, features, fraud, seed):
        goods = features.declarations["hs6_code"] + features.declarations["country_of_origin"]
        self.rates = features.declarations.assign(fraud=fraud).groupby(goods)["fraud"].mean()
        features.declarations["hs6_code"] = "000000"

    def score(self, features):
        goods = features.declarations["hs6_code"] + features.declarations["country_of_origin"]
        return goods.map(self.rates).fillna(0) * 100 - SHIFT
"""


def _load(folder: Path, body: str, name: str = "MyDetector"):
    (folder / "own_weights.py").write_text("SHIFT = 7\n")
    (folder / "my_detector.py").write_text(body)
    return load_detector(f"{folder / 'my_detector.py'}:{name}")


def test_a_class_in_a_file_is_measured_as_the_others_are(declarations: pd.DataFrame, tmp_path: Path) -> None:
    own = _load(tmp_path, GOOD)
    contest = Contest(declarations, SIX_MONTHS, seed=1, runs=2)

    rows = pd.concat([contest.measure(detector_class("decision_tree")), contest.measure(own)], ignore_index=True)

    mine = rows.loc[rows["detector"] == "my_detector"].set_index("inspection_rate")
    # The rule is goods and origin, and a mass under half of them: who knows goods and origin alone finds about half.
    test = SIX_MONTHS.rows(declarations, "test")
    ruled = test["hs10_code"].isin(["2204210000", "2208300000", "6109100000"]) & (test["country_of_origin"] == "CN")
    assert mine["precision_mean"].to_numpy() == pytest.approx(test.loc[ruled, "fraud"].mean(), abs=0.12)
    assert (mine["precision_std"] == 0).all()
    tables = contest_tables(rows, own)
    assert list(tables) == [
        "Precision",
        "Recall",
        "Recall of the duty at stake",
        "Precision of My detector less that of",
    ]
    last = tables["Precision"].splitlines()[-1]
    assert last.startswith(f"| My detector | {mine['precision_mean'].iloc[0]:.4f} ± 0.0000 |")
    apart = tables["Precision of My detector less that of"].splitlines()
    assert len(apart) == 3 and apart[2].startswith("| Decision Tree | -0.") and apart[2].count("*") == 4


def test_a_class_that_changes_what_it_is_given_changes_nothing_for_the_others(
    declarations: pd.DataFrame, tmp_path: Path
) -> None:
    """``fit`` above overwrites the goods: what it does with its copy is its own affair."""
    contest = Contest(declarations, SIX_MONTHS, seed=1, runs=1)
    before = contest.measure(detector_class("risk_profiles"))
    contest.measure(_load(tmp_path, GOOD))
    pd.testing.assert_frame_equal(contest.measure(detector_class("risk_profiles")), before)


FORM = """
class MyDetector:
    name = "my_detector"
    title = "My detector"
    def fit(self, features, fraud, seed):
        pass
    def score(self, features):
        return {scores}
"""


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("class Other:\n    pass\n", r"my_detector.py has no class MyDetector; it has Other$"),
        (
            "import sklearn.nothing_such\n",
            "cannot be imported: line 1: ModuleNotFoundError: No module named 'sklearn.noth",
        ),
        ("x = 1\nclass MyDetector\n", "cannot be imported: line 2: SyntaxError: expected ':'"),
        (
            "class MyDetector:\n    name = 'My Detector'\n    def fit(self, features): pass\n",
            r"lacks `name`, a text.*; `title`.*; `fit\(self, features, fraud, seed\)`; `score\(self, features\)`",
        ),
        (FORM.replace('"my_detector"', '"xgboost"'), "has the name 'xgboost' of a detector of the benchmark"),
    ],
)
def test_a_class_that_has_not_the_form_is_refused_with_what_it_lacks(body: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(DetectorError, match=message):
        _load(tmp_path, body)


@pytest.mark.parametrize(
    ("scores", "message"),
    [
        (
            "features.matrix[:5, 0]",
            r"MyDetector.score gave an array \(5,\); for 400 declarations it has to be \(400,\)$",
        ),
        ("features.matrix[:, :2]", r"array \(400, 2\); for 400 .*; of a library's predict_proba, give column 1"),
        ("features.matrix[:, 0] * float('nan')", r"MyDetector.score gave nan for declaration 0 \(400 such scores\)"),
        (
            "features.declarations['importer_id']",
            "MyDetector.score gave Series; it has to give one number a declaration",
        ),
        ("1 / 0", "MyDetector.score failed: line 8: ZeroDivisionError: division by zero"),
        (
            "features.labels",
            "MyDetector.score failed: line 8: AttributeError: 'Features' object has no attribute 'labels'",
        ),
    ],
)
def test_what_goes_wrong_while_it_runs_is_told_as_its_fault(
    scores: str, message: str, declarations: pd.DataFrame, tmp_path: Path
) -> None:
    own = _load(tmp_path, FORM.format(scores=scores))
    with pytest.raises(DetectorError, match=message):
        Contest(declarations, SIX_MONTHS, seed=1, runs=1).measure(own)


def test_a_class_that_cannot_be_made_is_told(declarations: pd.DataFrame, tmp_path: Path) -> None:
    own = _load(tmp_path, FORM.format(scores="0") + "    def __init__(self, depth):\n        pass\n")
    with pytest.raises(
        DetectorError, match=r"MyDetector.__init__ failed: .*missing 1 required positional argument: 'depth'"
    ):
        Contest(declarations, SIX_MONTHS, seed=1, runs=1).measure(own)


@pytest.mark.parametrize("address", ["my_detector.py", "MyDetector", "my_detector:MyDetector", "my_detector.py:"])
def test_an_address_has_a_file_and_a_class(address: str) -> None:
    with pytest.raises(DetectorError, match="names no class in a file; write it as my_detector"):
        load_detector(address)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(DetectorError, match="there is no file"):
        load_detector(f"{tmp_path}/nothing.py:MyDetector")


def test_only_the_order_of_scores_counts(tmp_path: Path, declarations: pd.DataFrame) -> None:
    """Small consignments are fraud; the scale of the mass does not matter."""
    contest = Contest(declarations, SIX_MONTHS, seed=1, runs=1)
    mass = "features.declarations['net_mass'] * -{}"
    one, other = (contest.measure(_load(tmp_path, FORM.format(scores=mass.format(of)))) for of in ("1e9 - 3", "0.5"))
    assert one["precision_mean"].tolist() == other["precision_mean"].tolist()
    assert one["precision_mean"].iloc[-1] > SIX_MONTHS.rows(declarations, "test")["fraud"].mean()

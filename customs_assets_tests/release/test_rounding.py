"""What leaves with the release is rounded: no number of the card, the data package or a signed record tells a single trader."""

from __future__ import annotations

import io
import json
import math
import re
from collections.abc import Iterator
from typing import Any

import pandas as pd
import pytest

from customs_assets.claims import Claim, Subject
from customs_assets.fidelity.table_two import PAPER_SCORES, fidelity
from customs_assets.release.datapackage import data_package, rounding_of
from customs_assets.release.files import PARTLY_LABELLED, build_release
from customs_assets.release.rounding import Rounding
from customs_assets.settings import Settings

MONTHS = ["2020-01", "2020-02", "2020-03"]
NUMBER = re.compile(r"(?<![\w.])\d+(?:,\d{3})*(?:\.\d+)?(?![\w])%?")


def _unrounded(text: str, rounding: Rounding, known: set[str]) -> list[str]:
    """The numbers of a text that are neither rounded nor known beforehand."""
    return [number for number in NUMBER.findall(text) if number not in known and not _is_told(number, rounding)]


def _is_told(number: str, rounding: Rounding) -> bool:
    value = float(number.strip("%").replace(",", ""))
    step = rounding.step() or math.inf
    if "." in number or number.endswith("%"):
        steps = value / (100 * step if number.endswith("%") else step)
        return abs(steps - round(steps)) < 1e-9
    return value % rounding.base == 0


def _numbers(document: Any) -> Iterator[float]:
    if isinstance(document, dict):
        document = list(document.values())
    if isinstance(document, list):
        for entry in document:
            yield from _numbers(entry)
    elif isinstance(document, int | float) and not isinstance(document, bool):
        yield document


@pytest.fixture(scope="module", params=[5, 8], ids=["k of 5", "k of 8"])
def files(request: pytest.FixtureRequest, world: Any) -> tuple[dict[str, bytes], Rounding, Settings]:
    """The files of a release, how they are to be rounded, and the settings that they were made with."""
    rows = world.fresh.assign(declaration_id=[f"{number:08d}" for number in range(len(world.fresh))])
    settings = Settings(min_group=request.param)  # pyright: ignore[reportCallIssue]
    made = build_release(rows, MONTHS, fidelity(world.training, rows), settings, 1, "given")
    return made, Rounding(request.param, rows["importer_id"].nunique()), settings


def test_every_number_of_the_card_is_rounded_or_known_beforehand(files: tuple[dict[str, bytes], Rounding, Settings]):
    made, rounding, settings = files
    card = made["README.md"].decode()
    described = card.partition("## How it was made")
    # The paper's scores, attributes, labels kept; names and dates are no measures.
    known = {f"{score:.4f}" for score in PAPER_SCORES.values()} | {"22", "0", "1", "2", "10%", "5.2", "3 months", "18"}
    known |= {"2020", "2021", "3"}
    measures = re.sub(r"20\d\d-\d\d(-\d\d)?", "", described[0]).replace("UTF-8", "")
    # Versions of libraries are no measures.
    measures = re.sub(r"(SDMetrics|SDV|version) [\d.]*\d", "", measures)
    assert _unrounded(measures, rounding, known) == []
    # The rest tells settings, and constants of the method: nothing there was measured.
    of_settings = {str(settings.epochs), str(settings.min_group), str(4 * settings.min_group), "75%", "85%", "1", "1%"}
    assert _unrounded(described[2], rounding, of_settings) == []
    parts = [pd.read_parquet(io.BytesIO(made[f"{name}.parquet"])) for name in ("train", PARTLY_LABELLED)]
    assert f"About {rounding.count_text(len(parts[0]))} artificial" in card
    assert f"| {len(parts[0]):,} |" not in card or len(parts[0]) % rounding.base == 0


def test_every_number_of_the_data_package_is_rounded_or_of_the_form(
    files: tuple[dict[str, bytes], Rounding, Settings],
):
    made, rounding, _ = files
    package = json.loads(made["datapackage.json"])
    of_form = json.loads(data_package({"train.csv": b""}, MONTHS, [], rounding))
    known = set(_numbers(of_form)) | {len(content) for content in made.values()}
    step = rounding.step()
    assert step is not None
    scores = [number for number in _numbers(package) if number not in known]
    assert len(package["quality"]) == 8 and all(entry["score"] is not None for entry in package["quality"])
    assert all(abs(score / step - round(score / step)) < 1e-9 for score in scores)
    assert rounding_of(made["datapackage.json"], rounding.min_group).step() == step


def test_no_count_is_told_that_could_be_of_fewer_than_k():
    for k in (2, 5, 8, 40, 300):
        rounding = Rounding(k, 10_000)
        assert rounding.base >= 2 * k
        told = {count: rounding.count(count) for count in range(0, 5 * rounding.base)}
        assert told[0] == 0
        assert all(told[count] is None for count in range(1, k))
        assert all(count >= k for count, number in told.items() if number)
        assert all(abs(number - count) <= rounding.base / 2 for count, number in told.items() if number is not None)
    assert Rounding(5, 10_000).text(4) == "< 10"
    assert Rounding(5, 10_000).text(54_096) == "54100"


@pytest.mark.parametrize(
    ("importers", "step"), [(10_000, 0.01), (500, 0.01), (499, 0.02), (250, 0.02), (100, 0.05), (50, 0.1), (49, None)]
)
def test_k_importers_move_a_share_by_no_more_than_a_step(importers: int, step: float | None):
    rounding = Rounding(5, importers)
    assert rounding.step() == step
    told = rounding.share(0.8567)
    if step is None:
        assert told is None and rounding.text(0.8567) == "–"
    else:
        assert told is not None
        assert abs(told - 0.8567) <= step / 2 + 1e-12 and abs(told / step - round(told / step)) < 1e-9
    assert Rounding(5, 10_000).step(rows=importers) == step, "the rows of a small table count, too"


def test_of_a_claim_leave_only_rounded_measures_and_goals():
    claim = Claim(
        "TVComplement", Subject.FIDELITY, "T", 0.91234, 0.93937, 0.97068, at_least=0.93937, note="of 7 rows 3"
    )
    told = Rounding(5, 1000).claim(claim)
    assert (told.measured, told.ceiling, told.floor, told.at_least, told.note) == (0.91, 0.94, 0.97, 0.94, "")
    chance = Claim("tpr", Subject.PRIVACY, "T", 0.01918, 0.01, at_most=0.0165018, lower_bound=0.0096, limit=0.1)
    told = Rounding(5, 1000).claim(chance)
    assert (told.measured, told.goal, told.limit) == (0.02, "≤ 0.02", 0.1)
    assert math.isnan(told.lower_bound)
    set_beforehand = Claim("CorrelationSimilarity", Subject.FIDELITY, "T", 0.99, 0.9695, at_least=0.985)
    assert Rounding(5, 1000).claim(set_beforehand).goal == "≥ 0.985"
    count = Claim("tuples_under_k", Subject.PRIVACY, "T", 4459, note="of 17611")
    assert Rounding(5, 1000).claim(count).measured == 4460


def test_a_score_that_hangs_on_single_amounts_is_rounded_down():
    assert Rounding(5, 250).score("BoundaryAdherence", 0.9999) == 0.98
    assert Rounding(5, 10_000).score("RangeCoverage", 0.79) == 0.7
    assert Rounding(5, 10_000).score("KSComplement", 0.9958) == 1.0

"""The page that may be published: every number on it is rounded or was known before anything was measured."""

from __future__ import annotations

import base64
import importlib.metadata
import math
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from customs_assets.benchmark.product_codes import TOPS
from customs_assets.benchmark.table_three import PAPER
from customs_assets.fidelity.table_two import PAPER_SCORES
from customs_assets.lake import Lake
from customs_assets.release.files import read_release
from customs_assets.release.rounding import Rounding
from customs_assets.report.outside import PARTS, outside_evidence
from customs_assets.report.page import page
from customs_assets_tests.report.conftest import MIN_GROUP, evidence_in
from customs_assets_tests.report.reading import figures_of, own_signs, pattern, texts_of, words_of

NUMBER = re.compile(r"(?<![\w.])\d+(?:,\d{3})*(?:\.\d+)?(?![\w])%?")

# Goals that were set beforehand; the paper's scores; answers that are asked for, epochs of the rehearsal, k and k - 1, an edition
# of the Harmonized System, the name of a checksum.
GOALS = {
    "0.99",
    "0.985",
    "0.96",
    "0.92",
    "0.89",
    "0.85",
    "1.15",
    "0.15",
    "0.55",
    "0.52",
    "0.53",
    "0.05",
    "0.03",
    "0.02",
    "0.9",
}
KNOWN = {f"{score:.4f}" for score in (*PAPER_SCORES.values(), *PAPER.values())} | GOALS
KNOWN |= {"5", "4", "30", "2022", "1.0", "1", "256"}
# How many guesses the second task has.
KNOWN |= {str(top) for top in TOPS}
# Inspection rates.
KNOWN |= {"1%", "2%", "5%", "10%"}

# Sentences that tell a share as so many of a hundred.
OF_A_HUNDRED = [pattern(words) for key, words in words_of("en").items() if key.startswith("gain.") and "100" in words]

# Of the layout, what says how large and where something is drawn.
DRAWING = {"height", "tickangle", "thickness", "zmin", "zmax", "colorscale", "legend"}


@pytest.fixture(scope="module")
def outside(written: tuple[Path, Lake]) -> bytes:
    return page(evidence_in(written[1]), outside=True)


@pytest.fixture(scope="module")
def rounding(written: tuple[Path, Lake]) -> Rounding:
    return Rounding(MIN_GROUP, written[1].read_json("release_evidence")["importers"])


def _measures(texts: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The numbers of texts that were filled in, each with its text: the page's own words are no measures."""
    own = {words for words in words_of("en").values() if isinstance(words, str)}
    # What has hardly a word of its own would match anything.
    longest_first = sorted((w for w in own if own_signs(w) > 8), key=own_signs, reverse=True)
    patterns = [pattern(words) for words in longest_first]
    for text in texts:
        matches = (found.fullmatch(text) for found in patterns)
        filled = () if text in own else next((match.groups() for match in matches if match), (text,))
        unit = "%" if any(found.fullmatch(text) for found in OF_A_HUNDRED) else ""
        for part in filled:
            # A sentence may be filled with a sentence.
            yield from ((number + unit, text) for number in NUMBER.findall("" if part in own else part))


def _unrounded(texts: Sequence[str], rounding: Rounding, known: set[str]) -> list[tuple[str, str]]:
    return [(n, text) for n, text in _measures(texts) if n not in known and not _is_told(n, rounding)]


def _is_told(number: str, rounding: Rounding) -> bool:
    """Whether a number is a multiple of the base or of a step that this release, or one of fewer rows, may tell."""
    value, steps = float(number.strip("%").replace(",", "")), (1, 2, 5, 10)
    finest = rounding.step()
    assert finest is not None
    if "." in number or number.endswith("%"):
        hundredths = value if number.endswith("%") else 100 * value
        return any(abs(hundredths / s - round(hundredths / s)) < 1e-9 for s in steps if s / 100 >= finest)
    return value % rounding.base == 0


def _known_of(evidence: Any) -> set[str]:
    settings = evidence.settings
    values = {str(getattr(settings, name)) for name in ("epochs", "min_group", "dominance_one", "dominance_two")}
    versions = {importlib.metadata.version(d) for d in ("customs_assets", "catboost", "duckdb", "lightgbm", "numpy")}
    return KNOWN | values | versions | {importlib.metadata.version(d) for d in ("pandas", "scikit-learn", "shap")}


def _without_dates_and_names(texts: Sequence[str]) -> list[str]:
    without = (re.sub(r"\b20\d\d-\d\d\b|\b[0-9a-f]{64}\b|\d+\.\d+\.\d+\S*", "", text) for text in texts)
    return [re.sub(r"(January|February|March|April|May|June) 20\d\d", "", text) for text in without]


def test_every_number_of_the_texts_is_rounded_or_known_beforehand(
    outside: bytes, rounding: Rounding, written: tuple[Path, Lake]
):
    known = _known_of(evidence_in(written[1]))
    texts, in_english = texts_of(outside)
    assert in_english == [], "notes have counts of single rows"
    assert len(list(_measures(_without_dates_and_names(texts)))) > 250
    assert _unrounded(_without_dates_and_names(texts), rounding, known) == []
    inside, notes = texts_of(written[0].read_bytes())
    found = {number for number, _ in _unrounded(_without_dates_and_names([*inside, *notes]), rounding, known)}
    assert len(found) > 200, "the same walk convicts the inside form"


def test_no_count_of_fewer_than_k_stands_in_a_table(outside: bytes):
    rows = re.findall(rb'<td class="n">([^<]*)</td>', outside)
    cells = {cell.decode() for cell in rows}
    assert {"0", "–"} <= cells
    assert not cells & {"1", "2", "3", "4"}


def _numbers(part: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], float]]:
    """Every number of a figure with the way to it; arrays that Plotly packs are unpacked."""
    if isinstance(part, dict) and "bdata" in part:
        part = np.frombuffer(base64.b64decode(part["bdata"]), dtype=part["dtype"]).tolist()
    if isinstance(part, dict):
        for name, value in part.items():
            yield from _numbers(value, (*path, name))
    elif isinstance(part, list):
        for value in part:
            yield from _numbers(value, path)
    elif isinstance(part, int | float) and not isinstance(part, bool):
        yield path, float(part)


def _texts(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        for value in part.values():
            yield from _texts(value)
    elif isinstance(part, list):
        for value in part:
            yield from _texts(value)
    elif isinstance(part, str):
        yield part


def _is_edge(name: str, value: float) -> bool:
    """Whether a number says where a bar of figure 4 stands."""
    rates = {low + 1.0 for low in range(0, 31, 2)}
    masses = [math.sqrt(10.0 ** (-2 + at / 4) * 10.0 ** (-2 + (at + 1) / 4)) for at in range(36)]
    return value in rates if name.endswith("tax_rate") else any(math.isclose(value, mass) for mass in masses)


def test_every_number_that_is_embedded_in_a_figure_is_rounded(
    outside: bytes, rounding: Rounding, written: tuple[Path, Lake]
):
    finest = rounding.step()
    assert finest is not None

    def unrounded(figures: dict[str, Any]) -> list[tuple[str, tuple[str, ...], float]]:
        found = []
        for name, figure in figures.items():
            step = finest if name == "figure-7-summary" else 100 * finest
            for path, value in _numbers({"data": figure["data"], "layout": figure["layout"]}):
                if DRAWING & set(path) or (name.startswith("figure-4") and path[-1] == "x" and _is_edge(name, value)):
                    continue
                if abs(value / step - round(value / step)) > 1e-6:
                    found.append((name, path, value))
        return found

    figures = figures_of(outside)
    names = {"figure-3-office_id", "figure-4-tax_rate", "figure-4-net_mass", "figure-5", "figure-6", "figure-7-summary"}
    assert names <= set(figures)
    assert not {"figure-7-decision", "months", "weeks", "roc"} & set(figures)
    assert {"trade-partners-importer_id-declarant_id", "trade-chord-source", "trade-hub-1"} <= set(figures)
    assert not any(name.startswith(("trade-season", "trade-new", "simulated")) for name in figures)
    assert len(list(_numbers(figures))) > 300
    assert unrounded(figures) == []
    titles = [text for text in _texts([figure["layout"] for figure in figures.values()]) if "%" in text]
    assert _unrounded(titles, rounding, {"30"}) == []
    of_the_inside_form = figures_of(written[0].read_bytes())
    assert {"figure-7-decision", "months", "weeks", "roc"} <= set(of_the_inside_form)
    assert len(unrounded({name: of_the_inside_form[name] for name in names})) > 150


def test_figure_three_names_only_values_that_the_release_has(outside: bytes, written: tuple[Path, Lake]):
    folder = written[1].path("release_candidate", suffix="")
    rows = read_release(lambda name: written[1].read_bytes(f"{folder}/{name}"))
    released = {str(value) for column in rows.select_dtypes("object") for value in rows[column].unique()}
    released |= {value[:2] for value in rows["hs6_code"].unique()}
    shown = {
        x for name, f in figures_of(outside).items() if name.startswith("figure-3") for t in f["data"] for x in t["x"]
    }
    assert len(shown) > 10 and shown <= released


def test_a_bar_that_fewer_than_k_importers_stand_behind_is_not_told(written: tuple[Path, Lake], rounding: Rounding):
    evidence = written[1].read_json("release_evidence")
    offices, labels = evidence["figure_3"]["office_id"], evidence["figure_4"]["importers"]["critical_fraud"]
    told = outside_evidence(evidence, rounding)
    assert offices["values"][0] in told["figure_3"]["office_id"]["values"]
    assert told["figure_4"]["critical_fraud"]["source"][0] > 0
    offices["importers"][0], labels[0] = MIN_GROUP - 1, MIN_GROUP - 1
    told = outside_evidence(evidence, rounding)
    assert offices["values"][0] not in told["figure_3"]["office_id"]["values"]
    assert told["figure_4"]["critical_fraud"]["source"][0] == 0
    assert told["figure_4"]["critical_fraud"]["synthetic"][0] > 0, "the release's own rows are public"


def test_of_too_few_importers_no_share_is_told_and_the_page_is_made(written: tuple[Path, Lake]):
    made_from = evidence_in(written[1])
    few = {**made_from.release_evidence, "importers": 49}
    content = page(type(made_from)(**{**vars(made_from), "release_evidence": few}), outside=True)
    assert figures_of(content) == {}
    texts, _ = texts_of(content)
    assert any("There are too few importers to tell a share or a score" in text for text in texts)
    shares = [n for n, _ in _measures(_without_dates_and_names(texts)) if "." in n or n.endswith("%")]
    assert set(shares) <= KNOWN | {"0.75", "0.85", "75%", "85%", "50%"}, "settings and goals"


def test_every_section_of_the_page_is_in_the_rule(written: tuple[Path, Lake], outside: bytes):
    sections = re.findall(r'<section id="([^"]+)"', written[0].read_text(encoding="utf-8"))
    assert set(sections) <= set(PARTS)
    left = re.findall(r'<section id="([^"]+)"', outside.decode())
    assert left == [section for section in sections if PARTS[section].leaves] != sections


def test_why_a_release_is_withheld_is_told_without_a_number(written: tuple[Path, Lake]):
    made_from = evidence_in(written[1])
    reasons = ["Membership goes past its limit of 0.6 by more than chance: 0.7123 (informed of 12 attacks; p = 0.0005)"]
    content = page(type(made_from)(**{**vars(made_from), "withheld": reasons}), outside=True).decode()
    assert "0.7123" not in content and "p = 0.0005" not in content
    assert '<p class="gate fails">withheld: ' in content


def test_how_the_source_was_read_is_told_without_headers_and_cells(outside: bytes, written: tuple[Path, Lake]):
    texts, inside = " ".join(texts_of(outside)[0]), " ".join(texts_of(written[0].read_bytes())[0])
    assert "Of 71,230 declarations, 71,220 were kept and 20 set aside" in texts
    for own in ("Remarks 2019", "901210000", "Bureau Nr", "71,217"):
        assert own in inside
        assert own not in texts

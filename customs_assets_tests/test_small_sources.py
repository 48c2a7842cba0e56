"""Tiny and degenerate sources go through the whole pipeline: each works, or ends in sentences of the project.

``python benchmarks/small_sources.py`` drives many more of them.
"""

from __future__ import annotations

import logging
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings

from customs_assets_tests.conftest import fixed_secrets
from customs_assets_tests.small_sources import OF_A_LIBRARY, End, Small, end_of, small

# Everything but the benchmark and what is made of it: its nine detectors have tests of their own with nothing to learn.
_WITHOUT_BENCHMARK = (
    *("raw_declarations", "quarantine", "month_counts", "drift", "labelled_declarations", "anonymized_declarations"),
    *("population", "unit_prices", "ctgan_model", "tariff", "tariff_routes", "confidential_trade", "safe_parts"),
    *("disclosed_tuples", "safe_groups", "composed_identities", "fraud_propensity", "rehearsed_declarations"),
    *("synthetic_declarations", "privacy_report", "quality_report", "release_quality", "release_candidate"),
    *("release_privacy", "synthetic_release"),
)


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Small], End]:
    """A function that drives a source in a folder of its own."""
    fixed_secrets(tmp_path / ".customs")
    (tmp_path / "home").mkdir()
    for name, path in {
        "CUSTOMS_IDENTITY_KEY": ".customs/identity.key",
        "CUSTOMS_RELEASE_SECRET": ".customs/release.secret",
        "CUSTOMS_PUBLISHED": ".customs/published",
        "DAGSTER_HOME": "home",
    }.items():
        monkeypatch.setenv(name, str(tmp_path / path))
    monkeypatch.setenv("CUSTOMS_EPOCHS", "1")

    def drive(source: Small) -> End:
        folder = Path(tempfile.mkdtemp(dir=tmp_path))
        source.write(folder / "source")
        monkeypatch.setenv("CUSTOMS_SOURCE", str(folder / "source"))
        monkeypatch.setenv("CUSTOMS_LAKE", str(folder / "lake"))
        logging.disable(logging.CRITICAL)
        try:
            return end_of(_WITHOUT_BENCHMARK)
        finally:
            logging.disable(logging.NOTSET)
            shutil.rmtree(folder)

    return drive


@settings(
    max_examples=1,
    derandomize=True,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@example(Small((30, 30), one_id=True))
@given(small(20))
def test_no_sentence_of_a_library_reaches_a_person(office: Callable[[Small], End], source: Small):
    end = office(source)
    assert end.strange == [], f"{source}: {end}"
    assert end.word == "released" or end.sentences, f"{source} ended without a word"


def test_sentences_of_libraries_are_known_from_those_of_the_project():
    for said in (
        "LightGBM: Check failed: (num_data) > (0) at dataset.cpp",
        "IndexError: boolean index did not match",
        "KeyError: 'courier_id'",
        "Input contains NaN",
        "This is a fault of the pipeline, not of the data",
    ):
        assert OF_A_LIBRARY.search(said), said
    for said in (
        "2020-02: none of its declarations was inspected",
        "withheld: unmeasured, because the interval is too wide to exclude the limit",
        "the training half has fewer than 2 declarations in 2020-01",
    ):
        assert not OF_A_LIBRARY.search(said), said

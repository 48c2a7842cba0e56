"""Drift stands on the page that stays inside, and nothing of it on the page that is published."""

from __future__ import annotations

from pathlib import Path

from customs_assets.lake import Lake
from customs_assets.report.page import page
from customs_assets_tests.report.conftest import evidence_in


def test_drift_is_drawn_inside_and_is_not_outside(written: tuple[Path, Lake]):
    evidence = evidence_in(written[1])
    assert evidence.drift.keys() == set(evidence.months)
    inside, outside = (page(evidence, outside=form).decode() for form in (False, True))
    assert '<section id="drift">' in inside
    assert 'data-figure="drift-volume"' in inside
    assert "There are too few months before it" in inside, "three months are no history"
    assert "drift" not in outside.partition("<script>")[0].lower()
    assert '"drift-volume"' not in outside

"""What every test may ask for: the published declarations, where they are at hand."""

from __future__ import annotations

from pathlib import Path

import pytest

PUBLISHED = Path(__file__).parents[2] / "shared" / "data" / "published"


@pytest.fixture(scope="session")
def published() -> Path:
    """The folder of the published declarations."""
    if not PUBLISHED.is_dir():
        pytest.skip(f"the published declarations are not at {PUBLISHED}")
    return PUBLISHED

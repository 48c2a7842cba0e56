"""Where Dagster keeps its runs for this project, and with which settings.

What belongs here prepares ``DAGSTER_HOME``. Which runs are started stands in ``running.py``.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from customs_assets.settings import available_cores

PROJECT = Path(__file__).parents[2]

DEFAULT_HOME = ".dagster"


def home_at_hand() -> Path | None:
    """``DAGSTER_HOME``, or ``./.dagster`` where it is unset, named in the environment; None where there is none yet."""
    home = Path(os.environ.get("DAGSTER_HOME") or DEFAULT_HOME).absolute()
    if not (home / "dagster.yaml").exists():
        return None
    os.environ["DAGSTER_HOME"] = str(home)
    return home


def prepare_home(workers: int | None = None) -> Path:
    """Make ``DAGSTER_HOME`` (``./.dagster`` where it is unset) ready and name it in the environment.

    Run logs and metadata quote declarations, so a new home is its owner's alone. A home that has a ``dagster.yaml`` keeps it. A
    new one gets the project's, with the limits of the run queue and of the training pool set to the number of workers (the
    machine's cores where None).

    Raises:
        FileNotFoundError: the project's ``dagster.yaml`` is not where the package was installed from.
    """
    home = Path(os.environ.get("DAGSTER_HOME") or DEFAULT_HOME).absolute()
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    os.environ["DAGSTER_HOME"] = str(home)
    config = home / "dagster.yaml"
    if not config.exists():
        text = (PROJECT / "dagster.yaml").read_text(encoding="utf-8")
        limited = re.sub(r"(max_concurrent_runs|default_limit): *\d+", rf"\1: {workers or available_cores()}", text)
        temporary = config.with_name(f".dagster.yaml.{os.getpid()}")
        temporary.write_text(limited, encoding="utf-8")
        temporary.replace(config)
    return home

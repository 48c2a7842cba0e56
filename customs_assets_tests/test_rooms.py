"""A room can be used without those above it, and loads nothing heavy before it needs it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

# What each room loads beside itself when all of its modules are imported; a room that loads more has grown a dependency.
LOADS = {
    "forms": set(),
    "simulation": {"forms"},
    "generator": set(),
    "lake": {"forms"},
    "law": {"forms", "lake"},
    "source": {"forms", "lake", "simulation"},
    "anonymization": {"forms", "lake"},
    "disclosure": {"forms", "anonymization", "lake", "law"},
    "synthesis": {"forms", "anonymization", "disclosure", "generator", "lake", "law"},
    "fidelity": {"forms", "lake", "law"},
    "privacy": {"forms", "anonymization", "disclosure", "fidelity", "lake", "law", "synthesis"},
    "benchmark": {"forms", "fidelity", "generator", "lake", "law"},
    "trade": {"forms", "fidelity", "lake"},
    "weeks": {"forms", "benchmark", "fidelity", "generator", "lake"},
    "release": {
        "forms",
        "anonymization",
        "benchmark",
        "disclosure",
        "fidelity",
        "lake",
        "law",
        "privacy",
        "source",
        "synthesis",
    },
}

HEAVY = {
    *("catboost", "faker", "great_expectations", "lightgbm", "plotly", "shap", "sklearn", "xgboost"),
    *("ctgan", "sdmetrics", "sdv", "torch"),
}

_SCRIPT = """
import importlib, json, pkgutil, sys
room = importlib.import_module("customs_assets." + sys.argv[1])
for module in pkgutil.walk_packages(room.__path__, room.__name__ + "."):
    # Classes of torch can be written nowhere else; what trains or scores imports the module inside its functions.
    if module.name != "customs_assets.benchmark.detectors.deep.layers":
        importlib.import_module(module.name)
print(json.dumps(sorted(sys.modules)))
"""


@pytest.mark.parametrize("room", LOADS)
def test_a_room_is_importable_without_the_rooms_above_it(room: str):
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _SCRIPT, room], capture_output=True, text=True, check=True
    )
    modules = set(json.loads(done.stdout))
    rooms = {module.split(".")[1] for module in modules if module.startswith("customs_assets.")}
    known = {*LOADS, "automation", "expectations", "report", "cli", "definitions"}
    assert rooms & known == {room} | LOADS[room]
    assert not HEAVY & {module.split(".")[0] for module in modules}


def test_one_step_is_importable_without_dagster():
    """A notebook that calls the synthesis needs no orchestrator."""
    script = "import sys, customs_assets.synthesis.synthesize, customs_assets.fidelity.table_two; print('dagster' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"

"""What must never be in the code: unpickling, a server open to the network, SQL put together from values, a secret shown."""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from customs_assets.lake import Lake
from customs_assets.settings import Settings

PACKAGE = Path(__file__).parents[1] / "customs_assets"
MODULES = sorted(PACKAGE.rglob("*.py"))

UNPICKLING_MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
UNPICKLING_CALLS = {"read_pickle", "to_pickle", "eval", "exec"}


def _calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            yield name, node


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_nothing_is_unpickled_or_evaluated(path: Path):
    tree = ast.parse(path.read_text())
    imported = {
        name.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""])
    }
    assert not imported & UNPICKLING_MODULES
    for name, call in _calls(tree):
        assert name not in UNPICKLING_CALLS, f"line {call.lineno}"
        allowed = [keyword.value for keyword in call.keywords if keyword.arg == "allow_pickle"]
        assert all(isinstance(value, ast.Constant) and value.value is False for value in allowed)
        if name == "load" and isinstance(call.func, ast.Attribute):
            assert getattr(call.func.value, "id", "") != "torch", f"line {call.lineno}"


def test_every_asset_is_stored_by_the_lake_and_none_by_dagsters_pickling_default():
    from customs_assets.definitions import defs
    from customs_assets.resources import FOLDER, HTML, JSON, PARQUET, SAFETENSORS

    for assets in defs.resolve_asset_graph().assets_defs:
        if assets.is_executable and not assets.check_keys:
            for key in assets.keys:
                assert assets.get_io_manager_key_for_asset_key(key) in {PARQUET, JSON, SAFETENSORS, HTML, FOLDER}, key


def test_statements_have_parameters_and_are_not_put_together():
    for path in MODULES:
        # Names of tables and columns cannot be bound; those of a PostgreSQL source are quoted, which its own tests hold.
        if path.name == "postgresql.py":
            continue
        for name, call in _calls(ast.parse(path.read_text())):
            if name in ("execute", "executemany", "sql") and call.args:
                assert not isinstance(call.args[0], ast.JoinedStr | ast.BinOp), f"{path}:{call.lineno}"


def test_no_default_listens_to_the_network():
    text = "".join(path.read_text() for path in MODULES)
    assert '"0.0.0.0"' not in text
    assert re.search(r'host: Annotated\[.*\] = "127\.0\.0\.1"', text)


def test_a_new_lake_is_its_owners_alone_and_a_shared_one_its_groups(tmp_path: Path):
    before = os.umask(0)
    try:
        own = Lake(str(tmp_path / "own"))
        own.write_json("a", {}, "2020-01")
        own.write_folder("release", {"x": b"1"})
        shared = tmp_path / "shared"
        shared.mkdir()
        shared.chmod(0o2775)
        Lake(str(shared)).write_json("a", {}, "2020-01")
    finally:
        os.umask(before)
    for path in (tmp_path / "own", *(tmp_path / "own").rglob("*")):
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path
    assert (shared / "a").stat().st_mode & 0o7777 == 0o2770
    assert (shared / "a" / "2020-01.json").stat().st_mode & 0o777 == 0o660


def test_settings_do_not_show_the_addresses_of_alerts(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CUSTOMS_ALERTS", "json://duty:opensesame@h/T0KEN")
    settings = Settings()  # pyright: ignore[reportCallIssue]
    assert "opensesame" not in f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()}"
    assert "opensesame" in settings.alerts.get_secret_value()

"""What the documents name exists: files, modules, settings, names of the code, decisions and pictures."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from customs_assets.settings import Settings

PROJECT = Path(__file__).parents[1]
FOLDERS = ("customs_assets", "customs_assets_tests", "benchmarks", "deploy", "docs", "sql")

DOCUMENTS = [PROJECT / "README.md", *sorted((PROJECT / "docs").glob("*.md")), PROJECT / "deploy/customs.env.example"]
FILES = [
    path for folder in FOLDERS for path in sorted((PROJECT / folder).rglob("*.*")) if "__pycache__" not in path.parts
]
FILES += [path for path in PROJECT.iterdir() if path.is_file()]
PATHS = {f"/{path.relative_to(PROJECT)}" for path in FILES}
CODE = [path for path in FILES if path.suffix in {".py", ".sql", ".yaml", ".toml", ".service", ".js"}]

# What the pipeline writes, and files of a server outside of the repository.
WRITTEN = {"evidence_report.html", "public_evidence.html", "evidence.html", "page.html", "mine.toml", "my.toml"}

# Read by Dagster (deploy/dagster.yaml), not by Settings.
NO_FIELDS = {"CUSTOMS_DAGSTER_DATABASE"}

# Names of other libraries.
FOREIGN = {"store_rejects", "invalid_row_handler", "open_csv", "month_partition_set"}


def _text(document: Path) -> str:
    return document.read_text(encoding="utf-8")


@pytest.fixture(params=DOCUMENTS, ids=lambda path: path.name)
def document(request: pytest.FixtureRequest) -> Path:
    return request.param


def _missing_files(text: str) -> set[str]:
    """The files that a text names and that no path of the repository ends with."""
    suffixes = "py|sql|md|yaml|toml|lock|html|css|js|png|service|target"
    named = set(re.findall(rf"(?<![\w./-])[\w][\w./-]*\.(?:{suffixes})\b(?![\w/])", text))
    found = {name for name in named if any(path.endswith(f"/{name}") for path in PATHS)}
    places = set(re.findall(rf"(?<![\w./-])(?:{'|'.join(FOLDERS)})/[\w./*-]*\w", text))
    return {name for name in named - found if Path(name).name not in WRITTEN} | {
        place for place in places if not list(PROJECT.glob(place))
    }


def _missing_modules(text: str) -> set[str]:
    """The dotted names of the package that are neither a module nor a name that one defines."""
    missing = set()
    for dotted in re.findall(r"\bcustoms_assets(?:_tests)?(?:\.\w+)+", text):
        path = PROJECT.joinpath(*dotted.split("."))
        if path.is_dir() or path.with_suffix(".py").is_file() or dotted.endswith(".py"):
            continue
        module = path.parent.with_suffix(".py")
        names = ast.walk(ast.parse(module.read_text())) if module.is_file() else ()
        if not any(getattr(node, "name", None) == path.name for node in names):
            missing.add(dotted)
    return missing


def test_files_that_a_document_names_are_in_the_repository(document: Path):
    assert sorted(_missing_files(_text(document)) | _missing_modules(_text(document))) == []


def test_pictures_and_links_of_a_document_lead_somewhere(document: Path):
    links = re.findall(r"\]\((?!https?:)([^)#]+)", _text(document))
    assert not [link for link in links if not (document.parent / link).exists()]


def test_settings_that_a_document_names_are_settings(document: Path):
    fields = {f"CUSTOMS_{name.upper()}" for name in Settings.model_fields}
    assert sorted(set(re.findall(r"\bCUSTOMS_[A-Z_]+[A-Z]\b", _text(document))) - fields - NO_FIELDS) == []


def test_every_setting_is_in_the_readme():
    named = _text(PROJECT / "README.md")
    assert not [name for name in Settings.model_fields if f"`CUSTOMS_{name.upper()}`" not in named]


@pytest.fixture(scope="module")
def words() -> set[str]:
    """Every word of the code, and every name of a file or folder."""
    written = {word for path in CODE if path != Path(__file__) for word in re.findall(r"\w+", path.read_text())}
    return written | {word for path in PATHS for word in re.findall(r"\w+", path)}


def test_names_that_a_document_quotes_occur_in_the_code(document: Path, words: set[str]):
    quoted = [
        name for code in re.findall(r"`([^`\n]+)`", _text(document)) for name in re.findall(r"\b[a-z0-9]+_\w+\b", code)
    ]
    assert sorted({name for name in quoted if name.islower()} - words - FOREIGN) == []


def test_decisions_that_are_referred_to_are_decided():
    decided = set(re.findall(r"^## (\d+)\.", _text(PROJECT / "docs/decisions.md"), re.MULTILINE))
    referred = {
        (str(path.relative_to(PROJECT)), number)
        for path in FILES
        if path.suffix in {".py", ".md", ".sql", ".yaml"}
        for number in re.findall(r"\b[Dd]ecision (\d+)\b", path.read_text(encoding="utf-8"))
    }
    assert referred
    assert sorted((path, number) for path, number in referred if number not in decided) == []


@pytest.mark.parametrize(
    "text",
    [
        "`customs_assets/catalogue.py`",
        "see `release/test_gate.py`",
        "in `sql/nothing.sql`",
        "`benchmarks/none`",
        "none.md",
    ],
)
def test_a_file_that_is_not_there_is_found(text: str):
    assert _missing_files(text)


def test_a_module_or_function_that_is_not_there_is_found():
    assert _missing_modules("customs_assets.pipeline") == {"customs_assets.pipeline"}
    assert _missing_modules("customs_assets.graph.none_such") == {"customs_assets.graph.none_such"}
    assert not _missing_modules("customs_assets.graph.made_with and customs_assets.automation.compute_logs")

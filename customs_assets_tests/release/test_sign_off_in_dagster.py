"""What officers do outside of any run shows in Dagster, at the asset that says how the release stands and at the release."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from customs_assets.automation.instance import prepare_home
from customs_assets.automation.signing_view import tell_of_signing
from customs_assets.settings import Settings
from customs_assets_tests.release.signing_office import ANNA, BORIS, Office

SIGN_OFF, RELEASE = dg.AssetKey("release_sign_off"), dg.AssetKey("synthetic_release")


@pytest.fixture
def dagster(office: Office, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    """A Dagster home beside the lake."""
    monkeypatch.setenv("DAGSTER_HOME", str(office.folder / "home"))
    prepare_home()
    with dg.DagsterInstance.get() as instance:
        yield instance


def _shown(instance: dg.DagsterInstance) -> tuple[str, dict[str, str]]:
    """The description and the metadata of what Dagster shows last at the asset."""
    event = instance.get_latest_materialization_event(SIGN_OFF)
    assert event is not None and event.asset_materialization is not None
    told = event.asset_materialization
    return told.description or "", {name: str(value.value) for name, value in told.metadata.items()}


def _told(instance: dg.DagsterInstance) -> int:
    return len(instance.fetch_materializations(SIGN_OFF, limit=100).records)


def _tell(instance: dg.DagsterInstance, office: Office) -> bool:
    return tell_of_signing(instance, office.lake, Settings())  # pyright: ignore[reportCallIssue]


def test_signed_refused_withdrawn_and_published_show_at_the_asset_and_at_the_release(
    office: Office, dagster: dg.DagsterInstance
):
    office.allow(office.line(ANNA), office.line(BORIS), needed=2)
    assert office.sign(ANNA)[0] == 0
    description, metadata = _shown(dagster)
    assert description.startswith(f"{ANNA} signed on 20")
    assert "The release is partly signed: by 1 of 2 signers" in description
    record = office.lake.record("synthetic_release")
    assert record is not None and metadata["checksum"] == record.sha256
    assert metadata["signed"].startswith(f"{ANNA}, 20") and "refused" not in metadata
    assert office.sign(BORIS, "--refuse", "the page names the wrong law")[0] == 0
    description, metadata = _shown(dagster)
    assert metadata["state"] == "refused" and metadata["refused"].endswith("Z: the page names the wrong law")
    assert office.withdraw(BORIS, "it is right")[0] == 0
    assert _shown(dagster)[1]["state"] == "partly signed"
    assert office.sign(BORIS)[0] == 0
    assert _shown(dagster)[1]["state"] == "signed" and BORIS in _shown(dagster)[1]["signed"]
    assert office.publish()[0] == 0
    assert _shown(dagster)[0].startswith(f"Published to {office.folder}/published. The release is signed: by 2 of 2")
    observed = [record.asset_observation for record in dagster.fetch_observations(RELEASE, limit=10).records]
    assert len(observed) == 5
    assert observed[0] is not None and "The release is signed" in (observed[0].description or "")
    made = dagster.get_latest_materialization_event(RELEASE)
    assert made is None, "being signed makes no release"


def test_a_change_that_voids_a_sign_off_is_told_once_by_the_next_look(office: Office, dagster: dg.DagsterInstance):
    assert office.sign(ANNA)[0] == 0
    assert _shown(dagster)[1]["state"] == "signed"
    assert not _tell(dagster, office), "it is no news"
    page = Path(office.lake.path("public_evidence", suffix="html"))
    before = page.read_bytes()
    for asset, content, state in (
        ("release_privacy", b"{}", "cannot be told"),
        ("synthetic_release", b"", "no release"),
    ):
        path = Path(office.lake.path(asset, suffix="json" if content else ""))
        path = path if content else path / "train.csv"
        original = path.read_bytes()
        path.write_bytes(content)
        assert _tell(dagster, office) and not _tell(dagster, office)
        assert _shown(dagster)[1]["state"] == state
        path.write_bytes(original)
        assert _tell(dagster, office) and _shown(dagster)[1]["state"] == "signed"
    assert page.read_bytes() == before and _told(dagster) == 5
    office.withdraw(ANNA, "read again")
    description, metadata = _shown(dagster)
    assert metadata["state"] == "void" and "was withdrawn on" in metadata["void"]
    assert f"{ANNA} withdrew on" in description


def test_the_command_line_tells_dagster_of_a_release_that_nobody_has_signed(
    office: Office, dagster: dg.DagsterInstance
):
    assert _tell(dagster, office)
    assert _shown(dagster) == (
        "The release is not signed: by 0 of 1 signers.",
        {"state": "not signed", "checksum": _shown(dagster)[1]["checksum"]},
    )


def test_what_was_signed_stays_signed_if_dagster_cannot_be_told(office: Office, dagster: dg.DagsterInstance):
    for path in (office.folder / "home").rglob("*.db"):
        path.unlink()
        path.mkdir()
    status, said = office.sign(ANNA)
    assert status == 0 and "signed: " in said
    assert "Dagster could not be told: " in said
    assert len(office.records) == 1


def test_the_asset_stands_behind_the_release_in_the_graph():
    from customs_assets.definitions import defs, graph

    node = defs.resolve_asset_graph().get(SIGN_OFF)
    assert node.parent_keys == {RELEASE} and not node.is_materializable
    assert "release_sign_off" not in graph, "nobody builds it"

"""The gate fails closed: a claim that was not measured, or that blocks the release, withholds it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customs_assets.claims import Claim, Subject, as_json, from_json
from customs_assets.definitions import graph
from customs_assets.fidelity.claims import Tables
from customs_assets.graph import RELEASE
from customs_assets.lake import Lake, Record
from customs_assets.privacy.claims import (
    amount_claims,
    attack_claims,
    disclosure_claims,
    redraw_claim,
    rule_claims,
)
from customs_assets.privacy.gate import (
    ALTERED,
    CANDIDATE,
    accepted_claims,
    is_released,
    reasons_of_claims,
    reasons_to_withhold,
)
from customs_assets.privacy.goals import ATTACKS, NO_ATTACK, READ_OFF, REQUIRED, RULES
from customs_assets_tests.disclosing import disclosure_of
from customs_assets_tests.lakes import forget

LIMIT = 0.15


def _claim(key: str, measured: float = 0.01, lower_bound: float = 0.0, upper_bound: float = 0.1) -> Claim:
    claim = Claim(key, Subject.PRIVACY, key, measured, at_most=0.05, limit=LIMIT)
    return replace(claim, lower_bound=lower_bound, upper_bound=upper_bound)


def _sound() -> list[Claim]:
    return [_claim(key) for key in REQUIRED]


MONTH = {"2020-01": [_claim("copies")]}

within = st.floats(max_value=LIMIT, min_value=-1, allow_nan=False)
no_number = st.sampled_from([math.nan, math.inf, -math.inf])


@given(st.lists(within, min_size=len(REQUIRED), max_size=len(REQUIRED)))
def test_what_was_measured_and_stays_within_its_limits_is_released(ends: Sequence[float]):
    claims = [_claim(key, 0.2, end, end) for key, end in zip(REQUIRED, ends, strict=True)]
    assert reasons_of_claims(claims, MONTH) == []


@given(st.sampled_from(REQUIRED), st.sampled_from(["measured", "lower_bound", "upper_bound"]), no_number)
def test_whatever_is_no_number_among_what_is_required_withholds_and_is_named(key: str, part: str, value: float):
    claims = [replace(claim, **{part: value}) if claim.key == key else claim for claim in _sound()]
    [reason] = reasons_of_claims(claims, MONTH)
    assert reason.startswith(f"{key} ")
    # The page and the lake keep claims as JSON: no verdict may be lost on the way.
    [again] = reasons_of_claims(from_json(as_json(claims)), MONTH)
    assert again.startswith(f"{key} ")


@given(st.sets(st.sampled_from(REQUIRED), min_size=1))
def test_a_claim_that_is_not_there_withholds(missing: set[str]):
    [reason] = reasons_of_claims([claim for claim in _sound() if claim.key not in missing], MONTH)
    assert reason.startswith("nothing is claimed of ")
    assert all(key in reason for key in missing)
    silent = [replace(c, at_most=None, limit=None) if c.key in missing else c for c in _sound()]
    assert reasons_of_claims(silent, MONTH) == [reason], "a claim without goal and limit promises nothing"


@given(st.sampled_from(REQUIRED), st.floats(min_value=LIMIT, exclude_min=True, max_value=1e9))
def test_more_than_chance_convicts_a_point_estimate_does_not(key: str, lower_bound: float):
    convicted = [replace(c, measured=lower_bound, lower_bound=lower_bound) if c.key == key else c for c in _sound()]
    [reason] = reasons_of_claims(convicted, MONTH)
    assert reason.startswith(f"{key} goes past its limit of 0.15 by more than chance")
    by_chance = [replace(c, measured=lower_bound, lower_bound=LIMIT) if c.key == key else c for c in _sound()]
    assert reasons_of_claims(by_chance, MONTH) == []


@given(st.sampled_from(REQUIRED), st.floats(min_value=LIMIT, exclude_min=True, max_value=1e9))
def test_an_interval_too_wide_to_exclude_the_limit_is_no_measure_and_says_what_would_help(key: str, upper_bound: float):
    wide = [replace(c, upper_bound=upper_bound) if c.key == key else c for c in _sound()]
    [reason] = reasons_of_claims(from_json(as_json(wide)), MONTH)
    said = f"unmeasured, because the interval is too wide to exclude the limit: {key} (may be {upper_bound:.4g}, limit 0.15)"
    assert reason.startswith(said)
    assert f'more importers or more months would narrow it, or CUSTOMS_RELEASE_DESPITE can name "{key}"' in reason
    assert reasons_of_claims(wide, MONTH, {key: "a pilot"}) == []
    [told] = accepted_claims(wide, {key: "a pilot"})
    assert told["objection"].startswith("is unmeasured: it may be as high as "), "the page says what was set aside"
    at_the_limit = [replace(c, upper_bound=LIMIT) if c.key == key else c for c in _sound()]
    assert reasons_of_claims(at_the_limit, MONTH) == []


def test_an_interval_about_the_limit_excludes_nothing_however_narrow():
    narrow = Claim("membership", Subject.PRIVACY, "m", 0.595, ceiling=0.5, at_most=0.53, limit=0.6)
    narrow = replace(narrow, lower_bound=0.59, upper_bound=0.601)
    assert narrow.is_too_wide and not narrow.blocks_release and narrow.holds is False
    assert not replace(narrow, lower_bound=0.3, upper_bound=0.6).is_too_wide, "the limit is excluded"
    assert replace(narrow, upper_bound=math.nan).is_too_wide


def test_all_that_is_unmeasured_is_one_reason_beside_what_convicts():
    bounds = [{"upper_bound": 0.4}, {"upper_bound": 0.5}, {"lower_bound": 0.3, "upper_bound": 0.6}]
    claims = [replace(claim, **bound) for claim, bound in zip(_sound(), bounds, strict=False)] + _sound()[3:]
    convicting, unmeasured = reasons_of_claims(claims, MONTH)
    assert convicting.startswith(f"{REQUIRED[2]} goes past its limit")
    assert f"{REQUIRED[0]} (may be 0.4, limit 0.15); {REQUIRED[1]} (may be 0.5, limit 0.15); more" in unmeasured
    assert f'can name "{REQUIRED[0]}", "{REQUIRED[1]}" with a reason' in unmeasured


def test_what_has_no_measure_says_why_and_can_be_named_with_what_is_too_wide():
    one_alone = {
        "lower_bound": math.nan,
        "upper_bound": math.nan,
        "note": "no interval: control has one importer alone; of 2 and 1",
    }
    nobody = {"measured": math.nan, "note": "not measured: nobody to compare them with"}
    changes = [{"upper_bound": 0.4}, one_alone, nobody]
    claims = [replace(claim, **change) for claim, change in zip(_sound(), changes, strict=False)] + _sound()[3:]
    interval, measure, unmeasured = reasons_of_claims(claims, MONTH)
    assert interval == f"{REQUIRED[1]} was not measured: there is no interval: control has one importer alone"
    assert measure == f"{REQUIRED[2]} was not measured: nobody to compare them with"
    assert f'can name "{REQUIRED[0]}", "{REQUIRED[1]}", "{REQUIRED[2]}" with a reason' in unmeasured


def test_nothing_claimed_at_all_withholds():
    assert reasons_of_claims([]) == [f"nothing is claimed of {', '.join(REQUIRED)}"]


def test_no_rehearsal_is_one_reason_in_its_own_words():
    claims = [_claim(key) for key in (*RULES, *READ_OFF)]
    claims.append(
        Claim(NO_ATTACK, Subject.PRIVACY, "Attacks", math.nan, note="not measured: too few importers", limit=0.0)
    )
    assert reasons_of_claims(claims, MONTH) == ["Attacks was not measured: too few importers"]
    # A measured claim of that name must not stand for attacks that nobody made.
    measured = [*claims[:-1], replace(claims[-1], measured=0.0, lower_bound=0.0, upper_bound=0.0)]
    assert reasons_of_claims(measured, MONTH) == [f"nothing is claimed of {', '.join(ATTACKS)}"]


def test_a_bound_that_is_no_number_bounds_nothing():
    claims = [replace(c, limit=math.nan) if c.key == "linkage" else c for c in _sound()]
    assert reasons_of_claims(claims, MONTH) == ["linkage was not measured: its limit is no number"]


def test_a_privacy_claim_with_a_lower_goal_withholds_below_it_and_unmeasured():
    def reasons(measured: float) -> list[str]:
        distance = Claim("distance", Subject.PRIVACY, "Distance", measured, at_least=0.2)
        return reasons_of_claims([*_sound(), distance], MONTH)

    assert reasons(0.2) == []
    assert reasons(0.1) == ["Distance lies below its goal of 0.2: 0.1 ()"]
    assert reasons(math.nan) == ["Distance was not measured: its measure is no number"]


def test_what_informs_and_what_is_no_matter_of_privacy_withholds_nothing():
    informs = Claim("amounts_under_k", Subject.PRIVACY, "Amounts", math.nan)
    misses = Claim("detection", Subject.FIDELITY, "AUC", math.nan, at_most=0.6)
    assert reasons_of_claims([*_sound(), informs, misses], MONTH) == []


@given(st.sampled_from(REQUIRED), st.sampled_from([math.nan, 0.5]))
def test_a_claim_is_set_aside_by_its_name_and_no_other_with_it(key: str, lower_bound: float):
    convicted = [replace(claim, measured=0.5, lower_bound=lower_bound) for claim in _sound()]
    others = reasons_of_claims(convicted, MONTH, {key: "a pilot"})
    assert len(others) == len(REQUIRED) - 1
    one = [claim if claim.key == key else good for claim, good in zip(convicted, _sound(), strict=True)]
    assert reasons_of_claims(one, MONTH, {key: "a pilot"}) == []
    [told] = accepted_claims(one, {key: "a pilot"})
    assert (told["claim"], told["reason"]) == (key, "a pilot")
    assert told["objection"], "the page says what was measured"
    assert accepted_claims(_sound(), {key: "a pilot"})[0]["objection"] == ""


def test_what_was_never_claimed_cannot_be_set_aside_and_a_name_that_is_no_claim_withholds():
    [reason] = reasons_of_claims(_sound()[1:], MONTH, {REQUIRED[0]: "a pilot"})
    assert reason == f"nothing is claimed of {REQUIRED[0]}"
    [reason] = reasons_of_claims(_sound(), MONTH, {"memberships": "a pilot"})
    assert reason.startswith("CUSTOMS_RELEASE_DESPITE names memberships, which is no privacy claim; they are copies, ")
    assert reasons_of_claims(_sound(), {"2020-01": [_claim("copies", 2.0, 2.0)]}, {"copies": "a pilot"}) == []


@pytest.mark.parametrize(
    ("claims", "said"),
    [
        ([_claim("copies", 2.0, 2.0)], "2020-01: copies goes past its limit"),
        ([_claim("copies", math.nan)], "2020-01: copies was not measured"),
        ([], "2020-01: nothing is claimed of copies"),
    ],
)
def test_a_month_that_convicts_or_says_nothing_withholds(claims: list[Claim], said: str):
    [reason] = reasons_of_claims(_sound(), {"2020-01": claims, "2020-02": [_claim("copies")]})
    assert reason.startswith(said)


def test_the_claims_that_are_made_are_those_that_are_required(world):
    made = attack_claims(world.fresh, world.training, world.control, attacks=50)
    tables = Tables(world.fresh, world.training)
    made += [*rule_claims(tables, min_group=5), redraw_claim([]), *amount_claims(tables, min_group=5)]
    made += disclosure_claims(tables, 5, disclosure_of(world.training, min_group=5))
    assert {claim.key for claim in made if claim.blocks_above is not None} >= set(REQUIRED)


# The state of a lake: files, records, verdicts.

MONTHS = ("2020-01", "2020-02")


def _record(lake: Lake, asset: str, partition: str, path: str, sha256: str, inputs: Mapping[str, str]) -> None:
    place, checks = path[len(lake.root) :].lstrip("/"), graph[asset].checks
    record = Record(asset, partition, place, graph[asset].version, sha256, inputs=dict(inputs), checks=list(checks))
    lake.save_record(record)
    for name in checks:
        lake.save_verdict(record, name, passed=True)


def _write_json(
    lake: Lake, asset: str, claims: Sequence[Claim], inputs: Mapping[str, str], partition: str = ""
) -> None:
    checksum = lake.write_json(asset, {"claims": as_json(claims)}, partition)
    _record(lake, asset, partition, lake.path(asset, partition, "json"), checksum, inputs)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """A lake whose candidate may be released: two months, a rehearsal, claims that hold."""
    stored = Lake(str(tmp_path / "lake"))
    rows = {f"synthetic_declarations|{month}": f"sum of {month}" for month in MONTHS}
    rehearsal = stored.write_bytes(stored.path("rehearsed_declarations"), b"rehearsed")
    _record(stored, "rehearsed_declarations", "", stored.path("rehearsed_declarations"), rehearsal, {})
    checksum = stored.write_folder(CANDIDATE, {"train.csv": b"a,b\n", "SHA256SUMS": b"sums"})
    _record(stored, CANDIDATE, "", stored.path(CANDIDATE, suffix=""), checksum, rows)
    _write_json(stored, "release_privacy", _sound(), {**rows, "rehearsed_declarations|": rehearsal})
    for month in MONTHS:
        own = {f"synthetic_declarations|{month}": f"sum of {month}"}
        _write_json(stored, "privacy_report", [_claim("copies")], own, month)
    return stored


def test_a_lake_in_which_all_was_made_judged_and_measured_of_the_same_rows_lets_through(lake: Lake):
    assert reasons_to_withhold(lake) == []


@pytest.mark.parametrize(
    ("asset", "partition", "suffix"),
    [
        ("release_privacy", "", "json"),
        ("privacy_report", "2020-02", "json"),
        ("rehearsed_declarations", "", "parquet"),
        ("release_candidate", "", ""),
    ],
)
def test_a_file_that_is_no_longer_what_was_judged_withholds(lake: Lake, asset: str, partition: str, suffix: str):
    path = lake.path(asset, partition, suffix) if suffix else f"{lake.path(asset, suffix='')}/train.csv"
    changed = lake.read_bytes(path) + b" "
    Path(path).write_bytes(changed)
    assert reasons_to_withhold(lake) == [f"{f'{asset} {partition}'.strip()} {ALTERED}"]


def test_the_bytes_that_are_judged_are_those_that_would_be_released(lake: Lake):
    files = lake.read_folder(CANDIDATE)
    assert reasons_to_withhold(lake, files) == []
    assert reasons_to_withhold(lake, {**files, "train.csv": b"a,b\n1,2\n"}) == [f"{CANDIDATE} {ALTERED}"]


@pytest.mark.parametrize(
    "changed",
    [
        {"settings": {"min_group": "2"}},
        {"inputs": {"anonymized_declarations|2020-01": "another source"}},
    ],
)
def test_privacy_that_was_measured_with_another_k_or_against_another_source_withholds(lake: Lake, changed):
    made = {"anonymized_declarations|2020-01": "the source"}
    lake.write_bytes(lake.path("synthetic_declarations", "2020-01"), b"rows")
    _record(
        lake,
        "synthetic_declarations",
        "2020-01",
        lake.path("synthetic_declarations", "2020-01"),
        "sum of 2020-01",
        made,
    )
    privacy = lake.record("release_privacy")
    assert privacy is not None
    lake.save_record(replace(privacy, inputs={**privacy.inputs, **made}))
    assert reasons_to_withhold(lake) == []
    inputs = {**privacy.inputs, **made, **changed.get("inputs", {})}
    lake.save_record(replace(privacy, inputs=inputs, settings=changed.get("settings", {})))
    assert reasons_to_withhold(lake) == [
        "2020-01: release_privacy was measured against another source, or with another k, than it was made of"
    ]


def test_privacy_that_another_version_measured_withholds(lake: Lake):
    privacy = lake.record("release_privacy")
    assert privacy is not None
    lake.save_record(replace(privacy, code_version="0"))
    assert reasons_to_withhold(lake) == ["release_privacy was measured by another version"]


def test_a_release_whose_files_were_touched_stands_no_longer_as_released(lake: Lake):
    checksum = lake.write_folder(RELEASE, lake.read_folder(CANDIDATE))
    _record(lake, RELEASE, "", lake.path(RELEASE, suffix=""), checksum, {})
    assert is_released(lake)
    (Path(lake.path(RELEASE, suffix="")) / "more.csv").write_text("a,b\n")
    assert not is_released(lake)


@pytest.mark.parametrize("asset", ["release_candidate", "release_privacy", "privacy_report"])
def test_what_is_missing_broken_or_was_never_judged_withholds(lake: Lake, asset: str):
    partition = "2020-02" if asset == "privacy_report" else ""
    record = lake.record(asset, partition)
    assert record is not None
    name = f"{asset} {partition}".strip()
    check = record.checks[0]
    lake.save_verdict(record, check, passed=False)
    assert reasons_to_withhold(lake) == [f"{name} did not hold its expectations ({check})"]
    forget(lake, record)
    assert reasons_to_withhold(lake) == [f"{name} is not made"]
    lake.save_record(record)
    assert reasons_to_withhold(lake) == [f"{name} was not judged by its expectations ({', '.join(record.checks)})"]
    lake.save_record(replace(record, checks=[]))
    assert reasons_to_withhold(lake) == [f"{name} was not judged by its expectations ()"], (
        "a record that asks for no check clears nothing"
    )


@pytest.mark.parametrize(
    ("asset", "partition", "inputs", "said"),
    [
        ("release_privacy", "", {"synthetic_declarations|2020-01": "another"}, "on other synthetic rows"),
        ("release_privacy", "", {"rehearsed_declarations|": "another"}, "on another rehearsal"),
        ("release_privacy", "", {"synthetic_declarations|2020-03": "one more"}, "on other synthetic rows"),
        (
            "privacy_report",
            "2020-02",
            {"synthetic_declarations|2020-02": "another"},
            "2020-02: privacy_report was measured",
        ),
    ],
)
def test_measures_of_other_rows_than_the_candidates_withhold(lake: Lake, asset: str, partition: str, inputs, said: str):
    record = lake.record(asset, partition)
    assert record is not None
    lake.save_record(replace(record, inputs={**record.inputs, **inputs}))
    [reason] = reasons_to_withhold(lake)
    assert said in reason


def test_a_candidate_that_somebody_changed_after_it_was_judged_withholds(lake: Lake):
    (Path(lake.root) / CANDIDATE / "train.csv").write_bytes(b"a,c\n")
    [reason] = reasons_to_withhold(lake)
    assert reason.startswith("release_candidate is not what was made and judged")


def test_a_folder_without_a_record_or_with_a_failed_verdict_is_no_release(lake: Lake):
    assert not is_released(lake)
    checksum = lake.write_folder(RELEASE, lake.read_folder(CANDIDATE))
    assert not is_released(lake)
    _record(lake, RELEASE, "", lake.path(RELEASE, suffix=""), checksum, {})
    assert is_released(lake)
    released = lake.record(RELEASE)
    assert released is not None
    lake.save_verdict(released, "as_judged", passed=False)
    assert not is_released(lake)


def test_a_release_is_withdrawn_whole_record_first(lake: Lake, monkeypatch: pytest.MonkeyPatch):
    checksum = lake.write_folder(RELEASE, lake.read_folder(CANDIDATE))
    _record(lake, RELEASE, "", lake.path(RELEASE, suffix=""), checksum, {})
    remove = lake.fs.rm

    def crash(path: str, recursive: bool = False) -> None:
        if recursive:
            raise KeyboardInterrupt
        remove(path)

    monkeypatch.setattr(lake.fs, "rm", crash)
    with pytest.raises(KeyboardInterrupt):
        lake.withdraw(RELEASE)
    assert not lake.exists(RELEASE, suffix="") and not is_released(lake), "what is left has no name"
    monkeypatch.setattr(lake.fs, "rm", remove)
    lake.withdraw(RELEASE)
    # The temporary folder is this process's, which lives: an ended one's is swept.
    assert [path.name for path in Path(lake.root).iterdir() if "synthetic_release" in path.name] != [RELEASE]
    assert lake.exists(CANDIDATE, suffix="")


def test_what_the_gate_goes_by_withdraws_the_release_when_it_is_made_again():
    withdrawing = {asset.key for asset in graph.assets.values() if asset.withdraws_release}
    assert withdrawing == {"rehearsed_declarations", CANDIDATE, "release_privacy", RELEASE}
    assert [asset.key for asset in graph.assets.values() if asset.judges_its_inputs] == [RELEASE]

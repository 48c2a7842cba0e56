"""The page in four languages: the same words in each, and no English left where there is a translation."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from customs_assets import cli
from customs_assets.claims import Claim, Subject
from customs_assets.disclosure.confidential import no_pairs
from customs_assets.lake import Lake
from customs_assets.privacy.goals import ATTACK_CLAIMS, REQUIRED
from customs_assets.privacy.membership.attacks import ATTACKS
from customs_assets.release.card import law_in_words, tuples_in_words
from customs_assets.report.page import page
from customs_assets.report.summary import QUESTIONS
from customs_assets.report.wording import LANGUAGES, Words
from customs_assets.settings import Language, Settings
from customs_assets_tests.report.conftest import MIN_GROUP, evidence_in
from customs_assets_tests.report.reading import figures_of, own_signs, pattern, placeholders, texts_of, words_of

OTHERS = [language for language in LANGUAGES if language != "en"]


@pytest.mark.parametrize("language", OTHERS)
def test_every_language_has_the_same_keys_and_placeholders(language: str):
    english, other = words_of("en"), words_of(language)
    assert list(other) == list(english)
    assert {key: placeholders(words) for key, words in other.items()} == {
        key: placeholders(words) for key, words in english.items()
    }
    assert all(other.values())
    assert len(other["form.months"]) == 12


@pytest.mark.parametrize("language", OTHERS)
@pytest.mark.parametrize("outside", [False, True], ids=["inside", "outside"])
def test_no_english_is_left_on_a_page_where_there_is_a_translation(
    written: tuple[Path, Lake], language: Language, outside: bool
):
    content = page(evidence_in(written[1]), language, outside)
    assert f'<html lang="{language}">'.encode() in content
    texts, in_english = texts_of(content)
    assert bool(in_english) != outside, "only notes are in English, and are marked so"
    english, other = words_of("en"), words_of(language)
    translated = {words for words in other.values() if isinstance(words, str)}
    # Left aside: names that are English wherever they stand, and what is nearly all placeholder.
    lost = [
        (key, text)
        for key, words in english.items()
        if isinstance(words, str) and words not in translated and (words in texts or own_signs(words) > 8)
        for text in [*texts, *_figure_texts(content)]
        if pattern(words).fullmatch(text)
    ]
    assert lost == []
    assert len(texts) > 400


def _figure_texts(content: bytes) -> list[str]:
    found: list[str] = []
    for figure in figures_of(content).values():
        found += [trace["name"] for trace in figure["data"] if "name" in trace]
        axes = (figure["layout"].get(axis, {}).get("title", {}).get("text", "") for axis in ("xaxis", "yaxis"))
        found += [text for text in axes if text]
    return found


def test_every_claim_attack_and_question_has_words_and_they_are_the_code_s_own(written: tuple[Path, Lake]):
    words = words_of("en")
    assert {f"claims.{key}" for key in REQUIRED} <= set(words)
    assert {f"attacks.{attack.name}": attack.title for attack in ATTACKS}.items() <= words.items()
    assert {f"asks.{question.key}" for question in QUESTIONS} == {key for key in words if key.startswith("asks.")}
    claims = [*evidence_in(written[1]).claims, *ATTACK_CLAIMS.values()]
    english = Words("en")
    assert {claim.title for claim in claims} == {english.title(claim, MIN_GROUP) for claim in claims}
    assert all(f"claims.{claim.key}" in words for claim in claims)
    strange = Claim("a new claim", Subject.PRIVACY, "A new claim", 0.0)
    assert Words("fr").title(strange, 5) == "A new claim", (
        "what has no words yet keeps the title that the code gives it"
    )


def test_the_page_says_of_law_and_settings_what_the_card_and_the_settings_say():
    words, settings = Words("en"), Settings(min_group=7, dominance_one=0.6)  # pyright: ignore[reportCallIssue]
    for law in ("given", "simulated", "nomenclature"):
        assert words(f"law.{law}", k=7) == law_in_words(law, settings)
    from customs_assets.report.page import _tuples

    assert _tuples(settings, words) == tuples_in_words(settings)
    of_settings = {key.partition(".")[2]: text for key, text in words_of("en").items() if key.startswith("settings.")}
    assert of_settings == {name: Settings.model_fields[name].description for name in of_settings}


def test_numbers_and_dates_have_the_form_of_their_language(written: tuple[Path, Lake]):
    assert [Words(language).count(54096) for language in LANGUAGES] == [
        "54,096",
        "54\u202f096",
        "54\u202f096",
        "54,096",
    ]
    assert [Words(language).digits("0.1234 ± 0.0100") for language in ("en", "fr")] == [
        "0.1234 ± 0.0100",
        "0,1234 ± 0,0100",
    ]
    dates = [Words(language).day("2021-03-07T10:11:12Z") for language in LANGUAGES]
    assert dates == ["7 March 2021", "7 mars 2021", "7 de marzo de 2021", "2021년 3월 7일"]
    french = page(evidence_in(written[1]), "fr")
    score = next(e for e in written[1].read_json("release_quality") if e["metric"] == "TVComplement")["score"]
    assert f"{score:.4f}".replace(".", ",") in french.decode() and f"{score:.4f}<" not in french.decode()
    assert all(figure["layout"]["separators"] == ",\u202f" for figure in figures_of(french).values())
    titles = json.dumps(figures_of(french)["figure-4-net_mass"]["layout"], ensure_ascii=False)
    assert " % dans la source" in titles.replace("%", " %").replace("  ", " ")


def test_a_setting_names_the_language(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CUSTOMS_LANGUAGE", "ko")
    assert Settings().language == "ko"  # pyright: ignore[reportCallIssue]
    monkeypatch.setenv("CUSTOMS_LANGUAGE", "tlh")
    with pytest.raises(ValueError, match="language"):
        Settings()  # pyright: ignore[reportCallIssue]


def test_the_command_writes_the_page_in_another_language_and_keeps_the_public_form_out_of_the_lake(
    written: tuple[Path, Lake], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    lake = written[1]
    lake.write_table("confidential_trade", no_pairs())
    monkeypatch.setenv("CUSTOMS_LAKE", lake.root)
    monkeypatch.setenv("CUSTOMS_LANGUAGE", "en")
    runner, spanish = CliRunner(), tmp_path / "es.html"
    done = runner.invoke(cli.app, ["report", str(spanish), "--language", "es"])
    assert done.exit_code == 0, done.output
    texts, _ = texts_of(spanish.read_bytes())
    assert "Qué gana un atacante frente al azar" in texts and "Nadie ha firmado todavía esta publicación." in texts
    monkeypatch.setenv("CUSTOMS_LANGUAGE", "en")
    done = runner.invoke(cli.app, ["report", f"{lake.root}/public.html", "--public"])
    assert done.exit_code == 1 and "lies in the lake, which is confidential" in done.output
    made_from = replace(evidence_in(lake), requests=0, law="given")
    done = runner.invoke(cli.app, ["report", str(tmp_path / "public.html"), "--public"])
    assert done.exit_code == 0 and (tmp_path / "public.html").read_bytes() == page(made_from, "en", outside=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["es.html", "public.html"]


def test_the_inside_form_says_who_signed_and_who_refused(written: tuple[Path, Lake]):
    anna = {"name": "anna@customs.example", "date": "2021-07-01T08:00:00Z", "reason": ""}
    boris = {"name": "boris@customs.example", "date": "2021-07-02T08:00:00Z", "reason": "<b>wrong law</b>"}
    made_from = replace(evidence_in(written[1]), signed=[("signed_by", anna), ("refused_by", boris)])
    french, _ = texts_of(page(made_from, "fr"))
    assert "anna@customs.example, le 1 juillet 2021" in french
    assert "boris@customs.example a refusé le 2 juillet 2021\N{NO-BREAK SPACE}: <b>wrong law</b>" in french
    assert not any("customs.example" in text for text in texts_of(page(made_from, outside=True))[0])
    unclear, _ = texts_of(page(replace(made_from, signed=[], is_unclear=True)))
    assert "Nobody has signed this release yet." not in unclear and any("cannot be told" in text for text in unclear)

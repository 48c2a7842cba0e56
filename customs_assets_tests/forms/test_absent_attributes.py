"""What a form has not is in nothing that is made, learned, measured or released; in a process of that form."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

ABSENT = {
    *("process_type", "import_type", "import_use", "payment_type", "mode_of_transport", "seller_id", "courier_id"),
    *("country_of_departure", "tax_rate", "tax_type", "country_of_origin_indicator", "critical_fraud"),
}

_SCRIPT = """
import json, sys
import numpy as np
import pandas as pd
from customs_assets import declaration
from customs_assets.anonymization.identities import anonymize
from customs_assets.anonymization.unit_prices import month_unit_prices
from customs_assets.benchmark.detectors.risk_profiles import PROFILES
from customs_assets.benchmark.features import FEATURES, FeatureEncoder
from customs_assets.disclosure.population import count_population, month_population
from customs_assets.disclosure.safe_groups import count_safe_groups
from customs_assets.expectations.suites import declaration_expectations
from customs_assets.fidelity.comparison import COMPARED_NAMES
from customs_assets.fidelity.library_reports import library_reports
from customs_assets.fidelity.relations import RELATIONS
from customs_assets.fidelity.table_two import fidelity
from customs_assets.lake import Lake, to_frame
from customs_assets.privacy.goals import REQUIRED
from customs_assets.release.card import _form_in_words, law_in_words, tuples_in_words
from customs_assets.release.datapackage import data_dictionary
from customs_assets.release.files import to_csv, to_parquet
from customs_assets.report.page import _kinds, _parties, _tuples
from customs_assets.report.wording import Words
from customs_assets.settings import Settings
from customs_assets.source.files import FileSource
from customs_assets.source.labelled import extract_labelled
from customs_assets.synthesis.codec import Codec
from customs_assets.synthesis.polish import UNITS

lake = Lake(sys.argv[2])
raw = FileSource(sys.argv[1]).read_month("2013-05").declarations
lake.write_table("raw_declarations", raw, "2013-05")
labelled = to_frame(extract_labelled(lake, "2013-05"))
key = bytes(32)
anonymized = anonymize(labelled, key)
lake.write_table("anonymized_declarations", anonymized, "2013-05")
population = month_population(lake, "2013-05", key).to_pandas()
groups = count_safe_groups(lake, ["2013-05"], 2)
prices = month_unit_prices(lake, "2013-05", 2, 0)
codec = Codec.fit(anonymized, prices, min_group=2)
table = codec.encode(anonymized)
decoded = codec.decode(table, np.random.default_rng(0))
released = anonymized.assign(hs6_code=anonymized["hs10_code"].str[:6])
scores = {score.metric: score.score for score in fidelity(released, released)}
print(json.dumps({
    "raw": raw.column_names,
    "labelled": len(labelled),
    "constant": [name for name in labelled if labelled[name].nunique() == 1],
    "labels": sorted(set(zip(labelled["fraud"].tolist(), labelled["critical_fraud"].tolist()))),
    "population": int(population["declarations"].sum()),
    "kinds": sorted(groups["kind"].unique()),
    "model": list(table),
    "decoded_as_declared": bool(
        (decoded[["hs10_code", "country_of_origin"]].drop_duplicates().merge(labelled[["hs10_code", "country_of_origin"]]).size)
    ),
    "units": [name for unit in UNITS for name in unit],
    "features": list(FEATURES),
    "matrix": FeatureEncoder.fit(released).transform(released).shape[1],
    "compared": list(COMPARED_NAMES),
    "relations": [list(pair) for pair in RELATIONS],
    "scores": scores,
    "sdmetrics": library_reports(released, released)["diagnostic"]["score"],
    "profiles": sorted({name for profile in PROFILES for name in profile}),
    "dictionary": data_dictionary()["name"].tolist(),
    "csv": to_csv(released).decode().splitlines()[0].split(","),
    "parquet": len(to_parquet(released)) > 0,
    "expected": sorted({str(e.configuration.kwargs) for e in declaration_expectations(
        declaration.RELEASED, "", identities="published", labelled=True)}),
    "card": _form_in_words(),
    "tuples": [tuples_in_words(Settings()), *(_tuples(Settings(), Words(language)) for language in ("en", "fr", "es", "ko"))],
    "law": law_in_words("nomenclature", Settings()),
    "parties": [_parties(Words(language)) for language in ("en", "fr", "es", "ko")],
    "required": list(REQUIRED),
    "kinds_told": _kinds(),
}, default=str))
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a process of the form ``bacuda`` makes of 200 declarations of May 2013, 120 of them inspected."""
    folder = tmp_path_factory.mktemp("bacuda")
    rng = np.random.default_rng(8)
    good = rng.integers(4, size=200)
    mass = np.exp(rng.normal(4, 1, 200)).round(1)
    frame = pd.DataFrame(
        {
            "SGD.ID": [f"S{n:05d}" for n in range(200)],
            "SGD.DATE": [f"{n % 28 + 1:02d}-May-13" for n in range(200)],
            "IMPORTER.TIN": [f"T{g * 8 + n % 8}" for n, g in enumerate(good)],
            "DECLARANT.CODE": [f"D{n % 3}" for n in range(200)],
            "ORIGIN.CODE": np.array(["BR", "CN", "DE", "VN"])[good],
            "OFFICE": rng.choice(["N", "S"], 200),
            "TARIFF.CODE": np.array(["0901210000", "6109100000", "8471300000", "9503003900"])[good],
            "GROSS.WEIGHT": mass,
            "CIF.VALUE": (mass * 3).round(2),
            "RAISED_TAX_AMOUNT": ["" if n >= 120 else "0" if n % 4 else "99.5" for n in range(200)],
        }
    )
    frame.to_csv(folder / "extract.csv", index=False)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _SCRIPT, str(folder / "extract.csv"), str(folder / "lake")],
        capture_output=True,
        text=True,
        env={**os.environ, "CUSTOMS_FORM": "bacuda", "PYTHONPATH": os.pathsep.join(sys.path)},
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert Path(folder / "lake").is_dir()
    return json.loads(done.stdout.splitlines()[-1])


def test_raw_declarations_have_the_columns_of_the_form(made):
    assert not ABSENT & set(made["raw"])
    assert made["raw"][-1] == "amount_recovered"


def test_the_inspected_rows_are_those_with_an_amount_and_one_label_is_one_label(made):
    assert made["labelled"] == 120
    assert made["labels"] == [[0, 0], [1, 1]]
    assert made["population"] == 200


def test_stand_ins_are_the_same_in_every_row(made):
    assert ABSENT - {"critical_fraud"} <= set(made["constant"])


def test_nothing_is_encoded_or_redrawn_of_what_is_absent(made):
    assert not ABSENT & set(made["model"])
    assert not {"direct", "rate_band", "seller_id_named", "courier_id_named"} & set(made["model"])
    assert made["decoded_as_declared"]
    codes = {"mode_of_transport", "courier_id_named", "seller_id_named", "import_type", "process_type"}
    assert not codes & set(made["units"])


def test_safe_groups_metrics_relations_and_features_have_the_attributes_of_the_form(made):
    assert set(made["kinds"]) <= {"goods", "mass", "unit price", "office_id"}
    assert "office_id" in made["kinds"]
    assert not ABSENT & set(made["compared"])
    assert made["relations"] == [["importer_id", "hs6_code"], ["declarant_id", "office_id"]]
    assert made["features"] == [
        *("office_id", "declarant_id", "importer_id", "hs6_code", "country_of_origin", "net_mass", "item_price")
    ]
    assert made["matrix"] == 7
    assert made["scores"]["TVComplement"] == 1.0
    assert made["sdmetrics"] == 1.0
    assert not ABSENT & set(made["profiles"])


def test_what_leaves_the_house_has_the_headers_of_the_form(made):
    assert not ABSENT & set(made["dictionary"])
    assert made["csv"] == [
        *("SGD ID", "SGD Date", "Office", "Declarant Code", "Importer TIN", "HS6 Code", "Origin Code", "Gross Weight"),
        *("CIF Value", "Illicit"),
    ]
    assert not [name for name in ABSENT for expected in made["expected"] if f"'{name}'" in expected]
    assert "no tax rate" in made["card"]


def test_what_the_form_has_not_is_not_spoken_of(made):
    card, english, *others = made["tuples"]
    assert card == english
    assert "(HS code, origin) is shown by parts: the product code; the origin, given the goods. A part" in card
    assert "A product with its origin that fewer than 5 importers" in card
    for text, words in zip(
        [english, *others],
        ("departure|tax|claim", "départ|taux|régime", "salida|régimen", "적출국|세율 구분"),
        strict=True,
    ):
        assert not re.search(words, text), text
        assert "{" not in text
    assert "no tax types" in made["law"] and "A tax type may have" not in made["law"]
    assert made["parties"] == [
        "importers and declarants",
        "importateurs et déclarants",
        "importadores y declarantes",
        "수입자, 신고인",
    ]
    assert "DiSCO, seller_id" not in made["required"]
    assert made["kinds_told"] == "goods"
    assert "DiSCO, item_price" in made["required"]

"""A model's file: the same bytes for the same model, and a clear refusal of every other file."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load, save

from customs_assets.generator.checkpoint import FORMAT, VERSION, CheckpointError, from_bytes, to_bytes
from customs_assets.generator.paired_ctgan import PairedCTGAN


@pytest.fixture(scope="module")
def model() -> PairedCTGAN:
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"code": rng.choice(["01", "1", "*"], 60), "mass": rng.normal(size=60)})
    trained = PairedCTGAN(epochs=1, seed=3)
    trained.fit(table, ["code"])
    return trained


def _described(stored: bytes) -> dict:
    length = int.from_bytes(stored[:8], "little")
    return json.loads(json.loads(stored[8 : 8 + length])["__metadata__"][FORMAT])


def _with(stored: bytes, description: object) -> bytes:
    return save(load(stored), metadata={FORMAT: json.dumps(description)})


def test_a_stored_model_samples_what_the_model_samples(model: PairedCTGAN):
    stored = to_bytes(model)
    again = from_bytes(stored)
    pd.testing.assert_frame_equal(again.sample(30, 1), model.sample(30, 1), check_exact=True)
    pd.testing.assert_frame_equal(again.loss_values, model.loss_values)
    assert set(again.sample(200, 2)["code"]) <= {"01", "1", "*"}
    assert to_bytes(again) == to_bytes(model) == stored


def test_the_file_is_safetensors_with_a_version(model: PairedCTGAN):
    assert _described(to_bytes(model))["version"] == VERSION
    arrays = load(to_bytes(model))
    assert {name: array.dtype for name, array in arrays.items() if array.dtype != np.float32} == {
        "number.mass": np.dtype("float64")
    }


def test_an_unfitted_model_has_no_file():
    with pytest.raises(RuntimeError):
        to_bytes(PairedCTGAN(epochs=1, seed=0))


def test_a_file_cut_short_anywhere_is_refused(model: PairedCTGAN):
    stored = to_bytes(model)
    for length in (0, 7, 8, 100, len(stored) // 2, len(stored) - 1):
        with pytest.raises(CheckpointError, match="make the model again"):
            from_bytes(stored[:length])


def test_the_file_does_not_say_what_training_was_drawn_from(model: PairedCTGAN):
    assert "seed" not in _described(to_bytes(model))
    again = from_bytes(to_bytes(model))
    assert isinstance(again, PairedCTGAN) and again.seed is None
    with pytest.raises(ValueError, match="the model has no seed; give one to train it"):
        again.fit(pd.DataFrame({"code": ["a", "b"]}), ["code"])


def test_another_version_is_refused_by_name(model: PairedCTGAN):
    stored = to_bytes(model)
    with pytest.raises(CheckpointError, match=f"version {VERSION + 1}, this program reads {VERSION}: train it again"):
        from_bytes(_with(stored, {**_described(stored), "version": VERSION + 1}))


def test_a_safetensors_file_of_something_else_is_refused():
    with pytest.raises(CheckpointError, match="no model of ours"):
        from_bytes(save({"x": np.zeros(3, dtype=np.float32)}))


@pytest.mark.parametrize("missing", ["table", "hyperparameters", "losses", "version"])
def test_a_description_without_one_of_its_parts_is_refused(model: PairedCTGAN, missing: str):
    stored = to_bytes(model)
    description = {name: part for name, part in _described(stored).items() if name != missing}
    with pytest.raises(CheckpointError, match=missing):
        from_bytes(_with(stored, description))


@pytest.mark.parametrize("description", ["text", 1, None, ["version"]])
def test_a_description_that_is_no_object_is_refused(model: PairedCTGAN, description: object):
    with pytest.raises(CheckpointError, match="description is damaged"):
        from_bytes(_with(to_bytes(model), description))


def test_weights_of_another_shape_are_refused(model: PairedCTGAN):
    stored = to_bytes(model)
    weights = load(stored)
    name = sorted(weights)[0]
    weights[name] = weights[name][..., :-1].copy()
    with pytest.raises(CheckpointError, match="shapes"):
        from_bytes(save(weights, metadata={FORMAT: json.dumps(_described(stored))}))


def test_numbers_of_a_column_that_the_table_does_not_have_are_refused(model: PairedCTGAN):
    weights, description = model.to_state()
    for array, reason in (
        (np.empty(0), "a column of numbers has none"),
        (np.ones((2, 2)), "a column of numbers has none"),
    ):
        with pytest.raises(ValueError, match=reason):
            PairedCTGAN.from_state({**weights, "number.mass": array}, description)
    with pytest.raises(ValueError, match="numbers of columns that the table does not have"):
        PairedCTGAN.from_state({**weights, "number.price": np.ones(3)}, description)

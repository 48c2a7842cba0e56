"""Every synthesizer fits and samples sixty rows, repeats itself by seed, and keeps its model in a file without code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load, save

from benchmarks.every_synthesizer import REFUSES_PICKLE
from customs_assets.generator.checkpoint import CheckpointError, form_of, from_bytes, to_bytes
from customs_assets.generator.ctgan import CTGAN
from customs_assets.generator.model_table_transform import EncodedTable, TableTransform, fit_transform
from customs_assets.generator.pair_loss import PairLoss, shown_shares
from customs_assets.generator.paired_ctgan import PairedCTGAN
from customs_assets.generator.synthesizer import SYNTHESIZERS, TableModel, fit, learned, new_model
from customs_assets.generator.table_columns import TableColumns
from customs_assets.settings import SynthesizerName

CODES = ("office_id", "origin", "label", "process_type")
SEED, EPOCHS = 2**200 + 1, 2

# Loads and samples every file of a folder where nothing can be unpickled, by whatever library.
_WITHOUT_PICKLE = (
    REFUSES_PICKLE
    + """
for path in sorted(pathlib.Path(sys.argv[1]).glob("*.safetensors")):
    from_bytes(path.read_bytes()).sample(40, 7).to_csv(path.with_suffix(".csv"), index=False)
print(sorted({name.split(".")[0] for name in sys.modules} & {"sdv", "ctgan", "copulas", "rdt"}))
"""
)


def small_table(rows: int = 60) -> pd.DataFrame:
    """Codes and numbers that depend on each other, a constant code, a code that one row has, and numbers that recur."""
    rng = np.random.default_rng(8)
    origin = rng.choice(["CN", "DE", "US", "VN"], rows, p=[0.4, 0.3, 0.2, 0.1])
    origin[0] = "TV"
    mass = np.round(rng.normal(3.0, 1.0, rows), 1)
    return pd.DataFrame(
        {
            "office_id": np.where(origin == "CN", "10", rng.choice(["10", "20"], rows)),
            "log_net_mass": mass,
            "origin": origin,
            "process_type": "B",
            "residual": rng.normal(0.0, 0.5, rows) + (origin == "DE"),
            "label": rng.choice(["normal", "fraud"], rows, p=[0.8, 0.2]),
        }
    )


@pytest.fixture(scope="module")
def models() -> dict[str, TableModel]:
    """A model of each synthesizer."""
    return {name: fit(name, small_table(), CODES, seed=SEED, epochs=EPOCHS) for name in SYNTHESIZERS}


def test_the_setting_offers_what_there_is():
    assert get_args(SynthesizerName) == tuple(SYNTHESIZERS)
    with pytest.raises(ValueError, match="'gan' is no synthesizer; there are ctgan, ctgan_plain"):
        fit("gan", small_table(), CODES, seed=1, epochs=1)


@pytest.mark.parametrize("name", SYNTHESIZERS)
def test_the_same_seed_gives_the_same_model_and_rows_and_another_gives_others(models: dict[str, TableModel], name: str):
    model, table = models[name], small_table()
    again = fit(name, table, CODES, seed=SEED, epochs=EPOCHS)
    assert to_bytes(again) == to_bytes(model)
    rows = model.sample(90, SEED)
    pd.testing.assert_frame_equal(rows, model.sample(90, SEED), check_exact=True)
    assert not rows.equals(model.sample(90, SEED + 1))
    assert list(rows.columns) == list(table.columns) and len(rows) == 90
    for code in CODES:
        assert set(rows[code]) <= set(table[code])
    assert np.isfinite(rows[["log_net_mass", "residual"]].to_numpy(float)).all()
    assert model.device == "cpu" or "NVIDIA" in model.device


@pytest.mark.parametrize("name", SYNTHESIZERS)
def test_no_rows_can_be_drawn_but_not_fewer_nor_any_of_a_model_that_is_not_fitted(
    models: dict[str, TableModel], name: str
):
    none = models[name].sample(0, SEED)
    assert list(none.columns) == list(small_table().columns) and len(none) == 0
    with pytest.raises(ValueError, match=r"^-1 rows cannot be sampled$"):
        models[name].sample(-1, SEED)
    unfitted = new_model(name, seed=SEED, epochs=EPOCHS)
    for draw in (lambda: unfitted.sample(1, SEED), lambda: to_bytes(unfitted)):
        with pytest.raises(RuntimeError, match=r"^the model is not fitted"):
            draw()


@pytest.mark.parametrize("name", [name for name in SYNTHESIZERS if name != "independent" and "copula" not in name])
def test_another_seed_gives_another_model(models: dict[str, TableModel], name: str):
    if name == "trees":
        pytest.skip("a tree has a choice only where two splits are equally good")
    other = fit(name, small_table(), CODES, seed=SEED + 1, epochs=EPOCHS)
    assert to_bytes(other) != to_bytes(models[name])


def test_averaged_weights_are_the_mean_of_those_that_training_went_through():
    """Two epochs of one step each: the mean of what one epoch and what two epochs end with, and the same losses."""
    one, two, averaged = (
        PairedCTGAN(seed=SEED, epochs=epochs, averaged_steps=steps) for epochs, steps in ((1, 1), (2, 1), (2, 200))
    )
    for model in (one, two, averaged):
        model.fit(small_table(), CODES)
    weights = [model.fitted_state()[1] for model in (one, two, averaged)]
    for name, mean in weights[2].items():
        np.testing.assert_allclose(mean, (weights[0][name] + weights[1][name]) / 2, rtol=1e-5, atol=1e-7)
    assert any((weights[0][name] != weights[1][name]).any() for name in weights[0])
    pd.testing.assert_frame_equal(averaged.loss_values, two.loss_values)


def _encoded(table: pd.DataFrame) -> tuple[TableTransform, EncodedTable, np.ndarray]:
    """The table's columns, its rows, and these as data vectors."""
    transform, encoded = fit_transform(table, CODES, np.random.default_rng(0))
    vectors = np.zeros((len(table), transform.width))
    vectors[:, : len(transform.continuous)] = encoded.scalars
    np.put_along_axis(vectors, encoded.ones, 1.0, axis=1)
    return transform, encoded, vectors


def test_the_loss_of_pairs_is_nothing_for_the_tables_own_rows_and_something_where_a_pair_is_torn():
    """The table's rows as often as training by sampling shows them, and the same with one column in another order."""
    table = small_table(400)
    transform, encoded, vectors = _encoded(table)
    loss = PairLoss(transform, encoded, log_frequency=True, weight=2.0)
    shares = shown_shares(transform, encoded, log_frequency=True)
    assert shares.sum() == pytest.approx(1.0)
    rare = int(np.flatnonzero(table["origin"] == "TV")[0])
    assert shares[rare] == shares.max() > 4 / len(table), "what is rare is shown more often than it is there"
    drawn = np.random.default_rng(2).choice(len(table), 40_000, p=shares)
    own = loss.add(vectors[drawn].astype(np.float32), np.zeros((len(drawn), transform.width), np.float32))
    torn = vectors[drawn].copy()
    places = slice(*(transform.segment_starts[len(transform.continuous)] + np.array([0, 2])))
    torn[:, places] = torn[::-1, places]
    gradient = np.zeros(torn.shape, np.float32)
    assert loss.add(torn.astype(np.float32), gradient) > 30 * own and np.abs(gradient).max() > 0


def test_the_gradient_of_the_loss_of_pairs_is_its_slope():
    transform, encoded, _ = _encoded(small_table())
    loss = PairLoss(transform, encoded, log_frequency=True, weight=3.0)
    # In doubles, or the slope would drown in rounding.
    loss._scales, loss._wanted = loss._scales.astype(np.float64), loss._wanted.astype(np.float64)
    rng = np.random.default_rng(1)
    rows, toward = rng.random((2, 20, transform.width))
    gradient, step = np.zeros_like(rows), 1e-5
    loss.add(rows, gradient)
    ends = [loss.add(rows + sign * step * toward, np.zeros_like(rows)) for sign in (1, -1)]
    assert (ends[0] - ends[1]) / (2 * step) == pytest.approx(float((gradient * toward).sum()), rel=1e-6)


def test_without_its_weights_it_is_ctgan_as_published_on_numbers_by_rank():
    """No pairs, no average, the published rates: the same networks, from the same draws, as of the table with normal numbers."""
    from scipy.stats import norm

    table = small_table()
    model = PairedCTGAN(
        seed=SEED, epochs=2, pair_weight=0.0, averaged_steps=1, generator_lr=2e-4, discriminator_lr=2e-4
    )
    model.fit(table, CODES)
    numbers = [name for name in table.columns if name not in CODES]
    rng, ranked = np.random.default_rng([SEED, 1]), table.copy()
    columns, values = TableColumns.fit(table, CODES)
    for column in columns.numbers:
        places = column.places(values[column.name], rng)
        ranked[column.name] = norm.ppf(places.clip(0.25 / len(table), 1 - 0.25 / len(table)))
    plain = CTGAN(seed=SEED, epochs=2)
    plain.fit(ranked, CODES)
    theirs, ours = plain.fitted_state()[1], model.fitted_state()[1]
    assert all((theirs[name] == ours[name]).all() for name in theirs)
    rows, normal = model.sample(300, 5), plain.sample(300, 5)
    assert rows[list(CODES)].equals(normal[list(CODES)])
    for name in numbers:
        assert rows[name].between(table[name].min(), table[name].max()).all()
        assert (np.diff(rows[name].to_numpy()[normal[name].argsort()]) >= 0).all()
    recurring = table["log_net_mass"].value_counts()
    assert rows["log_net_mass"].isin(recurring[recurring > 1].index).mean() > 0.1, "numbers that recur come back"


def test_a_training_changes_no_draw_of_anybody_else():
    import torch

    np.random.seed(5)
    torch.manual_seed(5)
    threads = torch.get_num_threads()
    expected = np.random.random(), float(torch.rand(1))
    np.random.seed(5)
    torch.manual_seed(5)
    fit("sdv_tvae", small_table(), CODES, seed=SEED, epochs=1)
    assert (np.random.random(), float(torch.rand(1))) == expected
    assert torch.get_num_threads() == threads


def test_a_file_of_each_is_loaded_where_nothing_can_be_unpickled(models: dict[str, TableModel], tmp_path: Path):
    for name, model in models.items():
        (tmp_path / f"{name}.safetensors").write_bytes(to_bytes(model))
    script = [sys.executable, "-W", "ignore", "-c", _WITHOUT_PICKLE, str(tmp_path)]
    # Numba keeps its compiled code in pickled files of its own.
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    done = subprocess.run(script, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]", "the libraries that train are not needed to draw"
    for name, model in models.items():
        rows = model.sample(40, 7)
        read = pd.read_csv(tmp_path / f"{name}.csv", dtype=dict.fromkeys(CODES, str))
        pd.testing.assert_frame_equal(read, rows, rtol=1e-4, atol=1e-4)
        assert to_bytes(from_bytes(to_bytes(model))) == to_bytes(model)


@pytest.mark.parametrize("name", SYNTHESIZERS)
def test_a_file_without_its_parts_is_refused(models: dict[str, TableModel], name: str):
    stored = to_bytes(models[name])
    length = int.from_bytes(stored[:8], "little")
    form, _ = form_of(name)
    described = json.loads(json.loads(stored[8 : 8 + length])["__metadata__"][form])
    weights = load(stored)
    for missing in weights:
        if missing.startswith("number.") and name != "ctgan":
            continue
        fewer = {key: array for key, array in weights.items() if key != missing}
        with pytest.raises(CheckpointError):
            from_bytes(save(fewer, metadata={form: json.dumps(described)}))
    with pytest.raises(CheckpointError):
        from_bytes(save(weights, metadata={form: json.dumps({"version": described["version"]})}))


def test_a_tree_that_leads_in_a_circle_is_refused(models: dict[str, TableModel]):
    """Else a damaged file would keep whoever draws from it busy for ever."""
    weights, described = models["trees"].to_state()
    place = next(n for n in range(6) if len(weights[f"tree.{n}.left"]) > 1)
    circle = weights[f"tree.{place}.left"].copy()
    circle[0] = 0
    with pytest.raises(ValueError, match=f"tree {place} points out of its arrays"):
        type(models["trees"]).from_state({**weights, f"tree.{place}.left": circle}, described)


def _pairs(rows: int = 1500) -> pd.DataFrame:
    """Two codes that always agree, and a number that is one of two by them."""
    rng = np.random.default_rng(3)
    first = rng.choice(["a", "b", "c"], rows, p=[0.5, 0.3, 0.2])
    return pd.DataFrame({"first": first, "second": first, "number": np.where(first == "a", 0.0, 9.0)})


@pytest.mark.parametrize(("name", "relations"), [("diffusion", True), ("trees", True), ("independent", False)])
def test_what_depends_on_each_other_is_drawn_together_by_all_but_the_floor(name: str, relations: bool):
    model = fit(name, _pairs(), ["first", "second"], seed=1, epochs=300)
    rows = model.sample(2000, 2)
    agree = (rows["first"] == rows["second"]).mean()
    of_number = ((rows["number"] < 4.5) == (rows["first"] == "a")).mean()
    if relations:
        assert agree > 0.95 and of_number > 0.95
    else:
        assert agree == pytest.approx(0.38, abs=0.05) and of_number == pytest.approx(0.5, abs=0.05)
    shares = rows["first"].value_counts(normalize=True)
    assert shares[["a", "b", "c"]].tolist() == pytest.approx([0.5, 0.3, 0.2], abs=0.06)
    assert set(np.round(rows["number"])) >= {0.0, 9.0}, "numbers that recur come back as they are"


def test_a_draw_from_a_tree_is_of_the_leaf_that_the_row_falls_into():
    from sklearn.tree import DecisionTreeRegressor

    from customs_assets.generator.sequential_trees import GrownTree

    rng = np.random.default_rng(1)
    features, values = rng.normal(size=(400, 3)), np.arange(400.0)
    tree = GrownTree.grow(features, values, False, donors=5, seed=4)
    wanted = rng.normal(size=(300, 3))
    drawn = tree.draw(wanted, rng).astype(int)
    library = DecisionTreeRegressor(min_samples_leaf=5, random_state=4).fit(features, values)
    assert (library.apply(features)[drawn] == library.apply(wanted)).all()
    counts = np.diff(tree.first)
    assert counts[tree.left < 0].min() >= 5 and counts[tree.left >= 0].max() == 0


def _raw(table: pd.DataFrame, class_name: str, **parameters: Any) -> Any:
    from customs_assets.generator.library import trained

    return trained(class_name, table, CODES, 11, **parameters)


def test_the_same_weights_give_the_librarys_rows(monkeypatch: pytest.MonkeyPatch):
    """SDV's CTGAN, led through our draws, samples what our loader samples from its weights."""
    import torch
    from ctgan.data_sampler import DataSampler

    from customs_assets.generator.conditional_sampling import ConditionTable
    from customs_assets.generator.ctgan_draws import standard_exponential, standard_normal
    from customs_assets.generator.library import translated
    from customs_assets.generator.library_gans import LibraryCTGAN

    table, batch, seed = small_table(), 60, 9
    model = LibraryCTGAN(seed=11, epochs=3, batch_size=batch)
    library = _raw(table, "CTGANSynthesizer", **model._parameters(), enable_gpu=False)._model
    model.take(library, table)
    ours = from_bytes(to_bytes(model)).sample(batch - 1, seed)
    transform, _ = model.fitted_state()
    rng = np.random.default_rng(seed)
    noise = standard_normal(rng, (batch, 128))
    conditions = ConditionTable(transform, log_frequency=True).draw(rng, batch)
    assert conditions is not None
    exponential = standard_exponential(rng, np.empty((batch, int(transform.segment_widths.sum())), np.float32))
    one_hot = np.eye(transform.condition_width, dtype=np.float32)[conditions.categories]
    # The library draws its Gumbel noise column by column in the table's order.
    segments = {
        name: exponential[:, start : start + width]
        for name, start, width in zip(
            [column.name for column in (*transform.continuous, *transform.discrete)],
            transform.segment_starts - len(transform.continuous),
            transform.segment_widths,
            strict=True,
        )
    }
    drawn = iter([segments[name] for name in table.columns])
    monkeypatch.setattr(torch, "normal", lambda **_: torch.from_numpy(noise))
    monkeypatch.setattr(DataSampler, "sample_original_condvec", lambda *_: one_hot)
    monkeypatch.setattr(torch.Tensor, "exponential_", lambda tensor: tensor.copy_(torch.from_numpy(next(drawn).copy())))
    theirs = library.sample(batch - 1)
    pd.testing.assert_frame_equal(theirs.astype(ours.dtypes), ours, rtol=1e-3, atol=1e-3)
    assert translated(library._transformer, table)[0].describe() == transform.describe()


def test_our_decoder_is_the_librarys():
    import torch

    from customs_assets.generator.library import translated
    from customs_assets.generator.library_tvae import LibraryTVAE, decoded

    table = small_table()
    library = _raw(table, "TVAESynthesizer", epochs=2, enable_gpu=False)._model
    model = LibraryTVAE(seed=11, epochs=2)
    model.fit(table, CODES)
    transform, weights = learned(model._fitted)
    noise = np.random.default_rng(0).normal(size=(50, 128)).astype(np.float32)
    theirs = torch.tanh(library.decoder(torch.from_numpy(noise))[0]).detach().numpy()
    _, order = translated(library.transformer, table)
    np.testing.assert_allclose(decoded(weights, noise), theirs[:, order], rtol=1e-4, atol=1e-5)
    rows = library.transformer.inverse_transform(theirs)
    ours = pd.DataFrame(transform.decode(theirs[:, order]))
    pd.testing.assert_frame_equal(rows.astype(ours.dtypes), ours)


def test_our_gaussian_copula_maps_normal_numbers_as_the_library_does():
    from scipy.stats import norm

    from customs_assets.generator.library_copula import LibraryGaussianCopula

    library = _raw(small_table(), "GaussianCopulaSynthesizer")
    model = LibraryGaussianCopula()
    model.take(library, CODES)
    normals = np.random.default_rng(0).normal(size=(200, 6))
    theirs = pd.DataFrame(
        {
            name: univariate.percent_point(norm.cdf(values))
            for name, univariate, values in zip(
                library._model.columns, library._model.univariates, normals.T, strict=True
            )
        }
    )
    theirs = library._data_processor.reverse_transform(theirs)
    ours = model.from_normals(normals)
    pd.testing.assert_frame_equal(theirs[list(ours.columns)].astype(ours.dtypes), ours)


def test_numbers_that_a_library_made_normal_come_back_by_its_distribution():
    from scipy.stats import norm

    from customs_assets.generator.library import described_distribution, quantiles

    table = small_table()
    library = _raw(table, "CopulaGANSynthesizer", epochs=1, batch_size=60, enable_gpu=False)
    transformer = library._gaussian_normalizer_hyper_transformer.field_transformers["residual"]
    normal = np.linspace(-2.5, 2.5, 21)
    theirs = transformer._univariate.ppf(norm.cdf(normal))
    np.testing.assert_allclose(quantiles(described_distribution(transformer._univariate), norm.cdf(normal)), theirs)

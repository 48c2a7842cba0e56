"""Our membership attacks beside those of the ``domias`` package, on the same points.

    python benchmarks/membership_peers.py [--venv FOLDER] [--rows 600]

``domias`` 0.0.5, by the authors of DOMIAS, has six of our attacks. It gets an environment of its own, made on first use (its
PyTorch takes some gigabytes). It knows numbers and squared Euclidean distances alone, so both sides get the points of our
reduced space, and our formulas get those distances. Gen-LRA and the local neighbourhood are in no package of the index
(``Synth-MIA`` is a repository). Beside them stand their formulas written down once more with SciPy and scikit-learn, each
density fitted again.

For each attack the AUC of both is printed, and the largest difference of a score between them where both should be the same
number, as a share of the largest score. The command fails where that is more than 1e-6. Gen-LRA's bandwidth moves a little with
the row that is added, and their classifier is a network on the points, ours are trees on all attributes: of these two the order
of the rows is compared, by Spearman's correlation. The last column is the AUC of the attack as the pipeline makes it, with all
attributes.

The rows are those of ``anonymeter_peer``: simulated declarations, and a synthetic table half of which are training rows with one
attribute changed.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
DOMIAS = "domias==0.0.5"
TOLERANCE = 1e-6

# The package's name of each attack.
THEIRS = {
    "closest": "GAN_leaks",
    "closest_difference": "GAN_leaks_cal",
    "monte_carlo": "MC",
    "density": "kde_baseline, equation 1",
    "domias": "kde_baseline, equation 2",
    "classifier": "LOGAN_D1",
}
RESTATED = {"likelihood_ratio": "gaussian_kde, fitted again for each row", "neighbourhood": "radius_neighbors"}
ORDER_ONLY = ("classifier", "likelihood_ratio")


def ours(rows: int) -> tuple[Any, dict[str, Any], dict[str, Any]]:
    """The scene in the reduced space with its squared distances, our scores on it, and our scores as the pipeline makes them."""
    import numpy as np
    from scipy.spatial.distance import cdist

    from benchmarks.anonymeter_peer import leaking_tables
    from customs_assets.privacy.membership.attacks import all_scores
    from customs_assets.privacy.membership.scene import Scene

    scene = Scene.of(*leaking_tables(rows), seed=2020)
    attacked, synthetic, reference = scene.space
    squared = (np.sort(cdist(attacked, points, "sqeuclidean"), axis=1) for points in (synthetic, reference))
    to_synthetic, to_reference = squared
    on_points = replace(scene, to_synthetic=to_synthetic, to_reference=to_reference)
    return on_points, all_scores(on_points), all_scores(scene)


def theirs(folder: Path) -> None:
    """Score the points in ``folder`` with the package. Only its own environment can do this."""
    import numpy as np
    import torch  # pyright: ignore[reportMissingImports]
    from domias import baselines  # pyright: ignore[reportMissingImports]

    points = np.load(folder / "points.npz")
    attacked, synthetic, reference = points["attacked"], points["synthetic"], points["reference"]
    np.random.seed(1)
    torch.manual_seed(1)
    density, ratio = baselines.kde_baseline(attacked, synthetic, reference)
    calibrated = baselines.GAN_leaks_cal(attacked, synthetic, reference)
    np.savez(
        folder / "theirs.npz",
        closest=np.log(baselines.GAN_leaks(attacked, synthetic)),
        closest_difference=np.log(calibrated) - np.log1p(-calibrated),
        monte_carlo=baselines.MC(attacked, synthetic),
        density=density,
        domias=ratio,
        classifier=baselines.LOGAN_D1(attacked, synthetic, reference),
    )


def restated(scene: Any) -> dict[str, Any]:
    """Gen-LRA and the local neighbourhood, each written down once more from its paper."""
    import numpy as np
    from scipy.stats import gaussian_kde
    from sklearn.neighbors import NearestNeighbors

    from customs_assets.privacy.membership.likelihood_ratio import NEIGHBOURS

    attacked, synthetic, reference = scene.space
    near, alone = NearestNeighbors(n_neighbors=NEIGHBOURS).fit(synthetic), gaussian_kde(reference.T)
    ratios = []
    for row, places in zip(attacked, near.kneighbors(attacked, return_distance=False), strict=True):
        with_row = gaussian_kde(np.vstack([reference, row]).T)
        local = synthetic[places].T
        ratios.append(np.sum(np.log(with_row.evaluate(local) + 1e-20) - np.log(alone.evaluate(local) + 1e-20)))
    radius = np.sqrt(np.quantile(scene.to_reference[:, 0], 0.25))
    counts = [
        np.array([len(found) for found in NearestNeighbors(radius=radius).fit(points).radius_neighbors(attacked)[1]])
        for points in (synthetic, reference)
    ]
    shares = (1 + counts[0]) / len(synthetic), (1 + counts[1]) / len(reference)
    return {"likelihood_ratio": np.array(ratios), "neighbourhood": shares[0] / shares[1]}


def environment(folder: Path) -> Path:
    """The Python of an environment that has the package, made where it is not there yet."""
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", DOMIAS], check=True)
    return python


def compare(is_member: Any, on_points: dict[str, Any], as_made: dict[str, Any], peers: dict[str, Any]) -> bool:
    """Print both beside each other; whether they agree."""
    import numpy as np
    from scipy.stats import spearmanr

    from customs_assets.fidelity.detection import auc

    agree = True
    print("| attack | peer | AUC, ours | theirs | largest difference of a score | AUC as the pipeline makes it |")
    print("| --- | --- | ---: | ---: | ---: | ---: |")
    for name, peer in {**THEIRS, **RESTATED}.items():
        left, right = on_points[name], peers[name]
        if name in ORDER_ONLY:
            said = f"Spearman {spearmanr(left, right).statistic:.4f}"
        else:
            furthest = float(np.max(np.abs(left - right)) / np.max(np.abs(right)))
            agree &= furthest <= TOLERANCE
            said = f"{furthest:.1e}{'' if furthest <= TOLERANCE else ' DIFFERS'}"
        aucs = [f"{auc(scores, is_member):.4f}" for scores in (left, right, as_made[name])]
        print(f"| {name} | {peer} | {aucs[0]} | {aucs[1]} | {said} | {aucs[2]} |")
    return agree


def main() -> None:
    """Read the command line; run both sides and compare."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--venv", type=Path, default=ROOT / "build" / "domias", help="where the peer's environment is")
    parser.add_argument("--rows", type=int, default=600, help="rows of each table")
    parser.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.inside:
        theirs(arguments.inside)
        return
    import numpy as np

    scene, on_points, as_made = ours(arguments.rows)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        np.savez(folder / "points.npz", **dict(zip(("attacked", "synthetic", "reference"), scene.space, strict=True)))
        command = [str(environment(arguments.venv)), __file__, "--inside", str(folder)]
        alone = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        subprocess.run(command, check=True, env=alone)
        peers = {**np.load(folder / "theirs.npz"), **restated(scene)}
    if not compare(scene.is_member, on_points, as_made, peers):
        raise SystemExit("ours and the peer's differ")


if __name__ == "__main__":
    main()

"""The networks that customs research detects frauds with, a class in a file each, and the register of them.

What belongs here is networks: each is written from its paper, trained with torch on the CPU, or on a GPU where there is one. They
have the form of ``form.Detector``, as all detectors. They take longer than those of Table 3, so their cells are built on demand.

Each class says where it differs from its paper. What is common to them stands in ``inputs`` (declarations as numbers), ``leaves``
(boosted trees' leaves), ``layers`` (their common building blocks) and ``training`` (steps that repeat to the byte).
"""

from customs_assets.benchmark.detectors.deep.autoencoder import Autoencoder
from customs_assets.benchmark.detectors.deep.date import Date, DateRevenue
from customs_assets.benchmark.detectors.deep.dual_task import DualTask
from customs_assets.benchmark.detectors.deep.entity_embedding import EntityEmbedding
from customs_assets.benchmark.detectors.deep.graph_fc import GraphFC
from customs_assets.benchmark.detectors.deep.lite_date import LiteDate
from customs_assets.benchmark.detectors.form import Detector

DEEP_REGISTER: dict[str, type[Detector]] = {
    of.name: of for of in (EntityEmbedding, DualTask, LiteDate, Date, DateRevenue, GraphFC, Autoencoder)
}
DEEP_TITLES: dict[str, str] = {name: of.title for name, of in DEEP_REGISTER.items()}

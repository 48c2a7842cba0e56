"""The lake: where partitions live (``files``), as tables (``tables``), with what they were made from (``records``).

A partition is one file, ``<asset key>/<partition>.parquet`` (or ``.json``, ``.safetensors``); an asset without partitions is
``<asset key>.<suffix>`` or a folder. What belongs here is storage. What a table means does not.
"""

from customs_assets.lake.files import LakeError, checksum_of_sums, folder_checksum
from customs_assets.lake.records import Lake, Record
from customs_assets.lake.tables import UnnamedTable, read_sql, to_arrow, to_frame

__all__ = [
    "Lake",
    "LakeError",
    "Record",
    "UnnamedTable",
    "checksum_of_sums",
    "folder_checksum",
    "read_sql",
    "to_arrow",
    "to_frame",
]

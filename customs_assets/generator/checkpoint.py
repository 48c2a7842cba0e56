"""The file of a trained CTGAN: one safetensors file, the weights as tensors and all else as JSON in the file's metadata.

The file's format and the refusal of any other file belong here. Reading it reads numbers and JSON and executes nothing.
"""

from __future__ import annotations

import json
import struct

from customs_assets.generator.ctgan import CTGAN

FORMAT = "customs-assets-ctgan"
VERSION = 2


class CheckpointError(ValueError):
    """The bytes are not a complete model that this module wrote."""


def to_bytes(model: CTGAN) -> bytes:
    """The model's file. The same model gives the same bytes.

    Raises:
        RuntimeError: the model is not fitted.
    """
    from safetensors.numpy import save

    weights, description = model.to_state()
    content = json.dumps({"version": VERSION, **description}, sort_keys=True, ensure_ascii=False, allow_nan=False)
    # One key only: safetensors promises no order among several.
    return save(weights, metadata={FORMAT: content})


def from_bytes(data: bytes) -> CTGAN:
    """The model that :func:`to_bytes` wrote.

    Raises:
        CheckpointError: the bytes are cut short, damaged, or another file.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        weights = load(data)
    except SafetensorError as error:
        raise CheckpointError(
            f"{len(data)} bytes are not a complete safetensors file ({error}): make the model again"
        ) from error
    description = _description(data)
    try:
        return CTGAN.from_state(weights, description)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CheckpointError(f"the checkpoint's description and weights do not fit ({error!r})") from error


def _description(data: bytes) -> dict:
    """The JSON in the metadata. The safetensors library has already checked the header, but gives it for files on disk only."""
    (length,) = struct.unpack_from("<Q", data)
    metadata = json.loads(data[8 : 8 + length]).get("__metadata__") or {}
    if FORMAT not in metadata:
        raise CheckpointError(f"a safetensors file, but no model of ours: its metadata has no {FORMAT!r}")
    try:
        description = json.loads(metadata[FORMAT])
        version = description.pop("version")
    except (json.JSONDecodeError, AttributeError, KeyError, TypeError) as error:
        raise CheckpointError(f"the checkpoint's description is damaged ({error!r})") from error
    if version != VERSION:
        raise CheckpointError(f"the checkpoint is of version {version}, this program reads {VERSION}: train it again")
    return description

"""A trained CTGAN as one safetensors file: weights as tensors, all else as JSON in the file's metadata.

What belongs here is the file's format and the refusal of what is not such a file. What the weights and the description
mean is ``ctgan``'s business. Loading reads numbers and JSON and executes nothing.
"""

from __future__ import annotations

import json
import struct

from customs_assets.generator.ctgan import CTGAN

FORMAT = "customs-assets-ctgan"
VERSION = 2


class CheckpointError(ValueError):
    """The bytes are not a model written by this module, or not all of it."""


def to_bytes(model: CTGAN) -> bytes:
    """The model's file: the same model gives the same bytes.

    Raises:
        RuntimeError: before the model is fitted.
    """
    from safetensors.numpy import save

    weights, description = model.to_state()
    # One key, as safetensors promises no order among several.
    content = json.dumps(
        {"version": VERSION, **description},
        sort_keys=True,
        ensure_ascii=False,
        allow_nan=False,
    )
    return save(weights, metadata={FORMAT: content})


def from_bytes(data: bytes) -> CTGAN:
    """The model that :func:`to_bytes` wrote.

    Raises:
        CheckpointError: where the bytes are cut short, damaged, or something else altogether.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        weights = load(data)
    except SafetensorError as error:
        raise CheckpointError(
            f"{len(data)} bytes are not a whole safetensors file ({error}): make the model again"
        ) from error
    description = _description(data)
    try:
        return CTGAN.from_state(weights, description)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CheckpointError(f"the checkpoint's description and weights do not fit ({error!r})") from error


def _description(data: bytes) -> dict:
    """The JSON in the metadata; safetensors has already found the header whole, but only opens files to give it."""
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

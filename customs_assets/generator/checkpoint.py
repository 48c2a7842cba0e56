"""The file of a trained model: one safetensors file, its arrays as tensors and all else as JSON in the file's metadata.

The file's format and the refusal of any other file belong here. Reading it reads numbers and JSON and executes nothing.
"""

from __future__ import annotations

import json
import struct

from customs_assets.generator.synthesizer import SYNTHESIZERS, TableModel

# The format and version of each synthesizer's files. One whose training alone differs from another's has the other's.
VERSIONS = {"ctgan": 3}
_FIRST_VERSION = 1


class CheckpointError(ValueError):
    """The bytes are not a complete model that this module wrote."""


def form_of(name: str) -> tuple[str, int]:
    """The format and version of a synthesizer's files: the one key of their metadata, and a number."""
    form = SYNTHESIZERS[name].form or name
    return f"customs-assets-{form.replace('_', '-')}", VERSIONS.get(form, _FIRST_VERSION)


FORMAT, VERSION = form_of("ctgan")


def to_bytes(model: TableModel) -> bytes:
    """The model's file. The same model gives the same bytes.

    Raises:
        RuntimeError: the model is not fitted.
    """
    from safetensors.numpy import save

    weights, description = model.to_state()
    form, version = form_of(_name_of(model))
    content = json.dumps({"version": version, **description}, sort_keys=True, ensure_ascii=False, allow_nan=False)
    # One key only: safetensors promises no order among several.
    return save(weights, metadata={form: content})


def _name_of(model: TableModel) -> str:
    return next(name for name, known in SYNTHESIZERS.items() if known.class_name == type(model).__name__)


def from_bytes(data: bytes) -> TableModel:
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
    name, description = _description(data)
    try:
        return SYNTHESIZERS[name].model_class.from_state(weights, description)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise CheckpointError(f"the checkpoint's description and weights do not fit ({error!r})") from error


def _description(data: bytes) -> tuple[str, dict]:
    """Whose model it is, and the JSON in the metadata.

    The safetensors library has already checked the header, but gives it for files on disk only.
    """
    (length,) = struct.unpack_from("<Q", data)
    metadata = json.loads(data[8 : 8 + length]).get("__metadata__") or {}
    known = {form_of(name)[0]: name for name in reversed(list(SYNTHESIZERS))}
    form = next((form for form in metadata if form in known), None)
    if form is None:
        raise CheckpointError(f"a safetensors file, but no model of ours: its metadata has no {FORMAT!r} or the like")
    expected = form_of(known[form])[1]
    try:
        description = json.loads(metadata[form])
        version = description.pop("version")
    except (json.JSONDecodeError, AttributeError, KeyError, TypeError) as error:
        raise CheckpointError(f"the checkpoint's description is damaged ({error!r})") from error
    if version != expected:
        raise CheckpointError(f"the checkpoint is of version {version}, this program reads {expected}: train it again")
    return known[form], description

"""Files of tensors that are either whole or not there."""

import hashlib
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import safetensors.torch
from torch import Tensor

from fedprop.errors import StoreError
from fedprop.files import cannot_write


def write_tensors(path: Path, tensors: Mapping[str, Tensor], *, notes: Mapping[str, str] | None = None) -> str:
    """Write a safetensors file, with `notes` as its metadata, whole or not at all; returns its SHA-256.

    Raises
    ------
    StoreError
        If it cannot be written.
    """
    fresh = path.with_name(f".{path.name}.new")
    try:
        plain = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
        safetensors.torch.save_file(plain, fresh, metadata=None if notes is None else dict(notes))
        with fresh.open("rb") as file:
            os.fsync(file.fileno())
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        os.replace(fresh, path)
    except (OSError, safetensors.SafetensorError) as error:
        with suppress(OSError):
            fresh.unlink()
        raise cannot_write(path, error) from None
    return digest


def read_tensors(path: Path, *, sha256: str | None = None) -> dict[str, Tensor]:
    """The tensors in a safetensors file, which must have the given SHA-256 if there is one.

    Raises
    ------
    StoreError
        If it is missing or damaged.
    """
    try:
        if sha256 is not None:
            with path.open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
            if found != sha256:
                raise StoreError(f"{path} is damaged: its SHA-256 is not the one that was noted when it was written")
        return safetensors.torch.load_file(path)
    except (OSError, safetensors.SafetensorError) as error:
        raise StoreError(f"{path} cannot be read: {error}") from None

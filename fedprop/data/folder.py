"""Files of datasets that do not ship with a package: where they lie, and what to say when they do not."""

import gzip
import os
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from fedprop.errors import DataUnavailable

T = TypeVar("T")

ENVIRONMENT = "FEDPROP_DATA_DIR"
"""The variable that names the data folder where no other was given."""


def unavailable(kind: str, name: str, folder: Path | None, found: str) -> DataUnavailable:
    """The error that says which file to put where."""
    place = f"<data folder>/{kind}" if folder is None else str(folder)
    return DataUnavailable(
        f"{kind} needs the file {name} (plain or .gz) in {place}; found {found}. "
        f"The data folder is the one given by --data-dir or by the environment variable {ENVIRONMENT}."
    )


def dataset_folder(kind: str, data_dir: Path | None, name: str) -> Path:
    """The folder of one dataset below `data_dir`, or below the folder that the environment names.

    Raises
    ------
    DataUnavailable
        If neither is given; `name` is the first file that will be looked for.
    """
    root = data_dir or os.environ.get(ENVIRONMENT)
    if not root:
        raise unavailable(kind, name, None, "no data folder")
    return Path(root) / kind


def read_file(kind: str, folder: Path, name: str, parse: Callable[[bytes], T]) -> T:
    """What `parse` makes of the file `name`, or of its compressed form `name.gz`.

    Raises
    ------
    DataUnavailable
        If there is neither, it cannot be read or unpacked, or `parse` refuses it with a ValueError.
    """
    path = next((p for p in (folder / name, folder / f"{name}.gz") if p.is_file()), None)
    if path is None:
        raise unavailable(kind, name, folder, "no such file")
    try:
        raw = path.read_bytes()
        return parse(gzip.decompress(raw) if path.suffix == ".gz" else raw)
    except (OSError, EOFError, zlib.error, ValueError) as error:
        raise unavailable(kind, name, folder, f"a file that cannot be used ({error})") from error


def files_in(kind: str, folder: Path, pattern: str) -> list[Path]:
    """The files below a dataset's folder that match a pattern, in the order of their names.

    Raises
    ------
    DataUnavailable
        If there is none.
    """
    found = sorted(path for path in folder.glob(pattern) if path.is_file())
    if not found:
        raise unavailable(kind, pattern, folder, "no such file")
    return found

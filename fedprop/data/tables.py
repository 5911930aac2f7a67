"""Tables in local files, as Hugging Face's library `datasets` holds them."""

import json
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from fedprop.errors import DataUnavailable, InvalidConfig

SPLITS = ("train", "test", "validation")
"""What the names of a folder's files may begin with; other files are left alone."""


def library() -> ModuleType:
    """The package `datasets`, which takes seconds to import.

    Raises
    ------
    InvalidConfig
        If it is not installed.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return __import__("datasets")
    except ImportError as error:
        extra = "pip install 'fedprop[datasets]'"
        raise InvalidConfig(f"`data`: HuggingFaceDataset needs the package datasets, {extra}; found {error}") from None


def read(path: str) -> Any:
    """One table, or a mapping of tables by the names of their splits.

    Raises
    ------
    DataUnavailable
        If there is no such table, or a file of it cannot be read.
    InvalidConfig
        If the package is not installed.
    """
    place, datasets = Path(path), library()
    try:
        if any((place / name).is_file() for name in ("dataset_dict.json", "state.json")):
            return datasets.load_from_disk(path)
        if place.is_file() and place.suffix in READERS:
            return _table(datasets, place)
        parts = {split: _files(place, split) for split in SPLITS}
        found = {
            split: datasets.concatenate_datasets([_table(datasets, file) for file in files])
            for split, files in parts.items()
            if files
        }
    except (OSError, ValueError, KeyError, TypeError) as error:
        reason = " ".join(str(error).split())
        raise DataUnavailable(f"huggingface_dataset cannot use {path}; {reason}") from error
    if not found:
        wanted = (
            f"a folder that save_to_disk wrote, a file that ends in {', '.join(READERS)}, or a folder of such files"
        )
        raise DataUnavailable(f"`data.path` must be {wanted} whose names begin with {', '.join(SPLITS)}; found {path}")
    return found


def named(found: Mapping[str, Any], name: str, rule: str) -> Any:
    """The entry of that name.

    Raises
    ------
    InvalidConfig
        If there is none; `rule` says what should have been named.
    """
    if name not in found:
        raise InvalidConfig(f"{rule}, of {', '.join(map(repr, found))}; found {name!r}")
    return found[name]


def _files(place: Path, split: str) -> list[Path]:
    return sorted(file for file in place.rglob(f"{split}*") if file.is_file() and file.suffix in READERS)


def _table(datasets: Any, file: Path) -> Any:
    return datasets.Dataset(READERS[file.suffix](file))


def _csv(file: Path) -> Any:
    from pyarrow import csv

    return csv.read_csv(file)


def _parquet(file: Path) -> Any:
    from pyarrow import parquet

    return parquet.read_table(file)


def _json(file: Path) -> Any:
    """A list of rows, or a row in each line."""
    import pyarrow

    text = file.read_text(encoding="utf-8")
    rows = (
        json.loads(text) if text.lstrip().startswith("[") else [json.loads(line) for line in text.splitlines() if line]
    )
    return pyarrow.Table.from_pylist(rows)


READERS: Mapping[str, Callable[[Path], Any]] = {".csv": _csv, ".json": _json, ".jsonl": _json, ".parquet": _parquet}
"""How a file becomes a table, by the end of its name."""

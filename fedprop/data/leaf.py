"""The JSON files of LEAF: users, and the examples of each."""

import json
from pathlib import Path
from typing import Any, NamedTuple

from fedprop.data.folder import files_in, read_file


class Owned(NamedTuple):
    """The examples of one user, inputs and labels, as they stand in the file."""

    x: list[Any]
    y: list[Any]


def read_leaf(kind: str, folder: Path, part: str) -> dict[str, Owned]:
    """All users of the files `<part>/*.json` in a dataset's folder; of one in several files, all examples.

    Raises
    ------
    DataUnavailable
        If there is no such file, or one of them is laid out otherwise.
    """
    found: dict[str, Owned] = {}
    for path in files_in(kind, folder, f"{part}/*.json"):
        for user, own in read_file(kind, path.parent, path.name, _users).items():
            before = found.setdefault(user, Owned([], []))
            before.x.extend(own.x)
            before.y.extend(own.y)
    return found


def _users(raw: bytes) -> dict[str, Owned]:
    try:
        data = json.loads(raw)["user_data"]
        found = {str(user): Owned([*own["x"]], [*own["y"]]) for user, own in data.items()}
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"user_data as LEAF lays it out expected, found {error!r}") from None
    uneven = [user for user, own in found.items() if len(own.x) != len(own.y)]
    if uneven:
        raise ValueError(f"as many labels as inputs expected, found others for {uneven[0]}")
    return found

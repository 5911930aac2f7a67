"""What `verify` makes of a piece of the gallery."""

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fedprop.verify import Outcome, verify

FOLDER = Path(__file__).parent


class _Fallen(Exception):
    """Ends `verify` at the first claim that falls: one is enough here, and the rest takes long to shrink."""


def first_failure(
    target: str, options: Mapping[str, Any], *, seed: int = 0, examples: int | None = None
) -> Outcome | None:
    """The first claim of "file.py:name" in this folder that does not hold; None if all that decide do."""
    fallen: list[Outcome] = []

    def stop(outcome: Outcome) -> None:
        if outcome.fails:
            fallen.append(outcome)
            raise _Fallen(outcome.name)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what a broken rule warns of is beside the point
        try:
            verify(f"{FOLDER}/{target}", **options, seed=seed, examples=examples, curious=False, on_outcome=stop)
        except _Fallen:
            return fallen[0]
    return None

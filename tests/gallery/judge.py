"""What `verify` makes of a piece of the gallery."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fedprop.verify import Outcome, verify

FOLDER = Path(__file__).parent


def failures(target: str, options: Mapping[str, Any], **effort: Any) -> list[Outcome]:
    """The claims of "file.py:name" in this folder that decide and do not hold."""
    report = verify(f"{FOLDER}/{target}", **options, curious=False, **effort)
    return [outcome for outcome in report.outcomes if outcome.fails]


def is_caught(target: str, options: Mapping[str, Any], **effort: Any) -> bool:
    """Whether some claim that decides does not hold; ends with the first one."""
    try:
        failures(target, options, shrink=False, on_outcome=_stop_at_a_failure, **effort)
    except _Caught:
        return True
    return False


class _Caught(Exception):
    pass


def _stop_at_a_failure(outcome: Outcome) -> None:
    if outcome.fails and outcome.verdict != "undecided":
        raise _Caught

"""What `verify` makes of a piece of the gallery."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fedprop.verify import Outcome, verify

FOLDER = Path(__file__).parent

SECONDS = 3600.0
"""Time for one piece: what is caught must not depend on how busy the machine is."""


def failures(target: str, options: Mapping[str, Any], **effort: Any) -> list[Outcome]:
    """The claims of "file.py:name" in this folder that decide and do not hold."""
    report = verify(f"{FOLDER}/{target}", **options, curious=False, seconds=SECONDS, **effort)
    return [outcome for outcome in report.outcomes if outcome.fails]

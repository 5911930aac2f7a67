"""What `verify` makes of a piece of the gallery."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from fedprop.verify import Outcome, verify
from fedprop.verify.command import claims_of
from fedprop.verify.hunting.hunt import Effort, hunt_all

FOLDER = Path(__file__).parent
RECORD = FOLDER / "caught_by.json"


def recorded() -> dict[str, str]:
    """For each mistake the first claim that fell when docs/gallery.md was written."""
    found: dict[str, str] = json.loads(RECORD.read_text(encoding="utf-8"))
    return found


def failures(target: str, options: Mapping[str, Any], **effort: Any) -> list[Outcome]:
    """The claims of "file.py:name" in this folder that decide and do not hold, out of all."""
    report = verify(f"{FOLDER}/{target}", **options, curious=False, **effort)
    return [outcome for outcome in report.outcomes if outcome.fails]


def falling(target: str, options: Mapping[str, Any], names: Iterable[str], *, examples: int, seed: int) -> list[str]:
    """Those of the claims with these names that do not hold."""
    wanted = set(names)
    claims = [claim for claim in claims_of(f"{FOLDER}/{target}", **options) if claim.name in wanted]
    assert {claim.name for claim in claims} == wanted, f"{target} makes no claim {sorted(wanted)}"
    return [outcome.name for outcome in hunt_all(claims, Effort(examples, seed, shrink=False)) if outcome.fails]

"""`verify` catches every mistake of the gallery and flags nothing that is correct.

Here each mistake is hunted by the claim that is recorded as having caught it, and each correct version by the claims
that caught a mistake beside it. `nox -s gallery` tries all claims on everything.
"""

from pathlib import Path
from typing import Any

import pytest

from fedprop.registry import load_target

FOLDER = Path(__file__).parent
SEEDS = 20
"""How many seeds are tried before a mistake counts as missed: which inputs one stands for depends on all imports."""

MISTAKES = load_target(f"{FOLDER}/catalogue.py:MISTAKES")
TWINS = {f"{mistake.twin} {dict(mistake.options)}": mistake for mistake in MISTAKES}
failures, falling, recorded = (load_target(f"{FOLDER}/judge.py:{name}") for name in ("failures", "falling", "recorded"))
CAUGHT_BY = recorded()


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.broken)
def test_mistake_is_caught(mistake: Any) -> None:
    claim = CAUGHT_BY[mistake.broken]
    hunts = (falling(mistake.broken, mistake.options, [claim], examples=100, seed=seed) for seed in range(SEEDS))
    assert any(hunts), f"{claim} holds"


@pytest.mark.parametrize("mistake", TWINS.values(), ids=TWINS)
def test_correct_one_is_not_flagged(mistake: Any) -> None:
    beside = {
        CAUGHT_BY[other.broken] for other in MISTAKES if (other.twin, other.options) == (mistake.twin, mistake.options)
    }
    assert not falling(mistake.twin, mistake.options, beside, examples=30, seed=0)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("mistake", TWINS.values(), ids=TWINS)
def test_correct_one_is_not_flagged_by_any_claim(mistake: Any, seed: int) -> None:
    assert not failures(mistake.twin, mistake.options, seed=seed, examples=30)


def test_each_mistake_is_listed_once_and_was_caught() -> None:
    assert len({mistake.broken for mistake in MISTAKES}) == len(MISTAKES)
    assert not {mistake.broken for mistake in MISTAKES} & {mistake.twin for mistake in MISTAKES}
    assert CAUGHT_BY.keys() == {mistake.broken for mistake in MISTAKES}


def test_each_mistake_says_what_is_wrong_and_where_it_was_seen() -> None:
    assert all(mistake.sentence.endswith(".") and mistake.seen_in for mistake in MISTAKES)

"""`verify` catches every mistake of the gallery and flags nothing that is correct."""

from pathlib import Path
from typing import Any

import pytest

from fedprop.registry import load_target

FOLDER = Path(__file__).parent
SEEDS = 10
"""So many may be tried: which inputs a seed stands for also depends on what else is imported."""

MISTAKES = load_target(f"{FOLDER}/catalogue.py:MISTAKES")
TWINS = {f"{mistake.twin} {dict(mistake.options)}": mistake for mistake in MISTAKES}
failures = load_target(f"{FOLDER}/judge.py:failures")
is_caught = load_target(f"{FOLDER}/judge.py:is_caught")


@pytest.mark.slow
@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.broken)
def test_mistake_is_caught(mistake: Any) -> None:
    assert any(is_caught(mistake.broken, mistake.options, examples=100, seed=seed) for seed in range(SEEDS))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("mistake", TWINS.values(), ids=TWINS)
def test_correct_one_is_not_flagged(mistake: Any, seed: int) -> None:
    assert not failures(mistake.twin, mistake.options, seed=seed, examples=30)


def test_each_mistake_is_listed_once() -> None:
    assert len({mistake.broken for mistake in MISTAKES}) == len(MISTAKES)
    assert not {mistake.broken for mistake in MISTAKES} & {mistake.twin for mistake in MISTAKES}


def test_each_mistake_says_what_is_wrong_and_where_it_was_seen() -> None:
    assert all(mistake.sentence.endswith(".") and mistake.seen_in for mistake in MISTAKES)

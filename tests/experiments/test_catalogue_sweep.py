"""The sweep over all defenses leaves none out, and its page tells what its table holds."""

import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fedprop.aggregators import AGGREGATORS, POSTPROCESSORS, STAGES
from fedprop.defenses import PROTOCOLS
from fedprop.experiments.config_file import read_mapping

ROOT = Path(__file__).parents[2]
ROWS = read_mapping(ROOT / "sims" / "catalogue.yaml")["axes"]["defense"]


def kinds(told: Any) -> Iterator[str]:
    """The kinds that a choice names under `defense`."""
    parts = told if isinstance(told, list) else [told]
    for part in parts:
        yield part if isinstance(part, str) else part["kind"]


def named() -> set[str]:
    choices = [choice for row in ROWS.values() for choice in (row, *row.values()) if isinstance(choice, dict)]
    return {kind for choice in choices if "defense" in choice for kind in kinds(choice["defense"])}


@pytest.mark.parametrize("registry", [AGGREGATORS, STAGES, POSTPROCESSORS, PROTOCOLS], ids=lambda r: r.family)
def test_whatever_is_listed_stands_in_the_sweep(registry):
    assert set(registry.kinds) - named() == set()


def test_the_page_tells_what_the_table_holds():
    script = runpy.run_path(str(ROOT / "docs" / "defenses.py"))
    results = script["kept"]()
    assert (ROOT / "docs" / "defenses.md").read_text(encoding="utf-8") == script["page"](results)
    assert set(ROWS) == {situation.defense for situation in results}


def test_the_page_of_the_five_papers_tells_what_its_table_holds(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "docs")
    script = runpy.run_path(str(ROOT / "docs" / "five_papers.py"))
    results = script["kept"](script["TABLE"])
    axes = read_mapping(ROOT / "sims" / "five_papers.yaml")["axes"]
    assert (ROOT / "docs" / "five_papers.md").read_text(encoding="utf-8") == script["page"](results)
    for axis, choices in axes.items():
        assert list(choices) == list(dict.fromkeys(getattr(situation, axis) for situation in results))


def test_a_trial_of_which_something_failed_does_not_count():
    condensed = runpy.run_path(str(ROOT / "docs" / "defenses.py"))["condensed"]
    place = {"defense": "Mean", "attack": "Late", "data": "digits", "partition": "IID", "share": "20%"}
    rest = {"attackers_excluded": "", "honest_excluded": "0", "wall_seconds_per_round": "1"}
    whys = [("0.5", "", ""), ("0.7", "", ""), ("0.9", "", "attack late had no effect"), ("", "no memory", "")]
    lines = [{**place, **rest, "test_accuracy": a, "failure": f, "doubts": d} for a, f, d in whys]
    ((_, found),) = condensed(lines).items()
    assert (found.trials, found.test_accuracy, found.failed, found.failure) == (4, 0.6, 2, "attack late had no effect")

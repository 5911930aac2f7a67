"""The pages made of the large sweeps tell what their tables hold, and what is missing in them."""

import runpy
from pathlib import Path

from fedprop.experiments.config_file import read_mapping

ROOT = Path(__file__).parents[2]
ROWS = read_mapping(ROOT / "sims" / "catalogue.yaml")["axes"]["defense"]


def test_the_page_says_which_kinds_have_no_numbers_yet():
    script = runpy.run_path(str(ROOT / "docs" / "defenses.py"))
    results, listed = script["kept"](), script["listed"]()
    assert {"krum", "norm_clipping", "moving_average", "siren_plus"} <= set(listed)
    fewer = {place: numbers for place, numbers in results.items() if place.defense != "SLSGD"}
    assert script["without_numbers"](fewer, [*listed, "brand_new"]) == ["moving_average", "brand_new"]
    missing = script["without_numbers"](results, [*listed, "brand_new"])
    assert script["told"](missing).endswith("`brand_new`.")
    assert script["told"](missing[:-1]) in (ROOT / "docs" / "defenses.md").read_text(encoding="utf-8")


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

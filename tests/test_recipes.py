"""The recipes of CONTRIBUTING.md work: each is followed in an empty folder, and used by the place of its file."""

import doctest
import inspect
import re
from pathlib import Path

import pytest
import yaml

from fedprop.experiments.experiment import Experiment
from fedprop.experiments.runner import run
from fedprop.loading import load_file
from fedprop.registry import place_of
from fedprop.report import pictures
from fedprop.report.publish import publish
from fedprop.verify import verify

PAGE = (Path(__file__).parent.parent / "CONTRIBUTING.md").read_text(encoding="utf-8")
RECIPES = dict(re.findall(r"^## Add an? ([\w-]+)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))
BLOCK = re.compile(r"^```(python|yaml)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
KINDS = (
    *("rule", "stage", "after-stage", "attack", "protocol", "task", "dataset", "encoding", "model"),
    *("partition", "number", "picture", "probe", "policy", "spec"),
)
UNCALLED = ("picture", "spec", "encoding")
"""Recipes without settings of an experiment, or for files that a test has to write."""

BASE = {
    "clients": 4,
    "rounds": 2,
    "data": {"kind": "digits", "train_size": 60, "test_size": 20},
    "model": "logistic_regression",
    "training": {"lr": 0.1, "batch_size": 16},
}


def followed(name: str, folder: Path) -> tuple[Path, dict]:
    """The file that a recipe shows, written into the folder, and the settings that use it."""
    blocks = BLOCK.findall(RECIPES[name])
    (code,) = (text for kind, text in blocks if kind == "python")
    settings = [yaml.safe_load(text) for kind, text in blocks if kind == "yaml"]
    path = folder / re.match(r"# file: (\w+\.py)\n", code)[1]
    path.write_text(code, encoding="utf-8")
    return path, settings[0] if settings else {}


def examples_hold(module) -> int:
    """How many examples its docstrings show, all of which hold."""
    runner = doctest.DocTestRunner()
    classes = [cls for _, cls in inspect.getmembers(module, inspect.isclass) if cls.__module__ == module.__name__]
    for cls in classes:
        for test in doctest.DocTestFinder(recurse=False).find(cls, cls.__name__, globs=dict(vars(module))):
            runner.run(test)
    found = runner.summarize(verbose=False)
    assert found.failed == 0
    return found.attempted


def places(value: object) -> list[str]:
    """Every `kind` in some settings that is a place."""
    if isinstance(value, dict):
        own = [value["kind"]] if ":" in str(value.get("kind", "")) else []
        return own + [place for part in value.values() for place in places(part)]
    return [place for part in value for place in places(part)] if isinstance(value, list) else []


def outcome_of(name: str, folder: Path, **more):
    """The module of a recipe, and what comes of an experiment that uses it."""
    path, settings = followed(name, folder)
    (place,) = places(settings)
    experiment = Experiment.model_validate({**BASE, **settings})
    # What a file says of it is what was asked for, so it is this class that ran.
    assert places(experiment.model_dump(mode="json")) == [place]
    module = load_file(path.relative_to(folder))
    assert place_of(vars(module)[place.rpartition(":")[2]]) == place
    return module, run(experiment, **more)


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_there_is_a_recipe_for_each_kind_and_it_lists_its_edits():
    assert set(KINDS) <= set(RECIPES)
    for name in KINDS:
        assert re.search(r"^1\. ", RECIPES[name], re.MULTILINE), name
        assert re.search(r"^2\. ", RECIPES[name], re.MULTILINE), name


def test_the_lists_that_recipes_name_are_where_they_say():
    root = Path(__file__).parent.parent
    for name, text in RECIPES.items():
        for listed, file in re.findall(r"`([A-Z_]+)` of `([\w/]+\.py)`", text):
            found = (root / "fedprop" / file).read_text(encoding="utf-8")
            assert re.search(rf"^{listed}\b", found, re.MULTILINE), (name, listed, file)


@pytest.mark.parametrize("name", [name for name in KINDS if name not in UNCALLED])
def test_a_recipe_is_a_class_that_a_run_can_use(name, tmp_path):
    module, outcome = outcome_of(name, tmp_path)
    assert len(outcome.rounds) == 2
    assert not any(record.failure for record in outcome.rounds)
    if ">>>" in RECIPES[name]:
        assert examples_hold(module) >= 1
    if name == "number":
        assert all(0 < record.numbers["trust"].value < 1 for record in outcome.rounds)
    if name == "probe":
        assert {finding.client for record in outcome.rounds for finding in record.findings} == {0, 1, 2, 3}
    if name == "protocol":
        assert all(record.ruling.case == "lengths" for record in outcome.rounds)


@pytest.mark.parametrize(("name", "given"), [("rule", {}), ("stage", {}), ("after-stage", {"longest": 0.5})])
def test_a_recipe_of_a_defense_breaks_no_claim(name, given, tmp_path):
    (place,) = places(followed(name, tmp_path)[1])
    report = verify(place, settings=given, examples=5)
    assert not report.fails
    assert not any(o.name == "streaming" and o.verdict == "broken" for o in report.outcomes)


def test_an_encoding_makes_texts_the_inputs_of_a_run(tmp_path):
    for part, group in [(part, group) for part in ("train", "test") for group in range(20)]:
        (tmp_path / "newsgroups" / f"20news-bydate-{part}" / f"{group:02}").mkdir(parents=True)
        (tmp_path / "newsgroups" / f"20news-bydate-{part}" / f"{group:02}" / "1").write_text("word " * group)
    module, outcome = outcome_of("encoding", tmp_path, data_dir=tmp_path)
    assert examples_hold(module) == 1
    assert not any(record.failure for record in outcome.rounds)


def test_a_picture_stands_on_the_page_of_a_run(tmp_path, monkeypatch):
    path, _ = followed("picture", tmp_path)
    module = load_file(path.relative_to(tmp_path))
    run(Experiment.model_validate(BASE), out=tmp_path / "run")
    monkeypatch.setattr(pictures, "PICTURES", (module.PICTURE,))
    page = publish(tmp_path / "run")
    assert "<h2>Updates used</h2>" in page.read_text(encoding="utf-8")


def test_a_spec_holds(tmp_path):
    path, _ = followed("spec", tmp_path)
    tests = [test for name, test in vars(load_file(path.relative_to(tmp_path))).items() if name.startswith("test_")]
    assert len(tests) == 2
    for test in tests:
        test()

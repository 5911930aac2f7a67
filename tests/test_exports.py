"""What the package offers: it exists, and with words that explain it."""

import contextlib
import importlib
import inspect
import io
import pkgutil
import re
from pathlib import Path

import pytest

import fedprop
from fedprop.aggregators import AGGREGATORS, POSTPROCESSORS, STAGES
from fedprop.attacks import ATTACKS
from fedprop.cli.kinds import Family
from fedprop.defenses import PROTOCOLS
from fedprop.experiments.catalogue import REGISTRIES, families, kinds, told_of

MODULES = ["fedprop", *(info.name for info in pkgutil.walk_packages(fedprop.__path__, "fedprop."))]
INSIDE = {"policies", "stalenesses", "distributions", "optimizers", "lr_schedules"}
"""Families whose classes are asked for by kind, and stand in modules of their own inside a package."""

PAPER = r"et al\b|\b(?:19|20)\d\d\b"
"""How docstrings cite."""

README = Path(__file__).parent.parent / "README.md"


@pytest.mark.parametrize("name", [m for m in MODULES if hasattr(importlib.import_module(m), "__all__")])
def test_exports_exist_and_are_explained(name):
    module = importlib.import_module(name)
    assert len(module.__all__) == len(set(module.__all__))
    for export in module.__all__:
        value = getattr(module, export)
        if inspect.isclass(value) or inspect.isfunction(value):
            assert value.__doc__, f"{name}.{export}"


@pytest.mark.parametrize("name", MODULES)
def test_everything_public_is_documented(name):
    module = importlib.import_module(name)
    assert (module.__doc__ or "").strip(), name
    for member, value in vars(module).items():
        if member.startswith("_") or getattr(value, "__module__", None) != name:
            continue
        if inspect.isclass(value) or inspect.isfunction(value):
            assert "__doc__" in vars(value) or inspect.isfunction(value), f"{name}.{member}"
            assert (value.__doc__ or "").strip(), f"{name}.{member}"
            assert not value.__doc__.startswith(f"{member}("), f"{name}.{member}: only a generated signature"


@pytest.mark.parametrize(
    "registry", [each for each in REGISTRIES if each.family not in INSIDE], ids=lambda registry: registry.family
)
def test_every_kind_is_offered_by_its_package(registry):
    package = importlib.import_module(registry.base.__module__.rpartition(".")[0])
    door = importlib.import_module(".".join(package.__name__.split(".")[:2]))
    for kind, cls in registry.kinds.items():
        assert getattr(door, cls.__name__) is cls, kind
        assert cls.__name__ in door.__all__, kind


def test_every_family_can_be_listed():
    assert sorted(family.value for family in Family) == sorted(families())


@pytest.mark.parametrize("family", families())
def test_every_kind_that_cites_a_paper_names_it_as_its_source(family):
    for kind, cls in kinds(family).items():
        assert told_of(family, cls)["source"] or not re.search(PAPER, cls.__doc__ or ""), kind


@pytest.mark.parametrize("family", families())
def test_every_kind_says_what_it_is(family):
    for kind, cls in kinds(family).items():
        assert cls.model_fields["kind"].default == kind
        assert len((cls.__doc__ or "").strip().splitlines()[0]) > 10, kind


def test_the_package_offers_every_rule_attack_and_protocol():
    for cls in [
        *AGGREGATORS.kinds.values(),
        *STAGES.kinds.values(),
        *POSTPROCESSORS.kinds.values(),
        *ATTACKS.kinds.values(),
        *PROTOCOLS.kinds.values(),
    ]:
        assert getattr(fedprop, cls.__name__) is cls
        assert cls.__name__ in fedprop.__all__


def test_the_package_offers_what_it_names_and_nothing_else():
    experiment, runner = "experiments.experiment", "experiments.runner"
    home = {"Dataset": "data", "Experiment": experiment, "load_experiment": experiment, "run": runner}
    for name, room in home.items():
        assert getattr(fedprop, name) is getattr(importlib.import_module(f"fedprop.{room}"), name)
    assert fedprop.aggregators is importlib.import_module("fedprop.aggregators")
    with pytest.raises(AttributeError, match="module 'fedprop' has no attribute 'Krumm'"):
        fedprop.Krumm  # noqa: B018


def examples():
    return re.findall(r"^```python\n(.*?)^```", README.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)


def test_the_examples_in_the_readme_run(tmp_path, monkeypatch):
    """In the order in which they stand, one namespace for all, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, object] = {"__name__": "readme"}
    for number, code in enumerate(examples(), start=1):
        with contextlib.redirect_stdout(io.StringIO()):
            exec(compile(code, f"README.md, example {number}", "exec"), namespace)
    assert namespace["aggregate"].shape == (1000,)
    assert float(namespace["answer"].weights.sum()) == pytest.approx(1, abs=1e-6)

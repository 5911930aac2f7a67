"""Imports run downward only: every import in the package is read and held against the levels."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import fedprop

ROOT = Path(fedprop.__file__).parent
LEVELS = (
    {
        "errors",
        "failures",
        "loading",
        "settings",
        "answers",
        "forms",
        "types",
        "params",
        "rng",
        "draws",
        "cores",
        "registry",
        "apart",
        "cluster",
        "files",
        "folders",
        "kernels",
    },
    {
        "aggregators",
        "attacks",
        "oracles",
        "data",
        "metrics",
        "models",
        "tasks",
        "tracking",
        "messages",
        "authentication",
        "clock",
        "distributions",
        "network",
    },
    {"training", "defenses", "privacy", "properties"},
    {"simulation"},
    {"experiments", "report", "verify"},
    {"bench", "flower", "cli", "__main__", "pytest_plugin"},
)
LEVEL = {room: level for level, rooms in enumerate(LEVELS) for room in rooms}
FILES = sorted(path for path in ROOT.rglob("*.py") if path != ROOT / "__init__.py")


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def room_of(path: Path) -> str:
    """The folder or module directly below the package."""
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imports(path: Path) -> Iterator[str]:
    """The full name of every module and object that a file imports, wherever in the file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name_of(path)} line {node.lineno}: imports must be absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def rooms(path: Path) -> set[str]:
    """The rooms of this package that a file imports from."""
    found = {name.split(".")[1] for name in imports(path) if name.startswith("fedprop.")}
    assert "fedprop" not in set(imports(path)), f"{name_of(path)} must import from a module, not from the package"
    return found


def libraries(path: Path) -> set[str]:
    """The other packages that a file imports."""
    return {name.split(".")[0] for name in imports(path)} - {"fedprop"}


def test_every_room_has_a_level():
    assert {room_of(path) for path in FILES} <= set(LEVEL)


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_imports_run_downward(path):
    level = LEVEL[room_of(path)]
    upward = {room for room in rooms(path) if LEVEL[room] > level}
    assert not upward, f"{name_of(path)} is on level {level} and imports {sorted(upward)} from above"


def test_no_two_rooms_import_each_other():
    graph: dict[str, set[str]] = {}
    for path in FILES:
        graph.setdefault(room_of(path), set()).update(rooms(path) - {room_of(path)})
    assert list(TopologicalSorter(graph).static_order())  # raises CycleError, with the cycle


@pytest.mark.parametrize(
    ("room", "forbidden"),
    [
        ("attacks", {"aggregators", "defenses"}),
        ("oracles", {"aggregators", "attacks"}),
        ("aggregators", {"attacks"}),
        ("training", {"aggregators", "attacks"}),
        ("properties", {"simulation"}),
    ],
)
def test_rooms_that_must_not_know_each_other(room, forbidden):
    for path in FILES:
        if room_of(path) == room:
            assert not rooms(path) & forbidden, name_of(path)


@pytest.mark.parametrize(
    ("library", "allowed"),
    [
        ("typer", {"cli"}),
        ("rich", {"cli", "report"}),
        ("matplotlib", {"report"}),
        ("jinja2", {"report"}),
        ("yaml", {"experiments", "report"}),
        ("sqlite3", {"experiments"}),
        ("filelock", {"folders"}),
        ("sklearn", {"aggregators", "data", "defenses", "metrics", "privacy"}),
        ("opacus", {"privacy"}),
        ("torchmetrics", {"privacy"}),
        ("flwr", {"flower", "verify"}),
        ("mlflow", {"tracking"}),
        ("tensorboard", {"tracking"}),
        ("wandb", {"tracking"}),
        ("ray", {"cluster"}),
        ("hypothesis", {"cli", "properties", "verify"}),
        ("pytest", {"pytest_plugin"}),
        ("pickle", set()),
    ],
)
def test_libraries_stay_in_their_rooms(library, allowed):
    users = {room_of(path) for path in FILES if library in libraries(path)}
    assert users <= allowed


HEAVY = {
    "opacus",
    "matplotlib",
    "scipy",
    "sklearn",
    "torchmetrics",
    "jinja2",
    "hypothesis",
    "z3",
    "pytest",
    "flwr",
    "mlflow",
    "tensorboard",
    "wandb",
    "ray",
}


@pytest.mark.parametrize(
    ("code", "unwanted"),
    [
        ("import fedprop", {*HEAVY, "torch", "typer"}),
        ("from fedprop import *", {*HEAVY, "typer"}),
        ("import fedprop.cli", {*HEAVY, "torch"}),
    ],
)
def test_heavy_libraries_are_imported_late(code, unwanted):
    report = "import sys; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", f"{code}\n{report}"], capture_output=True, text=True, check=True)
    assert not unwanted & set(done.stdout.split())


def test_a_file_of_more_than_400_lines_is_two_files():
    lines = {name_of(path): len(path.read_text(encoding="utf-8").splitlines()) for path in FILES}
    assert {name: many for name, many in lines.items() if many > 400} == {}

"""Files are loaded with the modules beside them, each folder for itself."""

import copy
import inspect
import pickle
import sys
import typing

import pytest

from fedprop.errors import InvalidConfig
from fedprop.loading import SOURCE, load_file


@pytest.fixture
def write(tmp_path):
    """Writes files below a folder of this test, by name and text."""

    def call(**files):
        for name, text in files.items():
            path = tmp_path / f"{name.replace('__', '/')}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path

    return call


def value(path):
    return load_file(path).value


def test_a_file_imports_its_neighbours_in_every_way(write):
    folder = write(
        helper="import further\nanswer = further.answer",
        further="answer = 42",
        package__init="",
        package__part="import further\nfrom .sibling import one\nanswer = further.answer + one",
        package__sibling="one = 1",
        plain__deep="answer = 44",
    )
    (folder / "package/init.py").rename(folder / "package/__init__.py")
    ways = {
        "import helper\nvalue = helper.answer": 42,
        "import helper as h\nvalue = h.answer": 42,
        "from helper import answer as value": 42,
        "from helper import *\nvalue = answer": 42,
        "import package.part\nvalue = package.part.answer": 43,
        "import package.part as p\nvalue = p.answer": 43,
        "from package import part\nvalue = part.answer": 43,
        "from package.part import answer as value": 43,
        "from plain.deep import answer as value": 44,
        "from .further import answer as value": 42,
        "import os.path, sys\nvalue = os.path.sep, sys.path": (__import__("os").path.sep, sys.path),
    }
    for number, (text, due) in enumerate(ways.items()):
        write(**{f"rule{number}": text})
        assert value(folder / f"rule{number}.py") == due, text
    assert not {"helper", "further", "package", "plain"} & set(sys.modules)
    assert str(folder) not in sys.path


def test_neighbours_of_one_name_in_two_folders_do_not_mix(write):
    late = "import helper\ndef value():\n    import late\n    return helper.answer, late.answer"
    folder = write(
        a__rule=late,
        a__helper="answer = 'a'",
        a__late="answer = 1",
        b__rule=late,
        b__helper="answer = 'b'",
        b__late="answer = 2",
    )
    a, b = (load_file(folder / name / "rule.py") for name in "ab")
    assert (a.value(), b.value(), a.value()) == (("a", 1), ("b", 2), ("a", 1))


def test_two_files_of_a_folder_share_its_modules(write):
    folder = write(
        rule="import helper\nvalue = helper.Base", attack="from helper import Base as value", helper="class Base: ..."
    )
    assert value(folder / "rule.py") is value(folder / "attack.py")
    assert load_file(folder / "helper.py").Base is value(folder / "rule.py")
    assert load_file(folder / "rule.py") is load_file(folder / "rule.py")


def test_a_changed_neighbour_is_loaded_again_and_changes_the_digest(write):
    folder = write(
        rule="import helper\nvalue = helper.answer",
        helper="import further\nanswer = further.x",
        further="x = 1",
        other="y = 1",
    )
    first, before = load_file(folder / "rule.py"), getattr(load_file(folder / "rule.py"), SOURCE)
    write(other="y = 2")
    assert getattr(load_file(folder / "rule.py"), SOURCE) == before
    write(further="x = 2")
    assert (value(folder / "rule.py"), first.value) == (2, 1)
    assert getattr(load_file(folder / "rule.py"), SOURCE) != before
    write(further="x = 1")
    assert getattr(load_file(folder / "rule.py"), SOURCE) == before


def test_what_runs_and_what_python_brings_is_not_replaced(write):
    folder = write(
        rule="import fedprop, random, statistics_of_mine\nvalue = fedprop.__file__, random.random()",
        fedprop="nonsense = 1",
        random="nonsense = 1",
        statistics_of_mine="import fedprop",
    )
    import fedprop

    assert value(folder / "rule.py")[0] == fedprop.__file__


def test_a_module_that_is_importable_anyway_is_the_same_one(write, monkeypatch):
    folder = write(rule="import a_module_on_the_path as m\nvalue = m", a_module_on_the_path="x = 1")
    monkeypatch.syspath_prepend(folder)
    import a_module_on_the_path

    assert value(folder / "rule.py") is a_module_on_the_path
    monkeypatch.delitem(sys.modules, "a_module_on_the_path")


CLASSES = """
from __future__ import annotations
from dataclasses import dataclass
from pydantic import BaseModel
from typing import Optional

@dataclass
class Point:
    x: Optional[int] = 1

class Model(BaseModel):
    point: Optional[Point] = None

def double(x):
    return 2 * x
"""


def test_what_python_does_with_classes_and_functions_works(write):
    folder = write(rule="from helper import Model, Point, double", helper=CLASSES)
    found = load_file(folder / "rule.py")
    assert pickle.loads(pickle.dumps(found.Point(3))) == found.Point(3)
    assert copy.deepcopy(found.Model(point=found.Point(2))) == found.Model(point=found.Point(2))
    assert typing.get_type_hints(found.Point) == {"x": typing.Optional[int]}  # noqa: UP045
    assert inspect.getsource(found.double) == "def double(x):\n    return 2 * x\n"
    assert eval(found.double.__code__.co_name, vars(found))(2) == 4


@pytest.mark.parametrize(
    ("helper", "told"),
    [
        ("1 / 0", r"rule.py failed while loading: ZeroDivisionError"),
        ("import sys\nsys.exit(0)", r"rule.py failed while loading: SystemExit: 0, which belongs under"),
        (
            "import nothing_at_all",
            r"rule.py failed while loading: ModuleNotFoundError: No module named 'nothing_at_all'",
        ),
    ],
)
def test_a_neighbour_that_fails_is_told(write, helper, told):
    folder = write(rule="import helper", helper=helper)
    with pytest.raises(InvalidConfig, match=told):
        load_file(folder / "rule.py")
    write(helper="")
    assert load_file(folder / "rule.py")

import subprocess
import sys
from dataclasses import fields, replace

import pytest
import torch
from torch import nn

from fedprop.aggregators import Krum
from fedprop.data import Dataset, Examples
from fedprop.experiments.experiment import Experiment
from fedprop.experiments.identity import code_of, data_digest, differences, module_digest, source_digest
from fedprop.registry import load_target

OWN = """
from fedprop.aggregators import Aggregator
SCALE = {}

class Own(Aggregator):
    kind: str = "own"

    def combine(self, cohort, state):
        raise NotImplementedError

class Child(Own):
    kind: str = "child"
"""


@pytest.fixture
def own(tmp_path):
    """Writes a rule to a file and loads it."""

    def load(scale, name="Own"):
        (tmp_path / "own.py").write_text(OWN.format(scale))
        return load_target(f"{tmp_path / 'own.py'}:{name}")

    return load


def test_a_class_is_known_by_the_text_of_its_file(own):
    assert source_digest(own(1)) == source_digest(own(1))
    assert source_digest(own(1)) != source_digest(own(2))
    assert source_digest(own(1, "Child")) != source_digest(own(2, "Child"))


def test_what_was_loaded_is_known_by_what_it_was_then(own):
    cls = own(1)
    digest = source_digest(cls)
    own(2)
    assert source_digest(cls) == digest


def test_what_comes_with_the_package_is_known_by_its_version():
    assert code_of(Experiment(rounds=1, clients=9, defense=Krum(f=1)))["sources"] == {}


def test_every_part_of_an_experiment_is_looked_at(own, tmp_path):
    own(1)
    place = f"{tmp_path / 'own.py'}:Own"
    chain = [{"kind": "nearest_neighbour_mixing", "f": 1}, {"kind": place}]
    assert list(code_of(Experiment(rounds=1, clients=9, defense=chain))["sources"]) == [place]


SCRIPT = """
from fedprop.experiments.identity import source_digest
note = {0}
class Own:
    limit = {1}
    def call(self):
        return [x * {2} for x in range(3)]
print(source_digest(Own))
"""


def test_in_a_script_the_class_counts_and_not_the_lines_around_it():
    def digests(*variants):
        code = "\n".join(SCRIPT.format(*variant) for variant in variants)
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        return done.stdout.split()

    plain, noted, limited, other = digests((1, 2, 3), (9, 2, 3), (1, 9, 3), (1, 2, 9))
    assert plain == noted
    assert len({plain, limited, other}) == 3


def a_dataset(**changes):
    arrays = {"x_train": [[0.0], [1.0]], "y_train": [0, 1], "x_test": [[0.5]], "y_test": [1], **changes}
    return Dataset.from_arrays("mine", **arrays)


def test_data_are_known_by_every_example():
    known = data_digest(a_dataset())
    assert known == data_digest(a_dataset(x_train=torch.tensor([[0.0], [1.0]]).T.clone().T))
    others = [{"x_train": [[0.0], [1.5]]}, {"y_train": [1, 0]}, {"x_test": [[0.6]]}, {"y_test": [0]}, {"classes": 3}]
    assert len({known, *(data_digest(a_dataset(**change)) for change in others)}) == 6


def test_data_are_known_by_whose_they_are_and_whether_each_position_has_an_answer():
    known = a_dataset()
    whose = [torch.tensor([0, 1]), torch.tensor([1, 0])]
    others = [replace(known, train=replace(known.train, users=users)) for users in whose]
    others.append(replace(known, test=replace(known.test, users=torch.tensor([0]))))
    rows = replace(known.train, y=known.train.y[:, None]), replace(known.test, y=known.test.y[:, None])
    others += [Dataset("mine", *rows, classes=2, sequences=sequences) for sequences in (True,)]
    assert len({data_digest(known), *map(data_digest, others)}) == 1 + len(others)


def test_every_part_of_the_data_counts():
    """A new field must be looked at too, or be named here as one that is no part of the data."""
    assert {field.name for field in fields(Examples)} == {"x", "y", "users"}
    assert {field.name for field in fields(Dataset)} == {"name", "train", "test", "classes", "sequences"}


def test_a_model_is_known_by_what_it_consists_of_and_where_it_begins():
    def model(*layers, seed=0):
        torch.manual_seed(seed)
        return nn.Sequential(nn.Linear(2, 2), *layers)

    same = [model(), model()]
    others = [model(seed=1), model(nn.ReLU()), model(nn.Tanh()), model(nn.BatchNorm1d(2)), model().double()]
    assert len({*map(module_digest, same)}) == 1
    assert len({*map(module_digest, [*same, *others])}) == 6


def test_a_module_of_ones_own_is_known_by_its_text_too(tmp_path):
    def digest(factor):
        text = f"from torch import nn\nclass Net(nn.Flatten):\n    def forward(self, x):\n        return x * {factor}\n"
        (tmp_path / "net.py").write_text(text)
        return module_digest(load_target(f"{tmp_path / 'net.py'}:Net")())

    assert digest(1) != digest(2)


def test_differences_name_the_path_and_both_values():
    then = {"a": 1, "b": {"c": [1, {"d": 2}]}, "gone": True, "n": float("nan")}
    now = {"a": 1, "b": {"c": [1, {"d": 3}]}, "new": None, "n": float("nan")}
    assert list(differences(then, now)) == [("b.c.1.d", 2, 3), ("gone", True, None)]
    assert list(differences({"a": [1]}, {"a": [1, 2]})) == [("a", [1], [1, 2])]
    assert list(differences({"a": 1}, {"a": True})) == [("a", 1, True)]

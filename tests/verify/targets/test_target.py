"""Every way of writing a rule becomes one that can be asked with rows."""

import sys
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

from fedprop import SirenPlus
from fedprop.aggregators import Krum, Mean, Median, NearestNeighbourMixing
from fedprop.errors import InvalidConfig
from fedprop.properties import claims
from fedprop.verify.targets.target import find_target, load_rule

ROWS = torch.tensor([[0.0, 1.0], [2.0, 3.0], [4.0, 8.0]])
MEAN = [2.0, 4.0]


def plain(rows):
    return rows.mean(dim=0)


def numpy_mean(rows):
    return np.mean(rows, axis=0, dtype=rows.dtype)


def with_f(rows, f):
    return rows.mean(dim=0) + f


def factory(f):
    return lambda rows: rows.mean(dim=0) + f


def peer_factory(n_byzantine=0):
    return lambda rows: rows.mean(dim=0) + n_byzantine


def with_examples(rows, examples):
    shares = torch.tensor(examples, dtype=rows.dtype)
    return shares @ rows / shares.sum()


def with_option(rows, *, scale):
    return scale * rows.mean(dim=0)


def by_name(*, updates, n_byzantine):
    return updates.mean(dim=0) + n_byzantine


def f_first(f, updates):
    return updates.mean(dim=0) + f


def anything(*args):
    return args[0].mean(dim=0)


def two_settings(f, scale):
    return lambda rows: rows.mean(dim=0) * scale + f


class Told:
    """Its calls are told of examples."""

    def __init__(self, f):
        self.f = f

    def __call__(self, rows, examples):
        return with_examples(rows, examples) + self.f


class Module(nn.Module):
    def __init__(self, num_byzantine, power=1):
        super().__init__()
        self.shift = power * num_byzantine

    def forward(self, rows):
        return rows.mean(dim=0) + self.shift


@pytest.mark.parametrize(
    ("target", "shift"),
    [
        (plain, 0.0),
        (numpy_mean, 0.0),
        (with_f, 2.0),
        (factory, 2.0),
        (peer_factory, 2.0),
        (with_examples, 0.0),
        (by_name, 2.0),
        (f_first, 2.0),
        (anything, 0.0),
        (partial(with_f, f=1), 1.0),
        (partial(with_option, scale=1.0), 0.0),
        (Told, 2.0),
        (Told(1), 1.0),
        (Module, 2.0),
        (Module(1), 1.0),
        (Mean, 0.0),
        (Mean(), 0.0),
    ],
)
def test_a_rule_answers_however_it_is_written(target, shift):
    rule = load_rule(target, f=2)
    assert rule(ROWS).tolist() == [value + shift for value in MEAN]
    assert rule(ROWS).dtype == torch.float32


def test_what_depends_on_f_says_so():
    assert [find_target(t).takes_f for t in (plain, with_f, factory, Module, Krum, Median)] == [
        False,
        True,
        True,
        True,
        True,
        False,
    ]
    assert find_target(Krum(f=3)).fixed == 3
    assert find_target(NearestNeighbourMixing(f=1) >> Krum(f=3)).fixed == 3
    assert find_target(Krum, {"f": 1}).fixed == 1


def test_settings_reach_classes_and_functions():
    assert load_rule(Module, f=2, settings={"power": 5})(ROWS).tolist() == [12.0, 14.0]
    assert load_rule(with_option, settings={"scale": 2.0})(ROWS).tolist() == [4.0, 8.0]
    assert load_rule(Krum, f=0, settings={"m": 3})(ROWS).tolist() == MEAN


def test_a_setting_is_not_overruled_by_the_f_that_is_tried():
    assert load_rule(with_f, f=2, settings={"f": 1})(ROWS).tolist() == [3.0, 5.0]
    assert load_rule(factory, f=2, settings={"f": 1})(ROWS).tolist() == [3.0, 5.0]
    assert load_rule(two_settings, f=2, settings={"scale": 2.0})(ROWS).tolist() == [6.0, 10.0]
    for target in (with_f, factory, Module):
        name = "num_byzantine" if target is Module else "f"
        assert (find_target(target, {name: 1}).fixed, find_target(target, {name: 1}).takes_f) == (1, False)


def test_what_a_partial_was_given_stays():
    assert (find_target(partial(with_f, f=1)).fixed, find_target(partial(with_f, f=1)).takes_f) == (1, False)
    with pytest.raises(InvalidConfig, match=r"--set names \['scale'\]"):
        load_rule(partial(with_option, scale=1.0), settings={"scale": 2.0})


def test_a_stage_is_followed_by_the_mean():
    assert load_rule(NearestNeighbourMixing, f=0)(ROWS).tolist() == MEAN


def test_claimed_examples_reach_the_rule():
    for target in (with_examples, Told, Told(0)):
        rule = load_rule(target)
        assert rule.with_examples(ROWS, (0, 0, 5)).tolist() == [4.0, 8.0]


def test_declared_claims_are_found():
    declared = claims(translation=True)(lambda rows: rows.mean(dim=0))
    assert find_target(declared).declared.translation
    assert find_target(plain).declared is None


@pytest.mark.parametrize(
    ("target", "settings", "told"),
    [
        (3, {}, "must be a rule, an attack, a defense or a codec; found int = 3"),
        (lambda: None, {}, "must take rows"),
        (with_option, {}, r"of which \['scale'\] need --set"),
        (plain, {"scale": 1}, r"--set names \['scale'\]"),
        (Mean(), {"weighting": "examples"}, "--set is for a class or a factory"),
        (Module, {"colour": "red"}, "cannot be made with"),
        (Krum, {"m": 0}, "cannot be made with"),
        (type, {}, "signature"),
        (lambda rows, losses: rows[0], {}, r"\['losses'\] need --set; what only a server can tell, such as losses"),
        (SirenPlus, {}, "found SirenPlus, a protocol: a rule is only a part of it"),
        (SirenPlus(), {}, "a protocol: a rule is only a part of it"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_a_sentence(target, settings, told):
    with pytest.raises(InvalidConfig, match=told):
        load_rule(target, f=1, settings=settings)


def test_a_class_must_make_something_callable():
    class Silent:
        def __init__(self, f):
            self.f = f

    with pytest.raises(InvalidConfig, match="must make something that can be called"):
        load_rule(Silent, f=1)


class Exits:
    def __init__(self, f):
        sys.exit(0)


class Breaks:
    def __init__(self, f):
        raise KeyError("no such key")


@pytest.mark.parametrize(("cls", "told"), [(Exits, "SystemExit: 0"), (Breaks, "KeyError: 'no such key'")])
def test_a_class_that_cannot_be_made_is_refused_whatever_it_raises(cls, told):
    with pytest.raises(InvalidConfig, match=f"cannot be made with .*: {told}"):
        load_rule(cls, f=1)

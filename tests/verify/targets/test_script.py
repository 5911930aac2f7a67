"""Python for targets: names, imports, sources, and what is left to the reader."""

import functools
import textwrap

import pytest
import torch

from fedprop.aggregators import Krum, Median, NearestNeighbourMixing
from fedprop.attacks import SignFlip
from fedprop.verify.targets.script import defined, finds, label_of, obtain

SCALE = 3.0
ROWS = torch.tensor([[1.0], [2.0], [6.0]])

twice = lambda rows: 2 * rows.mean(dim=0)  # noqa: E731


def thrice(rows, f=0):
    return SCALE * rows.mean(dim=0)


def made(factor):
    def scaled(rows):
        """Uses what is around it, and what its module imported."""
        return functools.reduce(torch.add, rows) * factor

    return scaled


class Silent:
    def __call__(self, rows):
        return rows[0].clone()


def test_what_a_file_names_is_loaded():
    found = obtain(SignFlip, "my.py:Flip", {"z": 2.0})
    assert found == ("from fedprop.registry import load_target", "load_target('my.py:Flip')(z=2.0)")
    assert obtain(SignFlip(), "my.py:flip", {})[1] == "load_target('my.py:flip')"


def test_what_can_be_imported_is_imported():
    label = "fedprop.attacks.sign_flip:SignFlip"
    assert obtain(SignFlip, label, {}) == ("from fedprop.attacks.sign_flip import SignFlip", "SignFlip()")
    assert obtain(SignFlip(z=2.0), label, {"z": 2.0})[1] == "SignFlip(z=2.0)"


def test_what_a_label_misses_is_found_where_it_is():
    for label in ("__main__.:local.<locals>.Flip", "no_such_module:Flip", "fedprop:NoSuchName"):
        assert obtain(SignFlip, label, {}) == ("from fedprop.attacks.sign_flip import SignFlip", "SignFlip()")


def test_a_name_that_a_module_gives_is_the_label():
    assert label_of(twice) == f"{__name__}:twice"
    assert finds(label_of(twice), twice)
    assert label_of(Krum) == "fedprop.aggregators.krum:Krum"
    assert not finds(label_of(Krum(f=1)), Krum(f=1))
    assert not finds(label_of(lambda rows: rows), twice)


@pytest.mark.parametrize(
    "target",
    [
        lambda rows: 2 * rows.mean(dim=0) + SCALE,
        lambda rows: 2 * rows.mean(dim=0) + 4.0,
        lambda rows: 2 * rows.mean(dim=0) + 5.0,
        made(5),
        functools.partial(thrice, f=1),
        Krum(f=0, m=2),
        NearestNeighbourMixing(f=1) >> Median(),
    ],
    ids=["lambda with a global", "lambda", "another lambda", "closure", "partial", "rule", "chain"],
)
def test_what_nobody_names_is_written_down(target):
    lines, expression = defined(target, label_of(target))
    scope = {}
    exec(textwrap.dedent(lines), scope)
    again = eval(expression, scope)
    assert again(ROWS).tolist() == target(ROWS).tolist()


def test_what_cannot_be_written_down_is_left_to_the_reader():
    rows = [ROWS]
    for target in (Silent(), lambda _: rows[0]):
        lines, expression = defined(target, label_of(target))
        assert (lines[:12], expression) == ("target = ...", "target")
        assert "cannot be imported: put what was verified here" in lines

"""Callables as rules: every form of rows and answers, and whose fault an error is."""

import sys

import numpy as np
import pytest
import torch

from fedprop.verify import verify
from fedprop.verify.hunting.claim import Crashed, Refused
from fedprop.verify.rules.asked import blame
from fedprop.verify.targets.target import find_target, load_rule

ROWS = torch.tensor([[0.0, 1.0, 2.0], [2.0, 3.0, 4.0], [4.0, 8.0, 9.0]])
MEAN = [2.0, 4.0, 5.0]


def of_tensors(rows):
    return sum(row for row in rows) / len(rows) if isinstance(rows, list) else fails(rows)


def of_arrays(rows):
    return np.mean(np.vstack(rows), axis=0, dtype=rows[0].dtype) if isinstance(rows, list) else fails(rows)


def of_states(models):
    return {name: sum(model[name] for model in models) / len(models) for name in models[0].keys()}  # noqa: SIM118


def of_parameters(models):
    return [torch.stack(layers).mean(dim=0) for layers in zip(*map(parts, models), strict=True)]


def of_flower(models):
    return [
        np.mean(np.stack(layers), axis=0, dtype=layers[0].dtype) for layers in zip(*map(parts, models), strict=True)
    ]


def of_numbers(rows):
    return [sum(column) / len(column) for column in zip(*map(plain, rows), strict=True)]


def one_by_one(rows):
    return [column.mean() for column in rows.T]


def fails(rows):
    raise TypeError(f"{type(rows)} is nothing to average")


def parts(model):
    return model if isinstance(model, list) else fails(model)


def plain(row):
    return row if isinstance(row, list) and isinstance(row[0], float) else fails(row)


@pytest.mark.parametrize(
    ("rule", "form"),
    [
        (of_tensors, "a list of tensors"),
        (of_arrays, "a list of arrays"),
        (of_states, "a list of state dicts"),
        (of_parameters, "a list of parameter lists"),
        (of_flower, "a list of lists of arrays"),
        (of_numbers, "a list of lists of numbers"),
        (one_by_one, "a tensor [n, d]"),
    ],
)
def test_rows_are_handed_over_in_the_form_that_a_rule_takes(rule, form):
    for rows in (ROWS, ROWS.double(), ROWS[:, :1]):
        target = find_target(rule)
        assert target.make(0)(rows).tolist() == MEAN[: rows.shape[1]]
        assert target.make(0)(rows).dtype == rows.dtype
        assert target.hearing.dialect.name == form


def test_what_is_written_to_a_form_is_written_to_the_rows():
    def spoils(models):
        models[0]["layer.weight"] += 1
        return models[1]

    def adds_up(rows):
        rows[0] += sum(rows[1:]) if isinstance(rows, list) else fails(rows)
        return rows[0] / len(rows)

    for rule in (spoils, adds_up):
        rows = ROWS.clone()
        load_rule(rule)(rows)
        assert not torch.equal(rows, ROWS)
    assert "untouched" in {o.name for o in verify(adds_up, examples=3, curious=False).outcomes if o.fails}


def test_answers_that_cannot_be_written_to_are_answers():
    weight = torch.ones(3, requires_grad=True)
    for rule in (torch.inference_mode()(lambda rows: rows.mean(dim=0)), lambda rows: rows.mean(dim=0) * weight):
        found = load_rule(rule)(ROWS)
        assert (found.tolist(), found.requires_grad) == (MEAN, False)


def needs_four(rows):
    if len(rows) < 4:
        raise ValueError("too few")
    return rows.mean(dim=0)


def divides(rows):
    if bool((rows == 0).all()):
        raise ZeroDivisionError("no row has a length")
    return rows.mean(dim=0)


def test_errors_are_told_apart_by_whose_fault_they_are():
    with pytest.raises(Refused, match="ValueError: too few"):
        load_rule(needs_four)(ROWS)
    with pytest.raises(Crashed, match="ZeroDivisionError: no row has a length"):
        load_rule(divides)(torch.zeros(3, 2))
    assert isinstance(blame(divides, torch.zeros(3, 2), ZeroDivisionError()), Crashed)
    assert isinstance(blame(needs_four, ROWS, ValueError()), Refused)


def test_a_rule_that_would_end_python_has_no_answer():
    def leaves(rows):
        sys.exit(0)

    def leaves_zeros(rows):
        return rows.mean(dim=0) if rows.any() else sys.exit(0)

    with pytest.raises(Refused, match=r"rows of shape \[3, 3\] are refused \(EndsPython: SystemExit: 0 "):
        load_rule(leaves)(ROWS)
    with pytest.raises(Crashed, match="SystemExit: 0"):
        load_rule(leaves_zeros)(torch.zeros(3, 2))
    assert verify(leaves, examples=2).broken
    assert verify(leaves_zeros, examples=20).broken


@pytest.mark.parametrize(
    ("rule", "found"),
    [
        (lambda rows: rows.tolist(), "list of 3"),
        (lambda rows: (rows.mean(dim=0), torch.ones(len(rows))), "tuple of 2"),
        (lambda rows: None, "NoneType"),
        (lambda rows: "mean", "str"),
        (lambda rows: rows.mean(dim=0).to_sparse(), "a tensor of shape"),
    ],
)
def test_an_answer_that_is_no_vector_is_told(rule, found):
    with pytest.raises(
        Refused, match=f"must be one vector .d., a tensor or an array, and nothing beside it; found {found}"
    ):
        load_rule(rule)(ROWS)


def test_no_vector_for_some_rows_is_a_failure_on_these():
    with pytest.raises(Crashed, match="must be one vector"):
        load_rule(lambda rows: rows.mean(dim=0) if rows.any() else None)(torch.zeros(3, 2))


def test_a_rule_that_takes_no_form_of_rows_is_told_what_to_wrap():
    with pytest.raises(
        Refused, match=r"TypeError: .* is nothing to average.*a list of state dicts.*wrap it in a function"
    ):
        load_rule(fails)(ROWS)

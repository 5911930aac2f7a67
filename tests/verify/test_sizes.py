"""Code that changes its ways with the number of rows or columns, or with large counts, is caught."""

import numpy as np
import pytest
import torch

from fedprop.verify.command import claims_of
from fedprop.verify.hunting.hunt import Effort, hunt, hunt_all

EFFORT = Effort(10, 0, shrink=False)
WEIGHTED = {"kind": "mean", "weighting": "examples"}


def outcome(rule, reference, name, effort=EFFORT):
    claim = next(claim for claim in claims_of(rule, as_=reference) if claim.name == name)
    return hunt_all([claim], effort)[0]


def found_wrong(rule, reference, name):
    """The outcome that tells on a rule. Of each size there are two inputs, so that another draw may be needed."""
    efforts = (Effort(10, seed, shrink=False) for seed in range(5))
    return next(found for effort in efforts if (found := outcome(rule, reference, name, effort)).verdict == "broken")


def mean_of(first, until):
    """The mean, unless there are so many rows."""
    return lambda rows: rows[0].clone() if first <= len(rows) < until else rows.mean(dim=0)


@pytest.mark.parametrize(("first", "until"), [(12, 20), (25, 40), (30, 49), (50, 90), (100, 1000)])
def test_a_number_of_rows_at_which_code_changes_is_met(first, until):
    found = found_wrong(mean_of(first, until), "mean", "definition")
    assert first <= len(found.counterexample.rows) < until


def mean_up_to(column):
    """The mean, with zeros from some column on."""

    def rule(rows):
        found = rows.mean(dim=0)
        found[column:] = 0
        return found

    return rule


@pytest.mark.parametrize("column", [3, 30, 99, 128, 256, 999])
def test_a_column_at_which_code_changes_is_met(column):
    found = found_wrong(mean_up_to(column), "mean", "definition")
    assert len(found.counterexample.rows[0]) > column


def krum(rows, f, *, neighbours=1000, columns=10_000):
    n = len(rows)
    if n < 2 * f + 3:
        raise ValueError("too few")
    seen = rows[:, :columns]
    distances = (seen[:, None] - seen).square().sum(dim=2).fill_diagonal_(torch.inf)
    return rows[distances.sort(dim=1).values[:, : min(neighbours, n - f - 2)].sum(dim=1).argmin()].clone()


def test_a_cap_on_neighbours_or_columns_is_found():
    assert len(found_wrong(lambda rows, f: krum(rows, f, neighbours=40), "krum", "definition").counterexample.rows) > 40
    assert (
        len(found_wrong(lambda rows, f: krum(rows, f, columns=100), "krum", "definition").counterexample.rows[0]) > 100
    )
    assert outcome(krum, "krum", "definition").verdict == "holds"


def weighted(rows, counts):
    shares = torch.tensor(counts, dtype=rows.dtype)
    return shares @ rows / shares.sum()


def test_what_breaks_at_a_size_shrinks_to_a_few_different_rows_or_columns():
    claim = next(claim for claim in claims_of(mean_of(50, 10_000), as_="mean") if claim.name == "definition")
    shown = hunt(claim, Effort(10, 0)).counterexample
    assert (len(shown.rows), len(set(shown.rows))) == (50, 2)
    assert "repeat_interleave(torch.tensor([1, 49]), dim=0)" in shown.code


CAREFUL = {
    "exact": lambda rows, examples: weighted(rows, examples),
    "in NumPy": lambda rows, examples: torch.from_numpy(np.average(rows.numpy(), axis=0, weights=examples)).to(
        rows.dtype
    ),
}
CARELESS = {
    "cut off at five": lambda rows, examples: weighted(rows, [min(k, 5) for k in examples]),
    "cut off at a thousand": lambda rows, examples: weighted(rows, [min(k, 1000) for k in examples]),
    "in 16 bits": lambda rows, examples: weighted(rows, np.array(examples).astype(np.int16).tolist()),
    "at least one": lambda rows, examples: weighted(rows, [max(k, 1) for k in examples]),
    "in powers of ten": lambda rows, examples: weighted(rows, [10 ** len(str(k)) for k in examples]),
}


@pytest.mark.parametrize("name", CAREFUL)
def test_large_counts_are_weights(name):
    assert outcome(CAREFUL[name], WEIGHTED, "examples").verdict == "holds"


@pytest.mark.parametrize("name", CARELESS)
def test_counts_that_are_not_taken_as_they_are_are_found(name):
    assert outcome(CARELESS[name], WEIGHTED, "examples").verdict == "broken"

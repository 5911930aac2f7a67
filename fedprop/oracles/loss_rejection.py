"""Definition of error rate and loss function based rejection, around any rule."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

from fedprop.oracles.mean import mean
from fedprop.oracles.vectors import Row, Rows

Measure = Callable[[Row], float]
Rule = Callable[[Rows], list[float]]


def rejected(rows: Rows, measure: Measure, count: int, order: Sequence[int], rule: Rule = mean) -> list[int]:
    """The rows with the largest measure(all) - measure(all but i), of equal ones those that come first in the order.

    measure(all) is the same for all i and left out, since the differences would be rounded.
    """
    if count == 0:
        return []
    without = [measure(rule([x for j, x in enumerate(rows) if j != i])) for i in range(len(rows))]
    return sorted(order, key=lambda i: without[i])[:count]


def loss_rejection(
    rows: Rows,
    loss: Measure,
    accuracy: Measure,
    f: int,
    generator: torch.Generator,
    by: str = "loss",
    rule: Rule = mean,
) -> list[float]:
    """The rule on the rows not rejected by error rate (one minus accuracy), by loss, or by either (`union`).

    Source: Fang et al., USENIX Security 2020, Section 5, with c = f. It says nothing of equal effects; the order among
    those is torch's `randperm`.
    """
    order = _order(rows, generator) if f else []
    measures: dict[str, Sequence[Measure]] = {
        "error": [lambda x: -accuracy(x)],
        "loss": [loss],
        "union": [loss, lambda x: -accuracy(x)],
    }
    out = {i for measure in measures[by] for i in rejected(rows, measure, f, order, rule)}
    return rule([x for i, x in enumerate(rows) if i not in out])


def _order(rows: Rows, generator: torch.Generator) -> list[int]:
    order: list[int] = torch.randperm(len(rows), generator=generator).tolist()
    return order


def _by_models_themselves(rows: Rows, loss: Measure, f: int, generator: torch.Generator) -> list[float]:
    worst = sorted(_order(rows, generator), key=lambda i: -loss(rows[i]))[:f]
    return mean([x for i, x in enumerate(rows) if i not in worst])


def _least_effect(rows: Rows, loss: Measure, f: int, generator: torch.Generator) -> list[float]:
    out = rejected(rows, lambda x: -loss(x), f, _order(rows, generator))
    return mean([x for i, x in enumerate(rows) if i not in out])


def _only_harmful(rows: Rows, loss: Measure, f: int, generator: torch.Generator) -> list[float]:
    whole = loss(mean(rows))
    largest = rejected(rows, loss, f, _order(rows, generator))
    harmful = [i for i in largest if loss(mean([x for j, x in enumerate(rows) if j != i])) < whole]
    return mean([x for i, x in enumerate(rows) if i not in harmful])


def _in_order(rows: Rows, loss: Measure, f: int) -> list[float]:
    """Of equal effects those that come first, so that where a client stands can decide whether it is heard."""
    out = rejected(rows, loss, f, range(len(rows)))
    return mean([x for i, x in enumerate(rows) if i not in out])


MISREADINGS: Mapping[str, Callable[..., Any]] = {
    "each row by itself": _by_models_themselves,
    "the least effects": _least_effect,
    "harmful rows only": _only_harmful,
    "nobody removed": mean,
    "in the order of the rows": _in_order,
}
"""Wrong readings, by loss."""

"""Definition of error rate and loss function based rejection, around any rule."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fedprop.oracles.mean import mean
from fedprop.oracles.vectors import Row, Rows

Measure = Callable[[Row], float]
Rule = Callable[[Rows], list[float]]


def rejected(rows: Rows, measure: Measure, count: int, rule: Rule = mean) -> list[int]:
    """The rows with the largest measure(all) - measure(all but i), of equal ones those that come first.

    measure(all) is the same for all i and left out, since the differences would be rounded.
    """
    if count == 0:
        return []
    without = [measure(rule([x for j, x in enumerate(rows) if j != i])) for i in range(len(rows))]
    return sorted(range(len(rows)), key=lambda i: (without[i], i))[:count]


def around(rows: Rows, f: int, by: str, loss: Measure, accuracy: Measure, rule: Rule) -> list[float]:
    """The rule on the rows not rejected by error rate (one minus accuracy), by loss, or by either (`union`)."""
    measures: dict[str, Sequence[Measure]] = {
        "error": [lambda x: -accuracy(x)],
        "loss": [loss],
        "union": [loss, lambda x: -accuracy(x)],
    }
    out = {i for measure in measures[by] for i in rejected(rows, measure, f, rule)}
    return rule([x for i, x in enumerate(rows) if i not in out])


def loss_rejection(
    rows: Rows, loss: Measure, accuracy: Measure, f: int, by: str = "loss", rule: Rule = mean
) -> list[float]:
    """The rule on the rows that are not rejected.

    Source: Fang et al., USENIX Security 2020, Section 5, with c = f.
    """
    return around(rows, f, by, loss, accuracy, rule)


def _by_models_themselves(rows: Rows, loss: Measure, accuracy: Measure, f: int, by: str = "loss") -> list[float]:
    worst = sorted(range(len(rows)), key=lambda i: (-loss(rows[i]), i))[:f]
    return mean([x for i, x in enumerate(rows) if i not in worst])


def _least_effect(rows: Rows, loss: Measure, accuracy: Measure, f: int, by: str = "loss") -> list[float]:
    out = rejected(rows, lambda x: -loss(x), f)
    return mean([x for i, x in enumerate(rows) if i not in out])


def _only_harmful(rows: Rows, loss: Measure, accuracy: Measure, f: int, by: str = "loss") -> list[float]:
    whole = loss(mean(rows))
    harmful = [i for i in rejected(rows, loss, f) if loss(mean([x for j, x in enumerate(rows) if j != i])) < whole]
    return mean([x for i, x in enumerate(rows) if i not in harmful])


MISREADINGS: Mapping[str, Callable[..., Any]] = {
    "each row by itself": _by_models_themselves,
    "the least effects": _least_effect,
    "harmful rows only": _only_harmful,
    "nobody removed": lambda rows, loss, accuracy, f, by="loss": mean(rows),
}
"""Wrong readings, by loss."""

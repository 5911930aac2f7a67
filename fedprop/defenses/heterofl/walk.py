"""Rows on their way through some stages, with a note of what each of them dropped and measured."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from fedprop.aggregators.cohort import Cohort
from fedprop.aggregators.stage import Stage
from fedprop.types import ClientId

KEPT = "kept"
"""The verdict on a client whose row is left."""


class Walked(NamedTuple):
    """Where the rows came to.

    Attributes
    ----------
    cohort : the rows that are left, k of them.
    mixing : [k, n] in float64, how much of each row at the start is in each of them.
    verdicts : for each client the step that dropped its row, or `KEPT`; of one with several rows, whatever was dropped.
    measured : what each step measured of the rows that came to it, by client; of several rows of one the last.
    """

    cohort: Cohort
    mixing: Tensor
    verdicts: Mapping[ClientId, str]
    measured: Mapping[str, Mapping[ClientId, float]]


def walk(stages: Sequence[Stage], cohort: Cohort) -> Walked:
    """Take rows through stages without memory; each is named by its kind, a second of one kind by its number as well.

    A step drops a row if nothing of it is left behind that step.

    Raises
    ------
    InvalidUpdates
        If a stage leaves no row, or too few for the next.
    """
    start, measured, dropped = cohort, {}, dict[int, str]()
    mixing = torch.eye(len(cohort.updates), dtype=torch.float64, device=cohort.updates.device)
    for name, stage in zip(named(stages), stages, strict=True):
        stage.check_form(cohort.updates)
        staged = stage.answer(cohort, None)
        measured[name] = _by_client(cohort, staged.measured)
        cohort, mixing = staged.cohort, staged.mixing @ mixing
        gone = (mixing == 0).all(dim=0).nonzero().flatten().tolist()
        dropped |= {row: name for row in gone if row not in dropped}
    return Walked(cohort, mixing, _verdicts(start.clients, dropped), measured)


def named(stages: Iterable[Stage]) -> list[str]:
    """A name for each stage, no two the same."""
    seen, names = Counter[str](), []
    for stage in stages:
        seen[stage.kind] += 1
        names.append(stage.kind if seen[stage.kind] == 1 else f"{stage.kind} {seen[stage.kind]}")
    return names


def _by_client(cohort: Cohort, found: Tensor | None) -> dict[ClientId, float]:
    return {} if found is None else dict(zip(cohort.clients, found.tolist(), strict=True))


def _verdicts(clients: Sequence[ClientId], dropped: Mapping[int, str]) -> dict[ClientId, str]:
    return dict.fromkeys(clients, KEPT) | {clients[row]: name for row, name in sorted(dropped.items())}

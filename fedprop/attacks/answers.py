"""What an attack answers, looked at once, for it may be one of the user's own."""

from typing import Any

import torch
from torch import Tensor

from fedprop.answers import check_answer, described
from fedprop.attacks.base import Attack, View
from fedprop.errors import WrongAnswer
from fedprop.types import Updates


def crafted(attack: Attack, view: View) -> Updates:
    """The attack's answer to a view, with no gradients attached: one row for each row of `view.own`.

    Raises
    ------
    WrongAnswer
        If it is anything else, or holds NaN or infinity; of an attack that is `malformed` on purpose, only if there is
        another number of rows.
    """
    found: Any = attack.craft(view)
    name, own = _name(attack), view.own
    if attack.malformed and isinstance(found, Tensor) and found.shape[:1] == own.shape[:1]:
        return found.detach()
    check_answer(name, "rows", found, shape=tuple(own.shape), dtype=own.dtype, device=own.device)
    bad = (~torch.isfinite(found)).any(dim=1).nonzero().flatten().tolist()
    if bad:
        raise WrongAnswer(f"{name} must answer with finite rows; found NaN or infinity in rows {bad[:8]}")
    rows: Updates = found.detach()
    return rows


def alarmed(attack: Attack, alarm: bool) -> bool:
    """What a compromised client reports that ought to report `alarm`.

    Raises
    ------
    WrongAnswer
        If it is neither True nor False.
    """
    found: object = attack.says(alarm)
    if not isinstance(found, bool):
        raise WrongAnswer(f"{_name(attack)} must say True or False of a model; found {described(found)}")
    return found


def poisoned(attack: Attack, x: Tensor, y: Tensor, classes: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """What a client with the examples x [n, ...] and labels y [n] trains on: as many or other examples of their form.

    Raises
    ------
    WrongAnswer
        If that is no data to train on.
    """
    return _examples(f"{_name(attack)} (poison)", attack.poison(x, y, classes, generator), x, y, classes)


def aimed(
    attack: Attack, x: Tensor, y: Tensor, classes: int, generator: torch.Generator
) -> tuple[Tensor, Tensor] | None:
    """The inputs that the attack wants misclassified, with the labels it wants; None if it has no such aim.

    Raises
    ------
    WrongAnswer
        If these are no examples of the form of x [n, ...] and y [n].
    """
    found: object = attack.aims(x, y, classes, generator)
    return None if found is None else _examples(f"{_name(attack)} (aims)", found, x, y, classes)


def _examples(name: str, found: Any, x: Tensor, y: Tensor, classes: int) -> tuple[Tensor, Tensor]:
    if not (isinstance(found, tuple) and len(found) == 2):
        raise WrongAnswer(f"{name} must answer with a pair of inputs and labels; found {described(found)}")
    inputs, labels = found
    n = len(inputs) if isinstance(inputs, Tensor) and inputs.ndim else len(x)
    check_answer(name, "inputs", inputs, shape=(n, *x.shape[1:]), dtype=x.dtype, device=x.device)
    check_answer(name, "labels", labels, shape=(n,), dtype=y.dtype, device=y.device)
    if n == 0:
        raise WrongAnswer(f"{name} must answer with at least one example; found none")
    if not torch.isfinite(inputs).all():
        raise WrongAnswer(f"{name} must answer with finite inputs; found NaN or infinity")
    if int(labels.min()) < 0 or int(labels.max()) >= classes:
        span = f"{int(labels.min())} ... {int(labels.max())}"
        raise WrongAnswer(f"{name} must answer with labels in 0 ... {classes - 1}; found {span}")
    return inputs.detach(), labels


def _name(attack: Attack) -> str:
    return f"the attack {type(attack).__name__}"

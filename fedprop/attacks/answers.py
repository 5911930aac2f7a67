"""What an attack answers, looked at once, for it may be one of the user's own."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from fedprop.answers import check_answer, described
from fedprop.attacks.base import Attack
from fedprop.attacks.reply import Reply
from fedprop.attacks.view import View
from fedprop.errors import WrongAnswer
from fedprop.types import Updates


def replied(attack: Attack, view: View) -> Reply:
    """The attack's answer to a view: a row, a claim and a delay for each row of `view.own`, with no gradients attached.

    Raises
    ------
    WrongAnswer
        If it is anything else, or rows hold NaN or infinity, or a client claims no example; of an attack that is
        `malformed` on purpose, only if there are more or fewer of them, or no message can hold a number.
    """
    found = attack.answer(view)
    name = _name(attack)
    rows = _rows(name, found.rows, view, malformed=attack.malformed)
    _check_claims(name, found.examples, len(view.own), least=-(2**63) if attack.malformed else 1)
    _check_delays(name, found.lateness, len(view.own))
    return found._replace(rows=rows)


def _rows(name: str, found: Any, view: View, *, malformed: bool) -> Updates:
    own = view.own
    if malformed and isinstance(found, Tensor) and found.shape[:1] == own.shape[:1]:
        return found.detach()
    check_answer(name, "rows", found, shape=tuple(own.shape), dtype=own.dtype, device=own.device)
    bad = (~torch.isfinite(found)).any(dim=1).nonzero().flatten().tolist()
    if bad:
        raise WrongAnswer(f"{name} must answer with finite rows; found NaN or infinity in rows {bad[:8]}")
    rows: Updates = found.detach()
    return rows


def _check_claims(name: str, found: tuple[Any, ...], owed: int, *, least: int) -> None:
    if len(found) != owed:
        raise WrongAnswer(f"{name} must claim a number of examples for each of {owed} clients; found {len(found)}")
    for claim in found:
        if type(claim) is not int or not least <= claim < 2**63:
            told = repr(claim) if type(claim) is int else described(claim)
            raise WrongAnswer(f"{name} must claim an integer of examples from {least} to 2**63 - 1; found {told}")


def _check_delays(name: str, found: tuple[Any, ...], owed: int) -> None:
    if len(found) != owed:
        raise WrongAnswer(f"{name} must delay the answer of each of {owed} clients; found {len(found)} delays")
    for delay in found:
        if type(delay) not in (int, float) or not delay >= 0:
            told = repr(delay) if type(delay) in (int, float) else described(delay)
            raise WrongAnswer(f"{name} must delay answers by a number of seconds, 0 or more; found {told}")


def reported(attack: Attack, truth: bool) -> bool:
    """What a compromised client answers to a question of a report that it ought to answer with `truth`.

    Raises
    ------
    WrongAnswer
        If it is neither True nor False.
    """
    found: object = attack.report(truth)
    if not isinstance(found, bool):
        raise WrongAnswer(f"{_name(attack)} must report True or False; found {described(found)}")
    return found


def poisoned(
    attack: Attack, x: Tensor, y: Tensor, classes: int, generator: torch.Generator, member: int = 0
) -> tuple[Tensor, Tensor]:
    """What a client with the examples x [n, ...] and labels y [n] trains on: as many or other examples of their form.

    `member` says which of the attack's clients it is.

    Raises
    ------
    WrongAnswer
        If that is no data to train on.
    """
    return _examples(f"{_name(attack)} (poison)", attack.poison_member(member, x, y, classes, generator), x, y, classes)


def poisoned_together(
    attack: Attack, held: Sequence[tuple[Tensor, Tensor]], classes: int, generator: torch.Generator
) -> list[tuple[Tensor, Tensor]]:
    """What clients with these examples train on, of an attack that poisons them together: as `poisoned`, for each.

    Raises
    ------
    WrongAnswer
        If that is not data to train on for as many clients.
    """
    name, found = f"{_name(attack)} (poison_together)", attack.poison_together(held, classes, generator)
    if not isinstance(found, list | tuple) or len(found) != len(held):
        told = f"{len(found)}" if isinstance(found, list | tuple) else described(found)
        raise WrongAnswer(f"{name} must answer with a list of the data of {len(held)} clients; found {told}")
    return [_examples(name, own, x, y, classes) for own, (x, y) in zip(found, held, strict=True)]


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
    check_answer(name, "labels", labels, shape=(n, *y.shape[1:]), dtype=y.dtype, device=y.device)
    if n == 0:
        raise WrongAnswer(f"{name} must answer with at least one example; found none")
    if not torch.isfinite(inputs).all():
        raise WrongAnswer(f"{name} must answer with finite inputs; found NaN or infinity")
    if labels.is_floating_point():  # numbers, of which the task says which will do
        if not torch.isfinite(labels).all():
            raise WrongAnswer(f"{name} must answer with finite labels; found NaN or infinity")
    elif int(labels.min()) < 0 or int(labels.max()) >= classes:
        span = f"{int(labels.min())} ... {int(labels.max())}"
        raise WrongAnswer(f"{name} must answer with labels in 0 ... {classes - 1}; found {span}")
    return inputs.detach(), labels


def _name(attack: Attack) -> str:
    return f"the attack {type(attack).__name__}"

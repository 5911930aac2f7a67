"""Which clients an attack holds, what they train on, and what it aims at: all settled before anything runs."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, TypeAlias, get_args

import torch
from torch import Tensor

from fedprop.aggregators.assumed import AssumedRule
from fedprop.aggregators.base import Aggregator
from fedprop.attacks import Attack, NoAttack
from fedprop.attacks.answers import aimed, poisoned, poisoned_together
from fedprop.attacks.view import Knowledge
from fedprop.data import Dataset, Examples
from fedprop.errors import InvalidConfig
from fedprop.failures import blamed
from fedprop.rng import generator
from fedprop.tasks import CLASSIFICATION, Task
from fedprop.training import Shards
from fedprop.types import ClientId

Enlisted: TypeAlias = tuple[tuple[Attack, frozenset[ClientId]], ...]
"""Attacks, each with the clients that it holds."""


def headcounts(attacks: Sequence[Attack], clients: int) -> list[int]:
    """How many of the clients each attack holds."""
    return [round(attack.share * clients) for attack in attacks]


def uneven(attacks: Sequence[Attack], clients: int) -> Iterator[str]:
    """Which attacks hold no client, and whether all together leave nobody honest: a sentence for each mistake."""
    counts = headcounts(attacks, clients)
    for where, attack, count in zip(_places(attacks), attacks, counts, strict=True):
        if count == 0 and not isinstance(attack, NoAttack):
            yield (
                f"`{where}.share` must come to at least one of {clients} clients for {type(attack).__name__}; "
                f"found {attack.share:g}, which rounds to none (a run without attack leaves it out, or takes kind none)"
            )
    total = sum(attack.share for attack in attacks)
    if total >= 1.0 or sum(counts) >= clients:
        yield (
            f"`attack`: the shares must add up to less than 1 and leave somebody honest; found {total:g}, "
            f"which makes {min(sum(counts), clients)} of {clients} clients compromised"
        )


def idle(attacks: Sequence[Attack], rounds: int) -> Iterator[str]:
    """Which attacks would do nothing in so many rounds: a sentence for each mistake."""
    for where, attack in zip(_places(attacks), attacks, strict=True):
        name, start = type(attack).__name__, attack.rounds.start
        if not (attack.deviates or attack.poisons or attack.lies or isinstance(attack, NoAttack)):
            steps = "`craft`, `claim`, `delay` or `poison`"
            yield f"`{where}`: {name} must define {steps}, or lie (`reports`); found none of them"
        if start >= rounds:
            yield f"`{where}.rounds.start` must be below `rounds`, {rounds}, or {name} never begins; found {start}"


def _places(attacks: Sequence[Attack]) -> list[str]:
    """Where each attack stands in a file; an only one needs no list around it."""
    return ["attack"] if len(attacks) == 1 else [f"attack.{place}" for place in range(len(attacks))]


def enlist(
    attacks: Sequence[Attack],
    *,
    clients: int,
    chosen: Literal["random", "first"],
    defense: Aggregator,
    seed: int,
) -> Enlisted:
    """Which clients each attack holds: disjoint, drawn at random or the first ones. `none` holds nobody.

    Raises
    ------
    InvalidConfig
        If an attack asks for knowledge or for a rule that there is not.
    """
    order = list(range(clients))
    if chosen == "random":
        order = torch.randperm(clients, generator=generator(seed, "compromised")).tolist()
    groups = []
    for attack, count in zip(attacks, headcounts(attacks, clients), strict=True):
        groups.append((attack, frozenset(order[:count])))
        order = order[count:]
        _refuse_unknown(attack, defense)
    return tuple((attack, held) for attack, held in groups if held)


def _refuse_unknown(attack: Attack, defense: Aggregator) -> None:
    """Refuse what an attack declares that nobody can give it."""
    with blamed(f"attack {attack.kind}", raising=InvalidConfig):
        AssumedRule(attack.assumes, defense)
    if attack.sees not in get_args(Knowledge):
        known = " or ".join(get_args(Knowledge))
        raise InvalidConfig(f"`sees` must be {known} for {type(attack).__name__}; found {attack.sees!r}")


def aims_of(data: Dataset, attacks: Enlisted, seed: int) -> Mapping[int, Examples]:
    """What the targeted ones among the attacks want misclassified, and as what, by their place.

    Raises
    ------
    InvalidConfig
        If an attack fails to say.
    """
    found, test = {}, data.test
    for index, (attack, _) in enumerate(attacks):
        if type(attack).aims is Attack.aims:
            continue
        with blamed(f"attack {attack.kind} cannot choose what it aims at", raising=InvalidConfig):
            # A copy: an attack that writes into it must not change what everybody is tested on.
            aims = aimed(attack, test.x.clone(), test.y.clone(), data.classes, generator(seed, "aims", index))
        if aims is not None:
            found[index] = Examples(*aims)
    return found


def shards_of(
    data: Dataset, parts: Sequence[Tensor], attacks: Enlisted, seed: int, task: Task = CLASSIFICATION
) -> Shards:
    """The clients' data; what an attack changes is added to the pool, so that honest clients' data stays as it is.

    Raises
    ------
    InvalidConfig
        If an attack fails to poison its clients' data, or leaves all of it as it was and does nothing else, or should
        have changed how many examples they hold.
    """
    pool, parts, size = [data.train], list(parts), len(data.train)
    for index, (attack, held) in enumerate(attacks):
        if not attack.poisons:
            continue
        changed, clients = attack.deviates and not attack.resizes, sorted(held)
        before = [Examples(data.train.x[parts[client]], data.train.y[parts[client]]) for client in clients]
        after = _poisoned(attack, before, data.classes, seed, index, clients)
        for client, own in zip(clients, after, strict=True):
            if wrong := task.misfit(own.y):
                raise InvalidConfig(f"attack {attack.kind} must give client {client}, for `task` {task.kind}, {wrong}")
        for client, was, own in zip(clients, before, after, strict=True):
            changed = changed or not _same(was, own)
            parts[client] = torch.arange(size, size + len(own), device=own.y.device)
            size += len(own)
            pool.append(own)
        if not changed:
            raise InvalidConfig(
                f"attack {attack.kind} must change the data of some client that it holds; found {len(held)} unchanged"
            )
    return Shards(Examples(torch.cat([p.x for p in pool]), torch.cat([p.y for p in pool])), parts, task)


def _poisoned(
    attack: Attack, before: Sequence[Examples], classes: int, seed: int, index: int, clients: Sequence[ClientId]
) -> list[Examples]:
    # Copies, so that an attack which writes into them can still be told from one that changes nothing.
    held = [(own.x.clone(), own.y.clone()) for own in before]
    if type(attack).poison_together is not Attack.poison_together:
        with blamed(f"attack {attack.kind} cannot poison its clients' data", raising=InvalidConfig):
            together = poisoned_together(attack, held, classes, generator(seed, "poison", index))
            return [Examples(*own) for own in together]
    after = []
    for member, (client, (x, y)) in enumerate(zip(clients, held, strict=True)):
        stream = generator(seed, "poison", index, client)
        with blamed(f"attack {attack.kind} cannot poison the data of client {client}", raising=InvalidConfig):
            after.append(Examples(*poisoned(attack, x, y, classes, stream, member)))
    return after


def _same(a: Examples, b: Examples) -> bool:
    return torch.equal(a.x, b.x) and torch.equal(a.y, b.y)

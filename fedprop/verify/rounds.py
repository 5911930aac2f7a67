"""What every round machine owes: each accepted update counts exactly once, and nothing else counts at all.

The protocol is `fedprop.defenses.Defense`. Accepted is the first usable message of each invited client to the open
round (McMahan et al., AISTATS 2017, Algorithm 1, for the round; the rest is what an open door meets: copies, strangers,
answers to other rounds, junk). What a round answers follows from its accepted messages alone, in whatever order they
came, and from earlier rounds; weights are given to those who took part.
"""

import copy
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, TypeAlias

import torch

from fedprop.aggregators import Contract
from fedprop.properties import Finding
from fedprop.properties.claims import declared
from fedprop.verify.claim import Claim, Crashed, contained
from fedprop.verify.making import made_with, refuse_settings
from fedprop.verify.report import Counterexample, Status
from fedprop.verify.script import literal, obtain
from fedprop.verify.sessions import (
    Close,
    Ended,
    Log,
    Model,
    Open,
    Send,
    Session,
    accepted_by,
    clean,
    play,
    same_end,
    sessions,
)

SOURCE = "fedprop.defenses.Defense"
FEDAVG = "McMahan et al., AISTATS 2017, Algorithm 1"

SIZE = 2
"""The length of updates, where the machine lets others choose."""

METHODS = ("open", "receive", "close")

Make: TypeAlias = Callable[[], Any]
Find: TypeAlias = Callable[[Make, Session], Finding | None]


def is_defense(obj: Any) -> bool:
    """Whether `obj` is a round machine, a class of them, or makes one when called without arguments."""
    if all(callable(getattr(obj, name, None)) for name in METHODS):
        return True
    return inspect.isfunction(obj) and not _required(obj) and _has_methods(obj)


def _required(make: Callable[..., Any]) -> set[str]:
    parameters = inspect.signature(make).parameters.values()
    named = {p.name for p in parameters if p.default is p.empty and p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)}
    return named - {"size"}


def _has_methods(make: Callable[..., Any]) -> bool:
    try:
        with contained():
            made = make(**_sized(make, {}))
    except Exception:
        return False
    return all(callable(getattr(made, name, None)) for name in METHODS)


def _sized(make: Callable[..., Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    return {**({"size": SIZE} if "size" in inspect.signature(make).parameters else {}), **settings}


def defense_claims(obj: Any, label: str, settings: Mapping[str, Any]) -> list[Claim[Any]]:
    """Every claim to try about a round machine.

    Raises
    ------
    InvalidConfig
        If none can be made with `settings`.
    """
    make, fields = _maker(obj, label, settings)
    contract = _contract(obj, make())
    anything, orderly = sessions(), sessions(junk=False)

    def claim(
        name: str, statement: str, status: Status, find: Find, *, inputs: Any = anything, source: str = SOURCE
    ) -> Claim[Session]:
        def show(session: Session, finding: Finding) -> Counterexample:
            return _show(obj, label, fields, make, session, finding)

        return Claim(name, statement, source, status, (inputs,), lambda session: find(make, session), show)

    weights: Status = "claimed" if contract.linear else "tried"
    counts: Status = "tried" if contract.examples is None else "claimed"
    return [
        claim("calls answered", "No call in turn raises, whatever a message holds.", "safety", _answers),
        claim(
            "admission",
            "Accepted is exactly the first usable message of each invited client to the open round.",
            "safety",
            _admission,
        ),
        claim("finite", "The value of a round is one finite vector like the updates.", "safety", _finite),
        claim("repeatable", "A new machine has the same answers to the same calls.", "safety", _repeatable),
        claim(
            "exactly once",
            "Each accepted update counts once: a machine that saw nothing else answers the same.",
            "claimed",
            _once,
            source=FEDAVG,
        ),
        claim("order of arrival", "The order in which updates come plays no part.", "claimed", _order, inputs=orderly),
        claim("verdicts", "Verdicts are on all whose updates were accepted, and on no others.", "claimed", _verdicts),
        claim("no such count", "A claim of less than one example gains nothing.", "claimed", _no_count),
        claim("weights", "The verdicts reproduce the value.", weights, _weights),
        claim(
            "examples",
            "Claimed examples count as copies of the update, or not at all, as the rule says.",
            counts,
            lambda make, session: _examples(make, session, contract.examples),
            inputs=orderly,
            source=FEDAVG,
        ),
    ]


def _maker(obj: Any, label: str, settings: Mapping[str, Any]) -> tuple[Make, dict[str, Any]]:
    if not (isinstance(obj, type) or inspect.isfunction(obj)):
        refuse_settings(settings, label)
        return lambda: copy.deepcopy(obj), {}
    fields = _sized(obj, settings)
    made_with(obj, label, fields)
    return lambda: obj(**fields), fields


def _contract(obj: Any, machine: Any) -> Contract:
    if callable(getattr(machine, "contract", None)):
        contract: Contract = machine.contract()
        return contract
    return declared(obj) or Contract()


def _answers(make: Make, session: Session) -> Finding | None:
    try:
        play(make(), session)
    except Crashed as error:
        return Finding(str(error))
    return None


def _admission(make: Make, session: Session) -> Finding | None:
    model, said = Model(), iter(play(make(), session).decisions)
    for operation in session:
        if isinstance(operation, Open):
            model.open(operation)
        elif isinstance(operation, Close):
            model.close()
        else:
            owed, found = model.owed(operation), next(said)
            if owed is not None and owed != found:
                return Finding(f"{operation} is {'accepted' if found else 'refused'}")
            if owed is not False:
                model.judged(operation, found)
    return None


def _finite(make: Make, session: Session) -> Finding | None:
    machine = make()
    for number, end in enumerate(play(machine, session).ends):
        if end.value is None:
            continue
        if end.value.shape != (getattr(machine, "size", SIZE),) or not end.value.is_floating_point():
            return Finding(f"a value {list(end.value.shape)}, {end.value.dtype}", how=f"in round {number}")
        if not bool(torch.isfinite(end.value).all()):
            return Finding(end.value, how=f"in round {number}")
    return None


def _repeatable(make: Make, session: Session) -> Finding | None:
    first = play(make(), session)
    play(make(), session[: len(session) // 2])
    again = play(make(), session)
    if first.decisions != again.decisions:
        return Finding(f"decisions {again.decisions}", how=f"from a new machine, where they were {first.decisions}")
    return _ends_differ(again, first, "from a new machine")


def _once(make: Make, session: Session) -> Finding | None:
    log = play(make(), session)
    return _ends_differ(log, play(make(), clean(session, accepted_by(session, log.decisions))), "from these calls")


def _order(make: Make, session: Session) -> Finding | None:
    log = play(make(), session)
    turned = [sent[::-1] for sent in accepted_by(session, log.decisions)]
    return _ends_differ(play(make(), clean(session, turned)), log, "with the messages of every round in reverse order")


def _ends_differ(found: Log, expected: Log, how: str) -> Finding | None:
    for number, (a, b) in enumerate(zip(found.ends, expected.ends, strict=True)):
        if not same_end(a, b):
            return Finding(_said(a), how=f"where {_said(b)} is due, in round {number}, {how}")
    return None


def _said(end: Ended) -> str:
    return f"{None if end.value is None else end.value.tolist()} with verdicts {end.verdicts}"


def _verdicts(make: Make, session: Session) -> Finding | None:
    log = play(make(), session)
    for number, (end, sent) in enumerate(zip(log.ends, accepted_by(session, log.decisions), strict=True)):
        clients = {message.client for message in sent}
        if not end.verdicts.keys() <= clients or (end.value is not None and end.verdicts.keys() != clients):
            return Finding(
                f"verdicts on {list(end.verdicts)}", how=f"in round {number}, where {clients or None} took part"
            )
        if not all(abs(weight) < float("inf") for weight in end.verdicts.values()):
            return Finding(f"verdicts {end.verdicts}", how=f"in round {number}")
    return None


def _weights(make: Make, session: Session) -> Finding | None:
    machine = make()
    log = play(machine, session)
    size, dtype = getattr(machine, "size", SIZE), getattr(machine, "dtype", torch.float32)
    for number, (end, sent) in enumerate(zip(log.ends, accepted_by(session, log.decisions), strict=True)):
        if end.value is None or not sent or not all(message.client in end.verdicts for message in sent):
            continue
        rows = torch.stack([message.update(size, dtype).double() for message in sent])
        expected = torch.tensor([end.verdicts[message.client] for message in sent], dtype=torch.float64) @ rows
        if not _same_value(end, Ended(expected, {})):
            return Finding(_said(end), how=f"in round {number}, where they give {expected.tolist()}")
    return None


def _no_count(make: Make, session: Session) -> Finding | None:
    """A machine that accepts such a message must not let the number into its answer."""
    log = play(make(), session)
    rounds = accepted_by(session, log.decisions)
    if all(message.examples >= 1 for sent in rounds for message in sent):
        return None
    honest = [[replace(message, examples=max(1, message.examples)) for message in sent] for sent in rounds]
    return _ends_differ(
        play(make(), clean(session, rounds)), play(make(), clean(session, honest)), "with one example for less than one"
    )


def _examples(make: Make, session: Session, meaning: Literal["copies", "ignored"] | None) -> Finding | None:
    """What the first round answers, next to what it answers to copies of the updates, and to claims of one."""
    first = session[: session.index(Close()) + 1]
    sent = [operation for operation in first if isinstance(operation, Send)]
    if not sent:
        return None
    found, ones, copies = (play(make(), asked).ends[0] for asked in (first, _all_one(first, sent), _copied(sent)))
    allowed = {"copies": [copies], "ignored": [ones], None: [copies, ones]}[meaning]
    if any(_same_value(found, end) for end in allowed):
        return None
    told = " or ".join(str(None if end.value is None else end.value.tolist()) for end in allowed)
    return Finding(_said(found), how=f"for claims of {[message.examples for message in sent]}, where {told} is due")


def _same_value(a: Ended, b: Ended) -> bool:
    return same_end(Ended(a.value, {}), Ended(b.value, {}))


def _all_one(session: Session, sent: list[Send]) -> Session:
    opens = [operation for operation in session if isinstance(operation, Open)]
    return (*opens, *(replace(message, examples=1) for message in sent), Close())


def _copied(sent: Sequence[Send]) -> Session:
    """Every client once for each example that it claims, with ids in the same order."""
    clones = [
        replace(message, client=10 * message.client + number, examples=1)
        for message in sent
        for number in range(message.examples)
    ]
    return (Open(0, tuple(clone.client for clone in clones)), *clones, Close())


def _show(
    obj: Any, label: str, fields: Mapping[str, Any], make: Make, session: Session, finding: Finding
) -> Counterexample:
    machine = make()
    size, dtype = getattr(machine, "size", SIZE), getattr(machine, "dtype", torch.float32)
    found, made = obtain(obj, label, fields)
    calls, rows = [], []
    for operation in session:
        if isinstance(operation, Open):
            calls.append(f"machine.open({operation.round}, {list(operation.clients)})")
        elif isinstance(operation, Send):
            update = operation.update(size, dtype)
            calls.append(
                f"print(machine.receive({operation.client}, {literal(update)}, round={operation.round}, "
                f"examples={operation.examples}))"
            )
            rows.append(tuple(update.double().flatten().tolist()))
        else:
            calls.append("print(machine.close())")
    code = "\n".join(["import torch", found, "", f"machine = {made}", *calls, f"# {finding}"])
    return Counterexample(title="updates in the order they came", rows=tuple(rows), found=str(finding), code=code)

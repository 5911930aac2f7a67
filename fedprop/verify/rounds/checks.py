"""What can be wrong with what a round machine makes of one session."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Literal, TypeAlias

import torch

from fedprop.properties import Finding
from fedprop.verify.hunting.claim import Crashed
from fedprop.verify.rounds.playing import Ended, Log, accepted_by, clean, magnitude, play, same_end, size_of
from fedprop.verify.rounds.sessions import Close, Model, Open, Send, Session

Make: TypeAlias = Callable[[int], Any]
"""A new machine, for updates of this size if it lets others choose."""

Find: TypeAlias = Callable[[Make, Session], Finding | None]


def answers(make: Make, session: Session) -> Finding | None:
    """Whether a call in turn raises."""
    try:
        play(make(session.size), session)
    except Crashed as error:
        return Finding(str(error))
    return None


def admission(make: Make, session: Session) -> Finding | None:
    """Whether the machine accepts what the law says."""
    model, said = Model(), iter(play(make(session.size), session).decisions)
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


def finite(make: Make, session: Session) -> Finding | None:
    """Whether every value is one finite vector like the updates."""
    machine = make(session.size)
    for number, end in enumerate(play(machine, session).ends):
        if end.value is None:
            continue
        if end.value.shape != (size_of(machine, session),) or not end.value.is_floating_point():
            return Finding(f"a value {list(end.value.shape)}, {end.value.dtype}", how=f"in round {number}")
        if not bool(torch.isfinite(end.value).all()):
            return Finding(end.value, how=f"in round {number}")
    return None


def repeatable(make: Make, session: Session) -> Finding | None:
    """Whether a new machine answers the same, also after another one has been used."""
    first = play(make(session.size), session)
    play(make(session.size), session.half())
    again = play(make(session.size), session)
    if first.decisions != again.decisions:
        return Finding(f"decisions {again.decisions}", how=f"from a new machine, where they were {first.decisions}")
    return _ends_differ(again, first, "from a new machine", session)


def own_copies(make: Make, session: Session) -> Finding | None:
    """Whether anything depends on tensors and lists after the call that they went with."""
    log, overwritten = play(make(session.size), session), play(make(session.size), session, reuse=True)
    how = "where every tensor and list is overwritten once it has been handed over or back"
    if log.decisions != overwritten.decisions:
        return Finding(f"decisions {overwritten.decisions}", how=f"instead of {log.decisions}, {how}")
    return _ends_differ(overwritten, log, how, session)


def once(make: Make, session: Session) -> Finding | None:
    """Whether refused messages leave a trace, or accepted ones count more or less than once."""
    log = play(make(session.size), session)
    counted = play(make(session.size), clean(session, accepted_by(session, log.decisions)))
    return _ends_differ(log, counted, "from these calls", session)


def order(make: Make, session: Session) -> Finding | None:
    """Whether the order of arrival plays a part."""
    log = play(make(session.size), session)
    turned = [sent[::-1] for sent in accepted_by(session, log.decisions)]
    reverse = play(make(session.size), clean(session, turned))
    return _ends_differ(reverse, log, "with the messages of every round in reverse order", session)


def one_at_a_time(make: Make, session: Session) -> Finding | None:
    """Whether a round is opened while one is open, or harmed by the attempt."""
    log = play(make(session.size), session)
    again = play(make(session.size), session.interrupted())
    if not all(again.refused):
        return Finding("a round is opened while one is open", how="without an error that is meant")
    how = "where a second `open` was refused"
    if log.decisions != again.decisions:
        return Finding(f"decisions {again.decisions}", how=f"instead of {log.decisions}, {how}")
    return _ends_differ(again, log, how, session)


def equal(make: Make, session: Session) -> Finding | None:
    """Whether the value of equal updates is another."""
    machine, alike = make(session.size), session.alike()
    log = play(machine, alike)
    dtype = getattr(machine, "dtype", torch.float32)
    for number, (end, sent) in enumerate(zip(log.ends, accepted_by(alike, log.decisions), strict=True)):
        if end.value is None or not sent:
            continue
        update = sent[0].update(size_of(machine, session), dtype)
        if not _same_value(end, Ended(update, {}), magnitude(alike)):
            return Finding(end.value, update, how=f"in round {number}, where {len(sent)} clients send that")
    return None


def _ends_differ(found: Log, expected: Log, how: str, session: Session) -> Finding | None:
    scale = magnitude(session)
    for number, (a, b) in enumerate(zip(found.ends, expected.ends, strict=True)):
        if not same_end(a, b, scale):
            return Finding(_said(a), how=f"where {_said(b)} is due, in round {number}, {how}")
    return None


def _said(end: Ended) -> str:
    return f"{None if end.value is None else end.value.tolist()} with verdicts {end.verdicts}"


def verdicts(make: Make, session: Session) -> Finding | None:
    """Whether others have verdicts than those whose updates were accepted, or infinite ones."""
    log = play(make(session.size), session)
    for number, (end, sent) in enumerate(zip(log.ends, accepted_by(session, log.decisions), strict=True)):
        clients = {message.client for message in sent}
        if not end.verdicts.keys() <= clients or (end.value is not None and end.verdicts.keys() != clients):
            return Finding(
                f"verdicts on {list(end.verdicts)}", how=f"in round {number}, where {clients or None} took part"
            )
        if not all(abs(weight) < float("inf") for weight in end.verdicts.values()):
            return Finding(f"verdicts {end.verdicts}", how=f"in round {number}")
    return None


def weights(make: Make, session: Session) -> Finding | None:
    """Whether the verdicts reproduce the value."""
    machine = make(session.size)
    log = play(machine, session)
    size, dtype, scale = size_of(machine, session), getattr(machine, "dtype", torch.float32), magnitude(session)
    for number, (end, sent) in enumerate(zip(log.ends, accepted_by(session, log.decisions), strict=True)):
        if end.value is None or not sent or not all(message.client in end.verdicts for message in sent):
            continue
        rows = torch.stack([message.update(size, dtype).double() for message in sent])
        expected = torch.tensor([end.verdicts[message.client] for message in sent], dtype=torch.float64) @ rows
        if not _same_value(end, Ended(expected, {}), scale):
            return Finding(_said(end), how=f"in round {number}, where they give {expected.tolist()}")
    return None


def no_count(make: Make, session: Session) -> Finding | None:
    """A machine that accepts such a message must not let the number into its answer."""
    log = play(make(session.size), session)
    rounds = accepted_by(session, log.decisions)
    if all(message.examples >= 1 for sent in rounds for message in sent):
        return None
    honest = [[replace(message, examples=max(1, message.examples)) for message in sent] for sent in rounds]
    found, due = (play(make(session.size), clean(session, sent)) for sent in (rounds, honest))
    return _ends_differ(found, due, "with one example for less than one", session)


def examples(make: Make, session: Session, meaning: Literal["copies", "ignored"] | None) -> Finding | None:
    """What the first round answers, next to what it answers to copies of the updates, and to claims of one."""
    first, scale = session.first_round(), magnitude(session)
    sent = first.sent()
    if not sent:
        return None
    asked = (first, _all_one(first, sent), _copied(first, sent))
    found, ones, copies = (play(make(session.size), each).ends[0] for each in asked)
    allowed = {"copies": [copies], "ignored": [ones], None: [copies, ones]}[meaning]
    if any(_same_value(found, end, scale) for end in allowed):
        return None
    told = " or ".join(str(None if end.value is None else end.value.tolist()) for end in allowed)
    return Finding(_said(found), how=f"for claims of {[message.examples for message in sent]}, where {told} is due")


def _same_value(a: Ended, b: Ended, scale: float) -> bool:
    return same_end(Ended(a.value, {}), Ended(b.value, {}), scale)


def _all_one(session: Session, sent: list[Send]) -> Session:
    return clean(session, [[replace(message, examples=1) for message in sent]])


def _copied(session: Session, sent: Sequence[Send]) -> Session:
    """Every client once for each example that it claims, with ids in the same order."""
    clones = [
        replace(message, client=1000 * message.client + number, examples=1)
        for message in sent
        for number in range(message.examples)
    ]
    opened = Open(sent[0].round, tuple(clone.client for clone in clones))
    return replace(session, operations=(opened, *clones, Close()))

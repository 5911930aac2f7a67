"""What every round machine owes: each accepted update counts exactly once, and nothing else counts at all.

The protocol is `fedprop.defenses.Defense`. Accepted is the first usable message of each invited client to the open
round (McMahan et al., AISTATS 2017, Algorithm 1, for the round; the rest is what an open door meets: copies, strangers,
answers to other rounds, junk). What a round answers follows from its accepted messages alone, in whatever order they
came, and from earlier rounds; weights are given to those who took part.
"""

import copy
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from hypothesis import strategies as st

from fedprop.aggregators import Contract
from fedprop.aggregators.said import contract_said
from fedprop.properties import Finding
from fedprop.properties.claims import declared
from fedprop.verify.hunting.claim import Claim, Few, contained
from fedprop.verify.pages.findings import Counterexample, Status
from fedprop.verify.rounds import checks
from fedprop.verify.rounds.playing import size_of
from fedprop.verify.rounds.sessions import (
    LARGE_SIZES,
    SIZE,
    SIZES,
    Session,
    large_sessions,
    sessions,
)
from fedprop.verify.targets.making import made_with, refuse_settings
from fedprop.verify.targets.script import obtain

SOURCE = "fedprop.defenses.Defense"
FEDAVG = "McMahan et al., AISTATS 2017, Algorithm 1"

METHODS = ("open", "receive", "close")


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
    maker = _Maker(_target(obj, label, settings))
    return [*_safety(maker), *_of_rounds(maker), *_of_the_rule(maker)]


class _Maker:
    """Makes claims about one machine."""

    def __init__(self, target: "_Target") -> None:
        self.contract = target.contract
        self._target = target
        self._inputs = {orderly: _inputs(target, junk=not orderly) for orderly in (False, True)}

    def __call__(
        self,
        name: str,
        statement: str,
        status: Status,
        find: checks.Find,
        *,
        orderly: bool = False,
        source: str = SOURCE,
        tell: Callable[[Session], Session] = lambda session: session,
    ) -> Claim[Session]:
        """A claim tried on sessions, `orderly` ones or those in which messages may hold junk; `tell` shows one."""
        target = self._target

        def show(session: Session, finding: Finding) -> Counterexample:
            return _show(target, tell(session), finding, reuse=find is checks.own_copies)

        inputs = self._inputs[orderly]
        return Claim(name, statement, source, status, inputs, lambda session: find(target.make, session), show)


def _safety(claim: _Maker) -> list[Claim[Any]]:
    """What is owed whatever comes."""
    return [
        claim("calls answered", "No call in turn raises, whatever a message holds.", "safety", checks.answers),
        claim(
            "admission",
            "Accepted is exactly the first usable message of each invited client to the open round.",
            "safety",
            checks.admission,
        ),
        claim("finite", "The value of a round is one finite vector like the updates.", "safety", checks.finite),
        claim("repeatable", "A new machine has the same answers to the same calls.", "safety", checks.repeatable),
        claim(
            "own copies",
            "What becomes of a tensor or a list after it was handed over, or handed back, plays no part.",
            "safety",
            checks.own_copies,
        ),
    ]


def _of_rounds(claim: _Maker) -> list[Claim[Any]]:
    """What a round is, whatever the rule in it."""
    return [
        claim(
            "exactly once",
            "Each accepted update counts once: a machine that saw nothing else answers the same.",
            "claimed",
            checks.once,
            source=FEDAVG,
        ),
        claim(
            "order of arrival",
            "The order in which updates come plays no part.",
            "claimed",
            checks.order,
            orderly=True,
        ),
        claim(
            "one round at a time",
            "To open a round while one is open is answered by an error that is meant, and the open round goes on.",
            "claimed",
            checks.one_at_a_time,
            orderly=True,
            tell=Session.interrupted,
        ),
        claim(
            "verdicts", "Verdicts are on all whose updates were accepted, and on no others.", "claimed", checks.verdicts
        ),
        claim("no such count", "A claim of less than one example gains nothing.", "claimed", checks.no_count),
    ]


def _of_the_rule(claim: _Maker) -> list[Claim[Any]]:
    """What follows from the contract of the rule in it; tried all the same where that claims nothing."""
    contract = claim.contract
    weights: Status = "claimed" if contract.linear else "tried"
    counts: Status = "tried" if contract.examples is None else "claimed"
    equal: Status = "claimed" if contract.idempotent else "tried"
    return [
        claim(
            "equal updates",
            "Where all accepted updates are equal, they are the value.",
            equal,
            checks.equal,
            orderly=True,
            tell=Session.alike,
        ),
        claim("weights", "The verdicts reproduce the value.", weights, checks.weights),
        claim(
            "examples",
            "Claimed examples count as copies of the update, or not at all, as the rule says.",
            counts,
            lambda make, session: checks.examples(make, session, contract.examples),
            orderly=True,
            source=FEDAVG,
        ),
    ]


def _inputs(target: "_Target", *, junk: bool) -> tuple[st.SearchStrategy[Session] | Few[Session], ...]:
    sizes, large = (SIZES, LARGE_SIZES) if target.free else ((SIZE,), (SIZE,))
    return sessions(junk=junk, sizes=sizes), Few(large_sessions(junk=junk, sizes=large))


@dataclass(frozen=True)
class _Target:
    """A machine that can be made any number of times.

    Attributes
    ----------
    obj, label : what the user points at.
    fields : what it is made with.
    free : whether the length of updates is among them for us to choose.
    """

    obj: Any
    label: str
    fields: Mapping[str, Any]
    free: bool

    def make(self, size: int) -> Any:
        """A new machine, for updates of this length if there is a choice."""
        if isinstance(self.obj, type) or inspect.isfunction(self.obj):
            return self.obj(**self.made_with(size))
        return copy.deepcopy(self.obj)

    def made_with(self, size: int) -> dict[str, Any]:
        """What a machine for updates of this length is made with."""
        return {**self.fields, **({"size": size} if self.free else {})}

    @cached_property
    def example(self) -> Any:
        """A machine to look at."""
        return self.make(SIZE)

    @property
    def contract(self) -> Contract:
        """What it claims of the rule in it."""
        if callable(getattr(self.example, "contract", None)):
            return contract_said(self.example)
        return declared(self.obj) or Contract()


def _target(obj: Any, label: str, settings: Mapping[str, Any]) -> _Target:
    if not (isinstance(obj, type) or inspect.isfunction(obj)):
        refuse_settings(settings, label)
        return _Target(obj, label, {}, free=False)
    fields = _sized(obj, settings)
    made_with(obj, label, fields)
    return _Target(obj, label, fields, free="size" in fields and "size" not in settings)


def _show(target: _Target, session: Session, finding: Finding, *, reuse: bool) -> Counterexample:
    size = session.size if target.free else size_of(target.example, session)
    dtype = getattr(target.example, "dtype", torch.float32)
    found, made = obtain(target.obj, target.label, target.made_with(size))
    calls = [line for operation in session for line in operation.lines(size, dtype, reuse=reuse)]
    rows = tuple(tuple(sent.update(size, dtype).double().flatten().tolist()) for sent in session.sent())
    code = "\n".join(["import torch", found, "", f"machine = {made}", *calls, f"# {finding}"])
    return Counterexample(title="updates in the order they came", rows=rows, found=str(finding), code=code)

"""Mods for Flower's `ClientApp`: an attack on what a client sends, and a check of what comes and goes."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch

from fedprop.aggregators.assumed import AssumedRule
from fedprop.aggregators.base import Aggregator
from fedprop.aggregators.mean import Mean
from fedprop.attacks.answers import replied
from fedprop.attacks.base import Attack
from fedprop.attacks.view import View
from fedprop.errors import InvalidConfig
from fedprop.flower.arrays import ArrayLayout
from fedprop.flower.notes import PLACE, read, written
from fedprop.flower.records import said
from fedprop.flower.rounds import Received, refusal
from fedprop.rng import generator, uniform
from fedprop.types import Updates, Vector

Next: TypeAlias = Callable[[Any, Any], Any]
"""The rest of the client app: from a message and the context, the reply."""

KEY = "num-examples"
"""The number in a reply that tells how many examples it was learnt from, as Flower's strategies have it."""

LAST = "fedprop.past"
"""The record of the context's state that holds the models received before."""


@dataclass(frozen=True)
class AttackMod:
    """See `attack_mod`."""

    attack: Attack
    received: int
    seed: int
    member: int
    assumed: AssumedRule

    def __call__(self, message: Any, context: Any, call_next: Next) -> Any:
        """The honest reply, or the attack's."""
        reply = call_next(message, context)
        if not _trains(message) or not reply.has_content():
            return reply
        round = _round(message)
        sent, honest = said(message, KEY), said(reply, KEY)
        layout = ArrayLayout.of(sent.arrays)
        origin = layout.flatten(sent.arrays)
        past = self._past(context, origin)
        on = self.attack.rounds.on(round, uniform(self.seed, "attack rounds", 0, round))
        if not on or refusal(layout, honest.arrays, honest.examples) is not None:
            return reply
        view = self._view(context, layout, origin, past, honest, round)
        return self._answered(message, reply, context, layout, view)

    def _view(
        self,
        context: Any,
        layout: ArrayLayout,
        origin: Vector,
        past: Updates,
        honest: Received,
        round: int,
    ) -> View:
        """What the attack may see: this client's own update, and the models that it received."""
        own = (layout.flatten(honest.arrays) - origin)[None]
        return View(
            own=own,
            benign=None,
            origin=origin,
            assumed=self.assumed.knowing(own, origin, None),
            generator=generator(self.seed, "attack", 0, round),
            received=self.received,
            members=(self.member,),
            examples=(int(str(honest.examples)),),
            round=round,
            past=past,
            state=read(context.state[PLACE]["state"]) if PLACE in context.state else None,
        )

    def _answered(self, message: Any, reply: Any, context: Any, layout: ArrayLayout, view: View) -> Any:
        """The reply with the attack's model and claim in it, as late as it wants; an error if it keeps silent."""
        from flwr.app import Array, ConfigRecord

        origin = view.origin.clone()
        answer = replied(self.attack, view)
        context.state[PLACE] = ConfigRecord({"state": written(answer.state)})
        if not math.isfinite(answer.lateness[0]):
            return _failed("the client keeps silent", message)
        time.sleep(answer.lateness[0])
        record = next(iter(reply.content.array_records.values()))
        for name, array in layout.arrays(origin + answer.rows[0].to(origin)).items():
            record[name] = Array(array)
        next(iter(reply.content.metric_records.values()))[KEY] = answer.examples[0]
        return reply

    def _past(self, context: Any, origin: Vector) -> Updates:
        """The models received before this one, as many as the attack looks back; this one is among them from now on."""
        from flwr.app import ConfigRecord

        wanted = self.attack.looks_back
        if not wanted:
            return origin.new_empty(0, len(origin))
        before = read(context.state[LAST]["models"]) if LAST in context.state else []
        context.state[LAST] = ConfigRecord({"models": written([*before, origin][-wanted:])})
        return torch.stack(before) if before else origin.new_empty(0, len(origin))


def attack_mod(
    attack: Attack,
    *,
    received: int,
    seed: int = 0,
    member: int = 0,
    defense: Aggregator | None = None,
    poisoned: bool = False,
) -> AttackMod:
    """A mod for red-team runs: this client trains honestly, and sends what the attack makes of it.

    `ClientApp(mods=[attack_mod(SignFlip(z=4.0), received=10)])`. What the attack remembers, and the models that it
    looks back at, are kept in the node's own context. It waits in real seconds. Each node attacks by itself: it knows
    its own update, and those of other nodes with the same seed draw the same numbers.

    Parameters
    ----------
    received : how many models the server averages at a time, which every attack knows.
    seed : of the numbers that it draws, and of the rounds that it takes by chance.
    member : the node's number among those of the attack, from 0.
    defense : the rule that the attack believes the server to use, where it asks for that and names none.
    poisoned : whether the node's data are poisoned already, as an attack that poisons data wants them.

    Raises
    ------
    InvalidConfig
        If the attack needs what no client can see or do in a mod.
    """
    name = type(attack).__name__
    problems = {
        "knows honest clients' updates, which no client of Flower's has": attack.sees == "full",
        "poisons data, which is done where a client loads them": attack.poisons and not poisoned,
        "trains on its own, which is done in the client's training": attack.trains,
        "sends what is no model": attack.malformed,
    }
    for problem, holds in problems.items():
        if holds:
            raise InvalidConfig(
                f"`attack` must work on a client's own update in attack_mod; found {name}, which {problem}"
            )
    return AttackMod(
        attack, received, seed, member, AssumedRule(attack.assumes, Mean() if defense is None else defense)
    )


def check_mod(message: Any, context: Any, call_next: Next) -> Any:
    """A mod that answers with an error, and its reason, instead of training on or sending a model that is none.

    What comes must hold one model of finite numbers. What a client sends in reply to a task of training must have the
    arrays of that model in name, shape and dtype, finite, and a positive number of examples, `num-examples`: what the
    server's `RuleStrategy` would refuse never leaves the device, and the device's owner learns why.
    `ClientApp(mods=[check_mod])`.
    """
    sent = said(message, KEY)
    try:
        layout = ArrayLayout.of(sent.arrays)
    except InvalidConfig as error:
        return _failed(f"the message is refused: {error}", message)
    if (reason := layout.refusal(sent.arrays)) is not None:
        return _failed(f"the message is refused: {reason.value}", message)
    reply = call_next(message, context)
    if not _trains(message) or not reply.has_content():
        return reply
    answered = said(reply, KEY)
    reason = refusal(layout, answered.arrays, answered.examples)
    return reply if reason is None else _failed(f"the reply is held back: {reason.value}", message)


def _failed(why: str, message: Any) -> Any:
    """An error in reply to a message."""
    from flwr.app import Error, Message

    return Message(Error(0, why), reply_to=message)


def _trains(message: Any) -> bool:
    return bool(message.metadata.message_type.startswith("train"))


def _round(message: Any) -> int:
    """The round of a message, from 0 on; 0 where nobody says so."""
    told = [record.get("server-round") for record in message.content.config_records.values()]
    return next((number - 1 for number in told if isinstance(number, int) and number > 0), 0)

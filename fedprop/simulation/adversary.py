"""The adversary: one actor that holds the compromised clients and answers for them, together."""

from collections.abc import Callable
from typing import Any, TypeVar

import anyio
import torch

from fedprop.aggregators.assumed import AssumedRule
from fedprop.answers import described
from fedprop.attacks.answers import replied, reported
from fedprop.attacks.base import Attack
from fedprop.attacks.reply import Reply
from fedprop.attacks.view import View
from fedprop.attacks.workshop import Workshop
from fedprop.errors import RunFailed, WrongAnswer
from fedprop.failures import blamed, in_words
from fedprop.messages import Consultation, Instruction, Invitation
from fedprop.params import ParameterLayout
from fedprop.rng import generator
from fedprop.simulation.events import EventKind
from fedprop.simulation.inbox import Inbox
from fedprop.simulation.packing import copied
from fedprop.simulation.setup import Setup
from fedprop.simulation.transport import Emit
from fedprop.simulation.workshop import ClientsWorkshop, Gradients
from fedprop.training.lazy import TicketOffice
from fedprop.types import ClientId, Round, Updates, Vector, Version

T = TypeVar("T")


class Adversary:
    """Sees what each attack's declared knowledge allows, and no more.

    When a compromised client must answer, the attack that holds it crafts the answers of all its clients whose tasks
    are still open, in one go. It sees their own honest updates; under full knowledge also those of all honest clients
    with open tasks, whether they have finished training or not. In synchronous rounds that is the whole cohort; where
    the defense has clients choose the model they start from, those of it that have got their invitation by then. A task
    given out in a round in which the attack pauses is answered honestly.

    Attributes
    ----------
    answers : what was settled for open tasks that nobody has asked about yet, by task.
    failures : of each attack that failed, by its place: how often so far, and how it did first.
    deviations : of each attack that answered at all, by its place: in how many tasks otherwise than an honest client.
    states : what each attack remembers, by its place.
    received : the latest global models that each attack's clients received, by version, as many as it looks back and
        one more, the present one.
    """

    def __init__(self, setup: Setup, office: TicketOffice, emit: Emit) -> None:
        self.answers: dict[int, Instruction] = {}
        self.failures: dict[int, tuple[int, str]] = {}
        self.deviations: dict[int, int] = {}
        self.states: dict[int, Any] = {}
        self.received: dict[int, dict[Version, Vector]] = {index: {} for index in range(len(setup.attacks))}
        self._setup = setup
        self._office = office
        self._emit = emit
        self._compromised = setup.compromised
        self._inbox: Inbox[Consultation] = Inbox()
        self._waiting: dict[int, anyio.Event] = {}
        classes = setup.dataset.classes if setup.extra_classes else None
        works = any(attack.trains for attack, _ in setup.attacks)
        self._gradients = Gradients(setup.module, setup.shards.task, classes=classes) if works else None
        self._assumed = [AssumedRule(attack.assumes, setup.rule) for attack, _ in setup.attacks]
        # Examples that all clients were handed are no secret of the server's.
        self._handed = setup.root_bench() if setup.shards.handed and setup.attacks else None
        self._buffers = ParameterLayout.of(setup.module).buffers
        self.announce: Callable[[str], None] = lambda what: None  # what takes long, for whoever waits for it

    def holds(self, client: ClientId) -> bool:
        """Whether a client is compromised."""
        return client in self._compromised

    def speed(self, client: ClientId, round: Round) -> float:
        """By what a compromised client's speed is multiplied in a task of this round."""
        index = self._attack_on(client)
        return self._setup.attacks[index][0].speed if self._setup.attacking(index, round) else 1.0

    def reports(self, client: ClientId, truth: bool, round: Round) -> bool:
        """What a client answers to a question of a report in a task of this round; an honest one tells the truth."""
        if not self.holds(client):
            return truth
        index = self._attack_on(client)
        if not self._setup.attacking(index, round):
            return truth
        attack, _ = self._setup.attacks[index]
        return self._attempt(index, round, lambda: reported(attack, truth), lambda: truth)

    def hears(self, client: ClientId, invitation: Invitation) -> None:
        """An invitation has reached a compromised client: its attack knows the global model from now on."""
        index = self._attack_on(client)
        attack, received = self._setup.attacks[index][0], self.received[index]
        if attack.looks_back and invitation.version not in received:
            received[invitation.version] = invitation.parameters
            newest = sorted(received)[-attack.looks_back - 1 :]
            self.received[index] = {version: received[version] for version in newest}

    async def consult(self, client: ClientId, invitation: Invitation) -> Instruction:
        """What a compromised client shall do about a task."""
        task = invitation.task
        answered = self._waiting[task] = anyio.Event()
        self._inbox.put(Consultation(client, task, invitation.round, invitation.version))
        await answered.wait()
        return self.answers.pop(task)

    async def run(self) -> None:
        """Answer consultations for ever."""
        while True:
            question = await self._inbox.get()
            index = self._attack_on(question.client)
            if not self._setup.attacking(index, question.round):
                self._answer_honestly(question.task)
            elif question.task not in self.answers:
                self._answer(index, question)
            self._waiting.pop(question.task).set()

    def _attack_on(self, client: ClientId) -> int:
        return next(i for i, (_, held) in enumerate(self._setup.attacks) if client in held)

    def _answer(self, index: int, question: Consultation) -> None:
        """Answer for the task in question and all other open tasks of the attack's clients."""
        attack, held = self._setup.attacks[index]
        first, round = question.task, question.round
        # An answer is left over when its client dropped the task before it was due.
        self.answers = {task: told for task, told in self.answers.items() if task in self._office.tickets}
        tickets = {**self._office.window(), first: self._office.tickets[first]}
        asked = [task for task, ticket in sorted(tickets.items()) if ticket.client in held and task not in self.answers]
        own = self._finite(asked)
        for task in set(asked) - set(own):
            self._answer_honestly(task)
        if not own:
            return
        others = [task for task, ticket in sorted(tickets.items()) if not self.holds(ticket.client)]
        benign = self._finite(others) if attack.sees == "full" else []
        origin = tickets[first].origin
        examples = tuple(self._office.result(task).examples for task in own)
        state = self.states.get(index)
        rows = self._rows(own, origin)
        clients, place = tuple(tickets[task].client for task in own), sorted(held).index
        handed = None if self._handed is None else self._handed.at(origin, round)
        averaged = self._setup.policy.intended(self._setup.clients)
        view = View(
            own=rows,
            benign=self._rows(benign, origin) if attack.sees == "full" else None,
            # A copy: an attack that writes into it must not move the server's model.
            origin=origin.clone(),
            assumed=self._assumed[index].knowing(rows, origin, handed),
            generator=generator(self._setup.seed, "attack", index, first),
            workshop=self._workshop(index, clients),
            received=averaged,
            attackers=_among(averaged, sum(ticket.client in held for ticket in tickets.values()), len(tickets)),
            clients=clients,
            members=tuple(map(place, clients)),
            benign_clients=[tickets[task].client for task in benign],
            examples=examples,
            round=round,
            past=self._past(index, question.version, origin),
            state=copied(state),
            buffers=self._buffers,
        )
        self.announce(f"attack {attack.kind} works on {len(own)} updates")
        reply = self._attempt(
            index,
            round,
            lambda: _asked(attack, view),
            lambda: Reply(self._rows(own, origin), examples, (0.0,) * len(own), state),
        )
        self.announce("")
        self.states[index] = reply.state
        otherwise = _differing(reply, Reply(self._rows(own, origin), examples, (0.0,) * len(own), state))
        self.deviations[index] = self.deviations.get(index, 0) + otherwise
        for task, row, claimed, lateness in zip(own, reply.rows, reply.examples, reply.lateness, strict=True):
            self.answers[task] = Instruction(task, row, claimed, lateness)

    def _answer_honestly(self, task: int) -> None:
        honest = self._office.result(task)
        self.answers[task] = Instruction(task, honest.update, honest.examples)

    def _finite(self, tasks: list[int]) -> list[int]:
        """The tasks that ended in numbers. Where training did not, there is nothing to craft from or to hide among.

        What such a client has is what it sends, and the server refuses it, whoever sends it.
        """
        return [task for task in tasks if bool(torch.isfinite(self._office.result(task).update).all())]

    def _attempt(self, index: int, round: Round, answer: Callable[[], T], honest: Callable[[], T]) -> T:
        """The attack's answer; if it fails, an honest one or the end of the run, as the experiment says."""
        kind = self._setup.attacks[index][0].kind
        try:
            with blamed(f"attack {kind} failed in round {round}"):
                return answer()
        except RunFailed as error:
            if self._setup.attack_failures == "stop":
                raise
            reason = in_words(error.__cause__ or error)
            self._emit(EventKind.ATTACK_FAILED, detail=f"{kind}: {reason}")
            times, first = self.failures.get(index, (0, f"in round {round}: {reason}"))
            self.failures[index] = (times + 1, first)
            return honest()

    def _workshop(self, index: int, clients: tuple[ClientId, ...]) -> Workshop | None:
        """What the clients of an attack that trains can work out."""
        setup = self._setup
        if self._gradients is None or not setup.attacks[index][0].trains:
            return None
        return ClientsWorkshop(
            self._gradients,
            setup.shards,
            clients,
            setup.aims.get(index),
            setup.training.batch_size,
        )

    def _rows(self, tasks: list[int], like: Vector) -> Updates:
        rows = [self._office.result(task).update for task in tasks]
        return torch.stack(rows) if rows else like.new_empty(0, len(like))

    def _past(self, index: int, version: Version, like: Vector) -> Updates:
        """The models that the attack's clients received before this version, as many as the attack looks back."""
        attack, received = self._setup.attacks[index][0], self.received[index]
        before = [received[older] for older in sorted(received) if older < version]
        return torch.stack(before[-attack.looks_back :]) if before else like.new_empty(0, len(like))


def _among(averaged: int, own: int, open_: int) -> int:
    """How many of the updates that are averaged are an attack's, which has so many of the tasks that are open."""
    return max(1, min(own, averaged) if open_ <= averaged else round(averaged * own / open_))


def _differing(reply: Reply, honest: Reply) -> int:
    """How many of the answers in a reply are others than the honest ones."""
    rows, own = reply.rows, honest.rows
    if rows.shape != own.shape or rows.dtype != own.dtype:  # what no server accepts
        return len(own)
    others = (rows != own).any(dim=1).tolist()
    told = zip(others, reply.examples, honest.examples, reply.lateness, strict=True)
    return sum(row or claimed != held or lateness > 0 for row, claimed, held, lateness in told)


def _asked(attack: Attack, view: View) -> Reply:
    """The attack's answer, with a state that a checkpoint can hold."""
    reply = replied(attack, view)
    try:
        return reply._replace(state=copied(reply.state))
    except TypeError:
        told = f"the attack {type(attack).__name__} must remember plain data and tensors, and nothing else"
        raise WrongAnswer(f"{told}; found {described(reply.state)}") from None

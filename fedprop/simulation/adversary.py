"""The adversary: one actor that holds the compromised clients and answers for them, together."""

from collections.abc import Callable
from typing import TypeVar

import anyio
import torch

from fedprop.aggregators.assumed import AssumedRule
from fedprop.attacks.answers import alarmed, crafted
from fedprop.attacks.base import View
from fedprop.attacks.workshop import Workshop
from fedprop.errors import RunFailed
from fedprop.failures import blamed, in_words
from fedprop.messages import Consultation, Instruction
from fedprop.rng import generator
from fedprop.simulation.events import EventKind
from fedprop.simulation.inbox import Inbox
from fedprop.simulation.setup import Setup
from fedprop.simulation.transport import Emit
from fedprop.simulation.workshop import ClientsWorkshop, Gradients
from fedprop.training.lazy import TicketOffice
from fedprop.types import ClientId, Round, Updates, Vector

T = TypeVar("T")


class Adversary:
    """Sees what each attack's declared knowledge allows, and no more.

    When a compromised client must answer, the attack that holds it crafts the answers of all its clients whose tasks
    are still open, in one go. It sees their own honest updates; under full knowledge also those of all honest clients
    with open tasks, whether they have finished training or not. In synchronous rounds that is the whole cohort; where
    the defense has clients choose the model they start from, those of it that have got their invitation by then. A task
    given out in a round in which the attack pauses is answered honestly.
    """

    def __init__(self, setup: Setup, office: TicketOffice, emit: Emit) -> None:
        self.answers: dict[int, Vector] = {}
        self.failures: dict[int, tuple[int, str]] = {}  # of each attack: how many so far, and what the first one was
        self._setup = setup
        self._office = office
        self._emit = emit
        self._compromised = setup.compromised
        self._inbox: Inbox[Consultation] = Inbox()
        self._waiting: dict[int, anyio.Event] = {}
        self._gradients = Gradients(setup.module) if setup.aims else None
        self._assumed = [AssumedRule(attack.assumes, setup.rule) for attack, _ in setup.attacks]
        self.announce: Callable[[str], None] = lambda what: None  # what takes long, for whoever waits for it

    def holds(self, client: ClientId) -> bool:
        """Whether a client is compromised."""
        return client in self._compromised

    def says(self, client: ClientId, alarm: bool, round: Round) -> bool:
        """What a client reports in a task of this round that ought to report `alarm`; an honest one does."""
        if not self.holds(client):
            return alarm
        index = self._attack_on(client)
        attack, _ = self._setup.attacks[index]
        if round not in attack.rounds:
            return alarm
        return self._attempt(index, round, lambda: alarmed(attack, alarm), lambda: alarm)

    async def consult(self, client: ClientId, task: int, round: Round) -> Instruction:
        """What a compromised client shall send for a task given out in this round."""
        answered = self._waiting[task] = anyio.Event()
        self._inbox.put(Consultation(client=client, task=task, round=round))
        await answered.wait()
        return Instruction(task=task, update=self.answers.pop(task))

    async def run(self) -> None:
        """Answer consultations for ever."""
        while True:
            question = await self._inbox.get()
            index = self._attack_on(question.client)
            if question.round not in self._setup.attacks[index][0].rounds:
                self.answers[question.task] = self._office.result(question.task).update
            elif question.task not in self.answers:
                self._craft(index, question.task, question.round)
            self._waiting.pop(question.task).set()

    def _attack_on(self, client: ClientId) -> int:
        return next(i for i, (_, held) in enumerate(self._setup.attacks) if client in held)

    def _craft(self, index: int, first: int, round: Round) -> None:
        """Answer for `first` and all other open tasks of the attack's clients."""
        attack, held = self._setup.attacks[index]
        # An answer is left over when its client dropped the task before it was due.
        self.answers = {task: row for task, row in self.answers.items() if task in self._office.tickets}
        tickets = {**self._office.window(), first: self._office.tickets[first]}
        own = [task for task, ticket in sorted(tickets.items()) if ticket.client in held and task not in self.answers]
        benign = [task for task, ticket in sorted(tickets.items()) if not self.holds(ticket.client)]
        origin = tickets[first].origin
        view = View(
            own=self._rows(own, origin),
            benign=self._rows(benign, origin) if attack.sees == "full" else None,
            # A copy: an attack that writes into it must not move the server's model.
            origin=origin.clone(),
            assumed=self._assumed[index],
            generator=generator(self._setup.seed, "attack", index, first),
            workshop=self._workshop(index, tuple(tickets[task].client for task in own)),
        )
        self.announce(f"attack {attack.kind} works on {len(own)} updates")
        rows = self._attempt(index, round, lambda: crafted(attack, view), lambda: self._rows(own, origin))
        self.announce("")
        self.answers.update(zip(own, rows, strict=True))

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
        """What the clients of a targeted attack can work out."""
        setup = self._setup
        if self._gradients is None or index not in setup.aims:
            return None
        return ClientsWorkshop(
            self._gradients,
            setup.shards,
            clients,
            setup.aims[index],
            setup.training.batch_size,
            setup.policy.fewest(setup.clients),
        )

    def _rows(self, tasks: list[int], like: Vector) -> Updates:
        rows = [self._office.result(task).update for task in tasks]
        return torch.stack(rows) if rows else like.new_empty(0, len(like))

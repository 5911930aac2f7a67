"""The place of a curious client: it sees the global models and its own update, and nobody else's."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from pydantic import NonNegativeInt

from fedprop.errors import InvalidConfig
from fedprop.metrics import Number
from fedprop.privacy.leakage.dlg import DLG
from fedprop.privacy.probe import Finding, Probe, Recipe, Sent, Sight, Watch, Watched, is_a_client
from fedprop.privacy.probe_field import ProbeField
from fedprop.types import ClientId, Round, Vector


class _OfTheProbe:
    """An attribute of the probe that stands there; of the class, for whom none does yet, what it is without one."""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, probe: "AtClient | None", owner: type) -> object:
        return getattr(Probe if probe is None else probe.probe, self._name)


class AtClient(Probe):
    """Any probe, at the place of a client that takes part honestly and looks at what it is sent.

    In a round it was sent a global model, sent an update, and is sent the next model. Their difference it takes for the
    mean of all updates, as it is where the server averages and weighs all clients alike; less its own share, it is the
    mean of the others' updates. It cannot tell the others apart: to the probe they are one client, who holds what all
    of them hold and makes steps on batches as large as all of theirs. So whichever client the probe is after, it is
    after them all, and one that compares clients has nothing to compare. With two clients in all, the other one's
    update lies open. It knows by how much the server multiplies the mean; a server whose step is no multiple of it, as
    with momentum, is refused.

    That is exact for one step of clients who hold equally much. After several steps, or under a rule that does not
    average, the probe makes of it what it can. Rounds in which not everybody's update was accepted tell it nothing.

    Attributes
    ----------
    seat : the client at whose place the probe stands.
    probe : what looks at the others' mean update.

    Source: Melis et al., "Exploiting Unintended Feature Leakage in Collaborative Learning", S&P 2019, sections 3.1 and
    4.1: an adversary who is a participant subtracts its own update from the change of the model.
    """

    # What lists and records ask of a probe is asked of the one that stands there.
    numbers: ClassVar[tuple[Number, ...]] = _OfTheProbe()  # type: ignore[assignment]
    needs_classes: ClassVar[bool] = _OfTheProbe()  # type: ignore[assignment]
    knows: ClassVar[str] = "as the probe, and how many clients there are"
    stands: ClassVar[str] = "at a client"

    kind: Literal["at_client"] = "at_client"
    seat: NonNegativeInt = 1
    probe: ProbeField = DLG()

    @property
    def told_as(self) -> str:
        return self.probe.told_as

    def watch(self, run: Watched) -> Watch:
        is_a_client(run, self.seat, "seat")
        self._check(run)
        others = [client for client in range(len(run.parts)) if client != self.seat]
        if not others:
            raise InvalidConfig("`inference.kind` at_client needs other clients; found 1 client")
        crowd = torch.cat([run.parts[client] for client in others])
        parts = tuple(run.parts[client] if client == self.seat else crowd for client in range(len(run.parts)))
        inner = self.probe.watch(run._replace(parts=parts, training=_Crowd(run.training, len(others))))

        def look(sight: Sight) -> tuple[Finding, ...]:
            seen = seen_from(self.seat, len(run.parts), sight, examples=len(crowd), rate=run.server_rate or 1.0)
            return () if seen is None else inner(seen)

        return look

    def _check(self, run: Watched) -> None:
        """Refuse what cannot be asked from there.

        Raises
        ------
        InvalidConfig
            If the probe compares clients, stands at a client itself, or is after the one at whose place it stands; or
            if the server's step does not tell the mean.
        """
        if self.probe.compares or isinstance(self.probe, AtClient):
            raise InvalidConfig(
                "`inference.probe` must look at one update, or at the model, to stand at a client, to whom all others "
                f"are one; found {self.probe.kind}"
            )
        if getattr(self.probe, "client", None) == self.seat:
            raise InvalidConfig(
                f"`inference.probe.client` must be another client than `inference.seat`; found {self.seat} for both"
            )
        if run.server_rate is None:
            raise InvalidConfig(
                "`inference.kind` at_client needs an `optimizer` whose step is a multiple of the aggregate, fedavg; "
                "found another one"
            )


def seen_from(seat: ClientId, clients: int, sight: Sight, *, examples: int, rate: float = 1.0) -> Sight | None:
    """A round as the client at this seat sees it: any other's update is the mean of the others', from `examples`.

    The server is taken to multiply the mean of all updates by `rate`. None if somebody's update was not accepted.
    """
    own = sight.sent(seat)
    if own is None or any(sight.sent(client) is None for client in range(clients)):
        return None
    change = (sight.parameters.double() - own.origin.double()) / rate
    others = Sent(own.origin, _rest(change, own.update, clients), examples, own.steps)

    def sent(client: ClientId) -> Sent | None:
        return own if client == seat else others if client < clients else None

    return sight._replace(sent=sent)


def _rest(change: Vector, own: Vector, clients: int) -> Vector:
    """The mean of the others' updates, where the change is that of all."""
    return ((clients * change - own.double()) / (clients - 1)).to(own.dtype)


@dataclass(frozen=True)
class _Crowd:
    """How so many clients train who take their steps together, on one batch made of all of theirs."""

    each: Recipe
    size: int

    @property
    def optimizer(self) -> str:
        return self.each.optimizer

    @property
    def batch_size(self) -> int:
        return self.size * self.each.batch_size

    @property
    def momentum(self) -> float:
        return self.each.momentum

    @property
    def weight_decay(self) -> float:
        return self.each.weight_decay

    @property
    def proximal(self) -> float:
        return self.each.proximal

    def rate(self, round: Round) -> float:
        return self.each.rate(round)

    def count_steps(self, examples: int) -> int:
        return self.each.count_steps(-(-examples // self.size))

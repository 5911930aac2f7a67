"""Who is slow, late, lost or away: models of links, computation and availability.

Everything here is a pure function of a seed and counters; nothing sleeps. The simulator asks how long, and sleeps
itself.
"""

from bisect import bisect_right
from typing import Annotated, Literal

from pydantic import Field

from fedprop.distributions import AnyDistribution, Constant
from fedprop.rng import fraction, words
from fedprop.types import ClientId, Fraction, Frozen, Positive, Seconds

_LINKS = {"down": "network/down", "up": "network/up"}
"""The streams that messages of one direction draw from."""


class Network(Frozen):
    """Links between the server and its clients.

    A message takes `latency` + size / bandwidth seconds. Bandwidths are drawn once for each client, latencies for each
    message, so messages may overtake one another.

    Attributes
    ----------
    latency : seconds one way.
    downlink, uplink : bytes per second of a client's link; None for no limit.
    loss : probability that a message is lost.
    duplicate : probability that a message arrives twice, each copy with its own latency.
    reorder : probability that a message is held back for a uniform share of `reorder_seconds`.
    reorder_seconds : the longest that a message is held back.
    """

    latency: AnyDistribution = Constant(value=0.05)
    downlink: AnyDistribution | None = None
    uplink: AnyDistribution | None = None
    loss: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.0
    duplicate: Fraction = 0.0
    reorder: Fraction = 0.0
    reorder_seconds: Positive = 1.0

    def deliver(
        self, seed: int, client: ClientId, direction: Literal["down", "up"], number: int, size: int
    ) -> tuple[Seconds, ...]:
        """In how many seconds each copy of the `number`-th message on one direction of a client's link arrives.

        The message has `size` bytes. No copies: it was lost.
        """
        luck = words(seed, _LINKS[direction], client, number)
        if self.loss and fraction(luck[0]) < self.loss:
            return ()
        rates = self.downlink if direction == "down" else self.uplink
        transfer = 0.0
        if rates is not None:
            transfer = size / max(rates.draw(seed, f"network/{direction}/rate", client), 1e-9)
        first = transfer + self._delay(luck[2], luck[3], luck[4])
        if self.duplicate and fraction(luck[1]) < self.duplicate:
            return first, transfer + self._delay(luck[5], luck[6], luck[7])
        return (first,)

    def _delay(self, latency: int, held_back: int, share: int) -> Seconds:
        """What one copy needs beside its transfer, by three words of its own."""
        delay = self.latency.checked(fraction(latency))
        if self.reorder and fraction(held_back) < self.reorder:
            delay += self.reorder_seconds * fraction(share)
        return delay


class Compute(Frozen):
    """How long local training takes.

    Attributes
    ----------
    time : seconds for one unit of work at speed 1, drawn anew for each task.
    speed : a client's own speed, drawn once; a client of speed 2 needs half the time.
    unit : what the time is for: a whole task, one optimisation step, or one training example processed.
    """

    time: AnyDistribution = Constant(value=1.0)
    speed: AnyDistribution = Constant(value=1.0)
    unit: Literal["task", "step", "example"] = "task"

    def effort(self, seed: int, client: ClientId, *, steps: int, examples: int) -> float:
        """How many times `time` a client needs for a task that makes `steps` steps over `examples` examples in all."""
        work = {"task": 1, "step": steps, "example": examples}[self.unit]
        return work / max(self.speed.draw(seed, "compute/speed", client), 1e-9)

    def seconds(self, seed: int, client: ClientId, task: int, effort: float) -> Seconds:
        """The duration of one task."""
        return effort * self.time.draw(seed, "compute/time", client, task)


class Outages(Frozen):
    """A client that crashes and returns: it is up and down for alternating random times.

    A crash loses whatever the client was doing; messages that reach a client that is down are lost.

    Attributes
    ----------
    up : seconds from a return to the next crash.
    down : seconds from a crash to the return.
    """

    up: AnyDistribution
    down: AnyDistribution


class Faults(Frozen):
    """How clients fail. All failures are silent: the server learns of them by waiting in vain.

    Attributes
    ----------
    dropout : probability that a client abandons a task midway, at a uniform moment of its training.
    outages : crashes and returns; None for clients that are always up.
    """

    dropout: Fraction = 0.0
    outages: Outages | None = None

    def drops_at(self, seed: int, client: ClientId, task: int) -> float | None:
        """The share of its training after which a client abandons a task; None if it does not."""
        if not self.dropout:
            return None
        luck = words(seed, "faults/dropout", client, task)
        return fraction(luck[1]) if fraction(luck[0]) < self.dropout else None


KEPT = 32
"""Maximum changes kept of one client; a run asks for ever later ones, so that older ones are not needed again."""


class Availability:
    """When one client is up, as a function of time alone (its latest changes are computed once and kept)."""

    __slots__ = ("_changes", "_client", "_outages", "_seed", "_skipped")

    def __init__(self, outages: Outages | None, seed: int, client: ClientId) -> None:
        self._outages = outages
        self._seed = seed
        self._client = client
        self._skipped = 0
        self._changes: list[Seconds] = [0.0]

    def is_up(self, time: Seconds) -> bool:
        """Whether the client is up at `time`; it is at time 0."""
        return self._period(time) % 2 == 0

    def next_change(self, time: Seconds) -> Seconds:
        """The first moment after `time` at which the client crashes or returns; infinity if it never does."""
        if self._outages is None:
            return float("inf")
        period = self._period(time)  # which may change what is kept
        return self._changes[period - self._skipped + 1]

    def _period(self, time: Seconds) -> int:
        """Which period `time` falls in: even ones are up, odd ones down."""
        if self._outages is None:
            return 0
        if time < self._changes[0]:
            self._skipped, self._changes = 0, [0.0]
        while self._changes[-1] <= time:
            self._extend(self._outages)
        return self._skipped + bisect_right(self._changes, time) - 1

    def _extend(self, outages: Outages) -> None:
        if len(self._changes) == KEPT:
            del self._changes[: KEPT // 2]
            self._skipped += KEPT // 2
        k = self._skipped + len(self._changes) - 1
        lengths = outages.up if k % 2 == 0 else outages.down
        length = lengths.draw(self._seed, "faults/outages", self._client, k)
        self._changes.append(self._changes[-1] + max(length, 1e-6))

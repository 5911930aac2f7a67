"""SIREN+'s client, which alarms the server when the new global model does worse than the one that it made last."""

from dataclasses import dataclass

from fedprop.defenses.protocol import Beginning, LocalTest
from fedprop.defenses.siren_plus.alarm import AlarmStatus
from fedprop.messages import Draft
from fedprop.types import ClientId, Vector


@dataclass(frozen=True)
class AlarmingClients:
    """Algorithm 1 of Guo et al. 2024: test both models, alarm, and start from the one that is trusted.

    Where the paper is silent:

    - A client without a model of its own, or with no examples to test on, has nothing to hold against the global one:
      it raises no alarm and starts from it.
    - "The previous round" is the last one in which the client sent an update, however long ago. Then its own model is
      old; that makes it worse rather than better, so the comparison errs towards silence.
    - What the server does with an answer makes no difference to the client, nor does a rollback, of which it is not
      told: the model it is sent is judged like any other.
    - The test takes no simulated time.

    Attributes
    ----------
    test : a model's accuracy on what a client holds out.
    c_c : C_c, the loss of accuracy that a client puts up with, as a share of its own model's.
    """

    test: LocalTest
    c_c: float

    def begin(self, client: ClientId, received: Vector, last: Vector | None) -> Beginning:
        """The start and the alarm of a client that was sent a global model."""
        theirs = None if last is None else self.test(client, received)
        if last is None or theirs is None:
            return _beginning(received, False, "nothing to compare with")
        own = self.test(client, last) or 0.0
        alarm = theirs < own * (1 - self.c_c)
        return _beginning(last if alarm else received, alarm, f"global model {theirs:.4f}, own model {own:.4f}")


def _beginning(start: Vector, alarm: bool, detail: str) -> Beginning:
    return Beginning(start, (Draft(AlarmStatus, {"alarm": alarm}),), detail)

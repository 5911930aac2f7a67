"""The global model put to the test: accuracy, loss, and all the numbers that are measured of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch

from fedprop.answers import described
from fedprop.errors import WrongAnswer
from fedprop.failures import blamed
from fedprop.metrics import Aimed, Exam, Metric, Reading
from fedprop.simulation.evaluation import Evaluator, scored
from fedprop.simulation.setup import Setup
from fedprop.types import ClientId, Round, Vector


@dataclass(frozen=True)
class Grades:
    """What a test of the global model found; nothing at all where there was none.

    Attributes
    ----------
    accuracy, loss : on the test set.
    numbers : the readings by the numbers' names.
    """

    accuracy: float | None = None
    loss: float | None = None
    numbers: dict[str, Reading] = field(default_factory=dict)


class Examiner:
    """Tests global models as a simulation asks for."""

    def __init__(self, setup: Setup) -> None:
        self._test = setup.dataset.test
        self._classes = setup.dataset.classes
        self._metrics = [number for number in setup.numbers if isinstance(number, Metric)]
        self._evaluate = Evaluator(setup.tested, self._test, setup.shards.task)
        self._aims = setup.aims
        self._shards = setup.shards
        self._clients, self._compromised = setup.clients, setup.compromised

    def __call__(self, parameters: Vector, round: Round) -> Grades:
        """What there is to say of a model [d]; the round is for errors alone.

        Raises
        ------
        RunFailed
            If a metric fails, or answers with no reading.
        """
        outputs = self._evaluate.outputs(parameters, self._test)
        exam = Exam(
            outputs,
            self._test.y,
            self._classes,
            by_client=lambda: self._by_client(parameters),
            aim=lambda: self._aimed(parameters),
        )
        found = {metric.kind: read(metric, exam, round) for metric in self._metrics}
        readings = {kind: reading for kind, reading in found.items() if reading is not None}
        return Grades(*scored(outputs, self._test.y, self._shards.task), readings)

    def _by_client(self, parameters: Vector) -> Mapping[ClientId, float]:
        """The accuracy on the examples that each honest client has of its own and trains on."""
        everybody = (client for client in range(self._clients) if client not in self._compromised)
        honest = [client for client in everybody if self._shards.owned(client)]
        parts = [self._shards.own(client) for client in honest]
        right = self._evaluate.right(parameters, self._shards.pool, torch.cat(parts))
        shares = [float(own.double().mean()) for own in torch.split(right, [len(part) for part in parts])]
        return dict(zip(honest, shares, strict=True))

    def _aimed(self, parameters: Vector) -> Mapping[int, Aimed]:
        """The answers to the inputs that attacks aim at."""
        return {
            place: Aimed(self._evaluate.outputs(parameters, examples), examples.y)
            for place, examples in self._aims.items()
        }


def read(metric: Metric, exam: Exam, round: Round) -> Reading | None:
    """What a metric, which may be one of the user's own, makes of the model after a round; None if it has no object.

    Raises
    ------
    RunFailed
        If it raises an error, or answers with no reading.
    """
    with blamed(f"metric {metric.kind} failed in round {round}"):
        if not metric.applies(exam):
            return None
        found: object = metric.measure(exam)
        if not isinstance(found, Reading):
            raise WrongAnswer(f"{type(metric).__name__}.measure must answer with a Reading; found {described(found)}")
        return found

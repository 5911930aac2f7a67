"""What the clients' privacy has cost so far, and how much noise keeps it in bounds."""

from collections.abc import Iterable

from fedprop.privacy.accounting import epsilon, noise_for
from fedprop.privacy.config import Cost, LocalPrivacy
from fedprop.simulation.setup import Setup
from fedprop.training.config import LocalTraining
from fedprop.types import ClientId


class PrivacyMeter:
    """How often each client has given something of its data away, and the epsilon that this comes to.

    With local privacy a client pays when it sends an update, even if that is lost or refused: whoever listens has it
    then. A task that it drops costs nothing. With central privacy it pays when its update enters an average; that
    cohorts are drawn at random is given no credit, since who took part may be known.

    Attributes
    ----------
    released : the number of times, for each client that did so at least once.
    """

    def __init__(self, setup: Setup) -> None:
        self.released: dict[ClientId, int] = {}
        self._setup = setup
        self._since: set[ClientId] = set()

    def sent(self, client: ClientId) -> None:
        """A client sends what it has trained."""
        if self._setup.training.privacy is not None and client not in self._setup.exempt:
            self._count(client)

    def averaged(self, clients: Iterable[ClientId]) -> None:
        """The updates of these clients enter an average."""
        if self._setup.central_privacy is not None:
            for client in clients:
                self._count(client)

    def read(self) -> dict[ClientId, float]:
        """The epsilon of each client that paid since the last reading, over the whole run."""
        since, self._since = sorted(self._since), set()
        return {client: self.epsilon(client) for client in since}

    def epsilon(self, client: ClientId) -> float:
        """What a client's data is protected with so far; 0 if nothing of it was given away, or nobody is private."""
        privacy = self._setup.central_privacy or self._setup.training.privacy
        if privacy is None:
            return 0.0
        cost = self._cost(client)
        whole = cost._replace(steps=cost.steps * self.released.get(client, 0))
        return epsilon(privacy.sigma, whole, delta=privacy.delta, accountant=privacy.accountant)

    def _count(self, client: ClientId) -> None:
        self.released[client] = self.released.get(client, 0) + 1
        self._since.add(client)

    def _cost(self, client: ClientId) -> Cost:
        """What one task costs."""
        training = self._setup.training
        if training.privacy is None:
            return Cost(1.0, 1)
        return training.cost(training.privacy, self._setup.shards.count(client))


def planned_noise(training: LocalTraining, privacy: LocalPrivacy, examples: Iterable[int], tasks: int) -> float:
    """The noise multiplier at which no client with so many `examples` exceeds `target_epsilon` in so many tasks.

    It is one for all clients, compromised ones too, since nobody knows who they are.

    Raises
    ------
    InvalidConfig
        If no noise is enough.
    """
    if privacy.target_epsilon is None:
        return privacy.sigma
    costs = {training.cost(privacy, held) for held in examples}
    every = [cost._replace(steps=cost.steps * tasks) for cost in costs]
    return noise_for(privacy.target_epsilon, every, delta=privacy.delta, accountant=privacy.accountant)

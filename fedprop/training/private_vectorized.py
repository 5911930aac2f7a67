"""Private local training of many clients in one pass."""

from collections.abc import Sequence

from torch import Tensor, nn

from fedprop.privacy.config import LocalPrivacy, expected_batch
from fedprop.rng import generator
from fedprop.training.config import LocalTraining
from fedprop.training.private_stacked import StackedPrivateGradients
from fedprop.training.schedule import Schedule
from fedprop.training.steering import Steering
from fedprop.training.task import Shards, Ticket
from fedprop.training.vectorized import Vectorized, models


class PrivateVectorized(Vectorized):
    """Trains with private gradients; the losses stay with the clients."""

    def __init__(
        self,
        module: nn.Module,
        shards: Shards,
        config: LocalTraining,
        seed: int,
        *,
        privacy: LocalPrivacy,
        members: int,
        steering: Steering | None = None,
    ) -> None:
        super().__init__(module, shards, config, seed, members=members, steering=steering)
        self._privacy = privacy

    def _run(self, tickets: Sequence[Ticket], schedule: Schedule) -> tuple[Tensor, Tensor]:
        gradients = StackedPrivateGradients(
            self.descend.module,
            self.shards.pool,
            self._privacy,
            trainable=self.descend.trainable,
            batches=[expected_batch(self.shards.count(t.client), self.config.batch_size) for t in tickets],
            generators=[generator(self.seed, "noise", t.client, t.task) for t in tickets],
            task=self.shards.task,
        )
        rates, steered = self._rates(tickets), self._steered(tickets)
        return self.descend(*models(tickets), rates, schedule, gradients, steered)

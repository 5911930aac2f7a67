"""A rule as a strategy of Flower's message API."""

import time
from collections.abc import Callable, Iterable
from typing import Any

from fedprop.aggregators.base import Aggregator
from fedprop.flower.installed import MessageFedAvg
from fedprop.flower.records import named, said
from fedprop.flower.rounds import Helper, RoundTold, RuleRounds


class RuleStrategy(MessageFedAvg):  # type: ignore[misc]
    """Federated learning whose models are aggregated by a rule or a chain, as Flower's `ServerApp` runs it.

    `RuleStrategy(Krum(f=2, m=5)).start(grid, initial_arrays, num_rounds=10)`. Nodes are sampled, and their models
    evaluated, as Flower's `FedAvg` does.

    - A reply that is an error, or whose arrays are not those of the global model in name, shape and dtype, or not all
      finite, or that claims no examples, is left out; nodes that do not answer in time are not waited for. If the rule
      declines what is left, the global model stays as it is.
    - What a rule remembers is kept by node. Rows stand in the order in which nodes first answered, and by their ids
      among those that were new together, so the answer does not depend on who comes first.
    - `told` says of each round which weight each node had, who was refused and why.

    Parameters
    ----------
    rule : of `fedprop.aggregators`, or a chain of stages, a rule and postprocessors.
    seed : of the random numbers that it may draw.
    server : for a rule that asks the server's own examples: from the global model's arrays by name and the round, from
        0 on, a `ServerSide`.
    train_metrics_aggr_fn : as in `FedAvg`; by default the metrics of a round are how many replies were `used` and
        `refused`, since a Byzantine node says of its training what it likes.
    options : those of `FedAvg`.

    Raises
    ------
    InvalidConfig
        If the rule asks what nobody can answer here, or Flower is not installed.
    """

    def __init__(
        self,
        rule: Aggregator,
        *,
        seed: int = 0,
        server: Helper | None = None,
        train_metrics_aggr_fn: Callable[..., Any] | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.rounds = RuleRounds(rule, seed, server)
        self._metrics = train_metrics_aggr_fn
        self._model: Any = None
        self._asked: set[int] = set()

    @property
    def told(self) -> list[RoundTold]:
        """How each round went."""
        return self.rounds.told

    def configure_train(self, server_round: int, arrays: Any, config: Any, grid: Any) -> Iterable[Any]:
        """As `FedAvg`, and remember what was sent to whom."""
        self._model, self.rounds.began = arrays, time.time()
        messages = list(super().configure_train(server_round, arrays, config, grid))
        self._asked = {message.metadata.dst_node_id for message in messages}
        return messages

    def aggregate_train(self, server_round: int, replies: Iterable[Any]) -> tuple[Any, Any]:
        """The next global model, or None for the one before, and the metrics of the round."""
        from flwr.app import Array, ArrayRecord, MetricRecord

        came, _ = self._check_and_log_replies(list(replies), is_train=True, validate=False)
        came = [reply for reply in came if not self._asked or reply.metadata.src_node_id in self._asked]
        model = {} if self._model is None else named(self._model)
        received = [said(reply, self.weighted_by_key) for reply in came]
        # Without a model that was sent, as when a test hands over replies alone, models are rows as they are.
        model = model or {name: array * 0 for name, array in next(iter(received)).arrays.items()}
        found = self.rounds.play(server_round, model, received)
        told = self.told[-1]
        if self._metrics is None:
            metrics = MetricRecord({"used": len(told.weights), "refused": len(told.refused)})
        else:
            good = [reply.content for reply in came if reply.metadata.src_node_id in told.weights]
            metrics = self._metrics(good, self.weighted_by_key) if good else None
        return None if found is None else ArrayRecord({name: Array(array) for name, array in found.items()}), metrics

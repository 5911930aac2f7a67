"""A rule as a strategy of Flower's interface before messages, which `flwr.server.ServerConfig` users have."""

import time
from collections.abc import Sequence
from typing import Any

from fedprop.aggregators.base import Aggregator
from fedprop.errors import InvalidConfig
from fedprop.flower.arrays import Arrays
from fedprop.flower.installed import LegacyFedAvg
from fedprop.flower.rounds import Helper, Received, RoundTold, RuleRounds


class LegacyRuleStrategy(LegacyFedAvg):  # type: ignore[misc]
    """As `RuleStrategy`, for `flwr.server.Server`: what a rule remembers is kept by a client's `cid`.

    Parameters
    ----------
    rule, seed, server : as there; arrays go by their place, `"0"`, `"1"` and so on.
    options : those of `flwr.server.strategy.FedAvg`.

    Raises
    ------
    InvalidConfig
        As there.
    """

    def __init__(self, rule: Aggregator, *, seed: int = 0, server: Helper | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.rounds = RuleRounds(rule, seed, server)
        self._model: Any = None

    @property
    def told(self) -> list[RoundTold]:
        """How each round went."""
        return self.rounds.told

    def configure_fit(self, server_round: int, parameters: Any, client_manager: Any) -> list[Any]:
        """As `FedAvg`, and remember what was sent."""
        self._model, self.rounds.began = parameters, time.time()
        return list(super().configure_fit(server_round, parameters, client_manager))

    def aggregate_fit(self, server_round: int, results: Sequence[Any], failures: Sequence[Any]) -> tuple[Any, Any]:
        """The next global model, or None for the one before, and the metrics of the round."""
        from flwr.common import ndarrays_to_parameters

        if failures and not self.accept_failures:
            return None, {}
        received = [Received(client.cid, _named(done.parameters), done.num_examples) for client, done in results]
        if self._model is None and not received:
            raise InvalidConfig("a round must begin with `configure_fit`, which gets the model; found none")
        # Without a model that was sent, as when a test hands over results alone, models are rows as they are.
        model = _named(self._model) if self._model is not None else {n: a * 0 for n, a in received[0].arrays.items()}
        found = self.rounds.play(server_round, model, received)
        told = self.told[-1]
        metrics: dict[str, Any] = {"used": len(told.weights), "refused": len(told.refused)}
        if self.fit_metrics_aggregation_fn is not None:
            good = [(done.num_examples, done.metrics) for client, done in results if client.cid in told.weights]
            metrics = self.fit_metrics_aggregation_fn(good)
        return None if found is None else ndarrays_to_parameters(list(found.values())), metrics


def _named(parameters: Any) -> Arrays:
    """The arrays by their place; none if they cannot be read."""
    from flwr.common import parameters_to_ndarrays

    try:
        return {str(place): array for place, array in enumerate(parameters_to_ndarrays(parameters))}
    except (TypeError, ValueError, EOFError, OSError):
        return {}

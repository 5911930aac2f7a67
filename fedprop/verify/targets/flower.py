"""Flower strategies as rules: rows in, one vector out, for both of Flower's interfaces.

Flower averages models where fedprop averages updates. Here the global model is zero, so that a client's model is its
update, and every model is one array. Each call aggregates a first round on a copy of the strategy: what a strategy
remembers between rounds plays no part, and neither does what it asks clients to do.
"""

import copy
import gc
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, Protocol, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

from fedprop.errors import InvalidUpdates
from fedprop.types import Updates, Vector

Model: TypeAlias = NDArray[Any]
"""One model as the single array [d] that it is here."""

Round: TypeAlias = Callable[[Any, Sequence[Model], Sequence[int]], Model | None]
"""Has a strategy aggregate one model and one number of examples per client."""


class FlowerRule(Protocol):
    """What `rule_of` returns: rows [n, d], and the number of examples that each client claims (one, if left out)."""

    def __call__(self, rows: Updates, examples: Sequence[int] = ()) -> Vector: ...


def is_strategy(candidate: object) -> bool:
    """Whether `candidate` is a Flower strategy or a class of them, of either interface; flwr is not imported."""
    return _interface(candidate) is not None


def rule_of(strategy: Any) -> FlowerRule:
    """The rule that a Flower strategy applies to the models of one round.

    The rule takes rows [n, d] and gives a vector [d] on their device, in whatever dtype the strategy answers. The rows
    are handed over in Flower's serialized form, so no strategy can change them.

    Parameters
    ----------
    strategy : a `flwr.server.strategy.Strategy` or a `flwr.serverapp.strategy.Strategy`, its `f` already set.

    Raises
    ------
    TypeError
        If `strategy` is no instance of either. The rule itself raises `InvalidUpdates` if the strategy declines to
        aggregate, and else what the strategy raises; one that needs the global model (a server optimiser) does.
    """
    play = None if isinstance(strategy, type) else _interface(strategy)
    if play is None:
        raise TypeError(f"`strategy` must be an instance of a Flower strategy for rule_of; found {strategy!r}")

    def rule(rows: Updates, examples: Sequence[int] = ()) -> Vector:
        with _quiet(), _young_heap():
            found = play(copy.deepcopy(strategy), list(rows.detach().cpu().numpy()), examples or (1,) * len(rows))
        if found is None:
            name = type(strategy).__name__
            raise InvalidUpdates(f"`rows` must be something that {name} aggregates; found n={len(rows)}, no answer")
        return torch.from_numpy(np.array(found)).to(rows.device)

    return rule


def _legacy(strategy: Any, models: Sequence[Model], examples: Sequence[int]) -> Model | None:
    """One round of `aggregate_fit`."""
    from flwr.common import Code, FitRes, Status, ndarrays_to_parameters, parameters_to_ndarrays

    done = Status(Code.OK, "")
    results = [
        (SimpleNamespace(cid=str(client)), FitRes(done, ndarrays_to_parameters([model]), count, {}))
        for client, (model, count) in enumerate(zip(models, examples, strict=True))
    ]
    parameters, _ = strategy.aggregate_fit(1, results, [])
    return None if parameters is None else parameters_to_ndarrays(parameters)[0]


def _message(strategy: Any, models: Sequence[Model], examples: Sequence[int]) -> Model | None:
    """One round of `aggregate_train`."""
    from flwr.app import ArrayRecord, Message, Metadata, MetricRecord, RecordDict

    weight = getattr(strategy, "weighted_by_key", "num-examples")
    replies = [
        Message(
            content=RecordDict({"arrays": ArrayRecord([model]), "metrics": MetricRecord({weight: count})}),
            metadata=Metadata(1, "", client, 0, "", "", 0.0, 1.0, "train"),
        )
        for client, (model, count) in enumerate(zip(models, examples, strict=True), start=1)
    ]
    arrays, _ = strategy.aggregate_train(1, replies)
    return None if arrays is None else arrays.to_numpy_ndarrays()[0]


_INTERFACES: dict[tuple[str, str], Round] = {
    ("flwr.server.strategy.strategy", "Strategy"): _legacy,
    ("flwr.serverapp.strategy.strategy", "Strategy"): _message,
}
"""Flower's base classes by their place, and how to run one round on a strategy derived from them."""


def _interface(candidate: object) -> Round | None:
    cls = candidate if isinstance(candidate, type) else type(candidate)
    places = ((base.__module__, base.__name__) for base in cls.__mro__)
    return next((_INTERFACES[place] for place in places if place in _INTERFACES), None)


@contextmanager
def _quiet() -> Iterator[None]:
    """Without Flower's log lines for every round, of which a search makes thousands."""
    logger = logging.getLogger("flwr")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


@contextmanager
def _young_heap() -> Iterator[None]:
    """With only what the call itself makes for the garbage collector to walk; Flower's Bulyan collects per client."""
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()

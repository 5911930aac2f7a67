"""The two classes of Flower that strategies here derive from, or, where it is not installed, one that says so."""

from typing import Any

from fedprop.errors import InvalidConfig


class Missing:
    """Stands for a class of Flower where Flower is not installed."""

    def __init__(self, *_: Any, **__: Any) -> None:
        raise InvalidConfig("Flower must be installed for fedprop.flower: pip install 'fedprop[flower]'")


try:
    from flwr.server.strategy import FedAvg as _Legacy
    from flwr.serverapp.strategy import FedAvg as _Message
except ImportError:
    _Legacy = _Message = Missing

LegacyFedAvg: Any = _Legacy
"""`flwr.server.strategy.FedAvg`."""

MessageFedAvg: Any = _Message
"""`flwr.serverapp.strategy.FedAvg`."""

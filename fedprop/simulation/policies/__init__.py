"""Policies: when the server invites clients, how long it waits, and when it aggregates."""

from typing import Annotated, TypeAlias

from fedprop.registry import Registry
from fedprop.simulation.policies.asynchronous import Asynchronous, FedAsync, FedBuff
from fedprop.simulation.policies.base import Policy, collect
from fedprop.simulation.policies.synchronous import Synchronous

POLICIES: Registry[Policy] = Registry("policies", Policy, (Synchronous, FedBuff, FedAsync))
"""Every policy by its `kind`."""

AnyPolicy: TypeAlias = Annotated[Policy, POLICIES]

__all__ = ["POLICIES", "AnyPolicy", "Asynchronous", "FedAsync", "FedBuff", "Policy", "Synchronous", "collect"]

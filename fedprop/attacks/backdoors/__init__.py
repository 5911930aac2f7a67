"""Backdoors, one per file: what opens one, and what is planted in the attackers' data."""

from typing import Annotated, TypeAlias

from fedprop.attacks.backdoors.base import Backdoor, Property, Trigger
from fedprop.attacks.backdoors.distributed_trigger import DistributedTrigger
from fedprop.attacks.backdoors.edge_case import EdgeCase
from fedprop.attacks.backdoors.foreign_digits import ForeignDigits
from fedprop.attacks.backdoors.pixel_trigger import PixelTrigger
from fedprop.attacks.backdoors.semantic import Semantic
from fedprop.registry import Registry

BACKDOORS: Registry[Backdoor] = Registry(
    "backdoors", Backdoor, (PixelTrigger, DistributedTrigger, Semantic, EdgeCase, ForeignDigits)
)
"""Every backdoor by its `kind`, those of other installed packages included."""

AnyBackdoor: TypeAlias = Annotated[Backdoor, BACKDOORS]

__all__ = [
    "BACKDOORS",
    "AnyBackdoor",
    "Backdoor",
    "DistributedTrigger",
    "EdgeCase",
    "ForeignDigits",
    "PixelTrigger",
    "Property",
    "Semantic",
    "Trigger",
]

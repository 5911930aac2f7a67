"""Everything a configuration can name, by family."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from fedprop.aggregators import AGGREGATORS, STAGES
from fedprop.attacks import ATTACKS
from fedprop.data import DATASETS, PARTITIONS
from fedprop.defenses import PROTOCOLS
from fedprop.metrics import METRICS
from fedprop.models import MODELS
from fedprop.registry import Registry
from fedprop.simulation.optimizers import OPTIMIZERS
from fedprop.simulation.policies import POLICIES
from fedprop.training.lr_schedules import LR_SCHEDULES

_REGISTRIES: tuple[Registry[Any], ...] = (
    AGGREGATORS,
    STAGES,
    PROTOCOLS,
    ATTACKS,
    DATASETS,
    PARTITIONS,
    MODELS,
    POLICIES,
    OPTIMIZERS,
    LR_SCHEDULES,
    METRICS,
)


def kinds(family: str) -> Mapping[str, type[BaseModel]]:
    """Kind to class, for a family such as `aggregators`.

    Raises
    ------
    KeyError
        If there is no such family.
    """
    return {registry.family: registry for registry in _REGISTRIES}[family].kinds

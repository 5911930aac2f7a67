"""Everything a configuration can name, by family."""

from collections.abc import Mapping
from typing import Any, get_args

from pydantic import BaseModel

from fedprop.aggregators import AGGREGATORS, STAGES
from fedprop.attacks import ATTACKS
from fedprop.data import DATASETS, PARTITIONS
from fedprop.defenses import PROTOCOLS
from fedprop.models import MODELS
from fedprop.simulation.optimizers import OPTIMIZERS
from fedprop.simulation.policies import Policy
from fedprop.training.lr_schedules import LR_SCHEDULES

_REGISTRIES = (AGGREGATORS, STAGES, PROTOCOLS, ATTACKS, DATASETS, PARTITIONS, MODELS, OPTIMIZERS, LR_SCHEDULES)
_UNIONS = {"policies": Policy}


def kinds(family: str) -> Mapping[str, type[BaseModel]]:
    """Kind to class, for a family such as `aggregators`.

    Raises
    ------
    KeyError
        If there is no such family.
    """
    registries: dict[str, Any] = {registry.family: registry.kinds for registry in _REGISTRIES}
    if family in registries:
        return registries[family]  # type: ignore[no-any-return]
    union, *_ = get_args(_UNIONS[family])
    return {cls.model_fields["kind"].default: cls for cls in get_args(union)}

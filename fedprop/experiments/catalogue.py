"""Everything a configuration can name, by family."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from fedprop.aggregators import AGGREGATORS, POSTPROCESSORS, STAGES
from fedprop.attacks import ATTACKS, BACKDOORS
from fedprop.data import DATASETS, ENCODINGS, PARTITIONS
from fedprop.defenses import PROTOCOLS
from fedprop.distributions import DISTRIBUTIONS
from fedprop.errors import InvalidConfig
from fedprop.experiments.experiment import Experiment
from fedprop.experiments.sweep import Sweep
from fedprop.metrics import METRICS
from fedprop.models import MODELS
from fedprop.privacy import PROBES
from fedprop.registry import Registry, load_target
from fedprop.settings import meant, parts_of, source_of
from fedprop.simulation.optimizers import OPTIMIZERS
from fedprop.simulation.policies import POLICIES
from fedprop.simulation.staleness import STALENESSES
from fedprop.tasks import TASKS
from fedprop.tracking import TRACKERS
from fedprop.training.lr_schedules import LR_SCHEDULES

REGISTRIES: tuple[Registry[Any], ...] = (
    AGGREGATORS,
    STAGES,
    POSTPROCESSORS,
    PROTOCOLS,
    ATTACKS,
    BACKDOORS,
    DATASETS,
    ENCODINGS,
    PARTITIONS,
    MODELS,
    POLICIES,
    STALENESSES,
    DISTRIBUTIONS,
    OPTIMIZERS,
    LR_SCHEDULES,
    METRICS,
    PROBES,
    TASKS,
    TRACKERS,
)


_FILES: Mapping[str, type[BaseModel]] = {"experiment": Experiment, "sweep": Sweep}


def families() -> Mapping[str, Mapping[str, type[BaseModel]]]:
    """Everything that has a kind: by family, kind to class."""
    return {registry.family: registry.kinds for registry in REGISTRIES}


def refused(family: str) -> Mapping[str, str]:
    """What other packages offer in a family and cannot be taken, by name, and why."""
    return next(registry.refused for registry in REGISTRIES if registry.family == family)


def kinds(family: str) -> Mapping[str, type[BaseModel]]:
    """Kind to class, for a family such as `aggregators`.

    Raises
    ------
    KeyError
        If there is no such family.
    """
    return families()[family]


def told_of(family: str, cls: type[Any]) -> dict[str, str]:
    """What lists tell of a class beside its settings and first sentence: a few words under each heading.

    They are told of the last of the configurations that it offers as worth trying.
    """
    registry = next(each for each in REGISTRIES if each.family == family)
    return {**registry.facts(cls.examples()[-1]), "source": source_of(cls)}


def find(name: str) -> Mapping[str, type[BaseModel]]:
    """The classes that a name stands for, each with what it is.

    A name is a kind, of which several families may have one; a setting of an experiment that is a mapping, such as
    `training`; `experiment` or `sweep` itself; the name of a class; or a class by its place, `my_rule.py:MyRule`.

    Raises
    ------
    InvalidConfig
        If it stands for nothing.
    """
    found = _named().get(name)
    if found is None and ":" in name:
        cls = load_target(name)
        found = {"by place": cls} if isinstance(cls, type) and issubclass(cls, BaseModel) else None
    if found is None:
        suggestion = meant(name, [*families(), *_named()])
        told = f"the families ({', '.join(families())}), and no kind or setting either"
        raise InvalidConfig(f"{name!r} is not one of {told}{suggestion}")
    return found


def _named() -> Mapping[str, Mapping[str, type[BaseModel]]]:
    found: dict[str, dict[str, type[BaseModel]]] = {}
    for family, classes in families().items():
        for kind, cls in classes.items():
            found.setdefault(kind, {})[family] = cls
    for name, file in _FILES.items():
        found[name] = {"a file": file}
        for part, info in file.model_fields.items():
            if isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel):
                found.setdefault(part, {"settings": info.annotation})
    listed = [cls for classes in found.values() for cls in classes.values()]
    inside = [part for cls in listed for part in parts_of(cls)]
    for cls in [*listed, *inside]:
        found.setdefault(cls.__name__, {"settings": cls})
    return found

"""fedprop: defend federated learning, and prove that the defense does what it says.

Levels, each importing only from those below (a test enforces it):

    L0  errors, failures, answers, forms, settings    what can go wrong, and settings that say so
        types, params, rng, registry, apart        words everybody shares
        draws, cores, files, folders               what a seed decides; what is written whole or not at all
    L1  aggregators, attacks, oracles, data, models, metrics, tasks    pure definitions
        messages, authentication, clock, distributions, network    the protocol and the world it runs in
    L2  training, privacy, defenses, properties        local training; leaks; rounds; checks that attack every claim
    L3  simulation                                     server, clients, adversary as async actors on a virtual clock
    L4  experiments, report                            one YAML file, one run, one folder, one page
        verify                                         the smallest input that breaks a claim
    L5  cli, pytest_plugin, bench
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fedprop.aggregators import (
        AFA,
        Bucketing,
        Bulyan,
        CenteredClipping,
        FLTrust,
        FoolsGold,
        GaussianNoise,
        GeometricMedian,
        Krum,
        LossRejection,
        Mean,
        MeanAroundMedian,
        Median,
        ModelClipping,
        MovingAverage,
        NearestNeighbourMixing,
        NormClipping,
        NormFilter,
        TrimmedMean,
        WorkerMomentum,
        Zeno,
    )
    from fedprop.attacks import (
        ALIE,
        FalseAlarms,
        FangKrum,
        FangMedian,
        FangTrimmedMean,
        FreeRider,
        Gaussian,
        LabelFlip,
        Late,
        MinMax,
        MinSum,
        ModelReplacement,
        NoAttack,
        SignFlip,
        Targeted,
        WeightAttack,
    )
    from fedprop.data import Dataset
    from fedprop.defenses import FlWbc, MabRfl, Rsa, SirenPlus
    from fedprop.experiments.experiment import Experiment, load_experiment
    from fedprop.experiments.runner import Observer, run

__all__ = [
    "AFA",
    "ALIE",
    "Bucketing",
    "Bulyan",
    "CenteredClipping",
    "Dataset",
    "Experiment",
    "FLTrust",
    "FalseAlarms",
    "FangKrum",
    "FangMedian",
    "FangTrimmedMean",
    "FlWbc",
    "FoolsGold",
    "FreeRider",
    "Gaussian",
    "GaussianNoise",
    "GeometricMedian",
    "Krum",
    "LabelFlip",
    "Late",
    "LossRejection",
    "MabRfl",
    "Mean",
    "MeanAroundMedian",
    "Median",
    "MinMax",
    "MinSum",
    "ModelClipping",
    "ModelReplacement",
    "MovingAverage",
    "NearestNeighbourMixing",
    "NoAttack",
    "NormClipping",
    "NormFilter",
    "Observer",
    "Rsa",
    "SignFlip",
    "SirenPlus",
    "Targeted",
    "TrimmedMean",
    "WeightAttack",
    "WorkerMomentum",
    "Zeno",
    "load_experiment",
    "run",
]

_HOMES = ("aggregators", "attacks", "data", "defenses", "experiments.experiment", "experiments.runner")
"""Where the names above live, in the order in which they are looked for."""


def __getattr__(name: str) -> object:
    """Import a name when it is first used, so that a command that computes nothing never waits for torch."""
    if name in _HOMES:
        return import_module(f"fedprop.{name}")
    for home in _HOMES if name in __all__ else ():
        module = import_module(f"fedprop.{home}")
        if hasattr(module, name):
            return getattr(module, name)
    raise AttributeError(f"module 'fedprop' has no attribute {name!r}")

"""Whole runs on a CUDA device: each defense, attack and probe goes where the CPU's goes."""

from typing import Any

import pytest
import torch

from fedprop.aggregators import AGGREGATORS, POSTPROCESSORS, STAGES, Mean
from fedprop.attacks import ATTACKS
from fedprop.data import Dataset
from fedprop.defenses import PROTOCOLS
from fedprop.experiments.assembly import resolve
from fedprop.experiments.experiment import Experiment
from fedprop.privacy.probes import PROBES
from fedprop.simulation.engine import simulate

CHAINS = [stage >> Mean() for stage in STAGES.examples()] + [Mean() >> after for after in POSTPROCESSORS.examples()]
DEFENSES = [*AGGREGATORS.examples(), *CHAINS, *PROTOCOLS.examples()]
TRAINING = {"lr": 0.1, "batch_size": 8, "steps": 2, "momentum": 0.5}


class Log:
    def on_event(self, event: Any) -> None:
        pass

    def on_round(self, record: Any, snapshot: Any) -> None:
        pass


def images() -> Dataset:
    """Small pictures of ten classes that a linear model tells apart."""
    draw = torch.Generator().manual_seed(0)
    y = torch.arange(240) % 10
    x = torch.rand(240, 1, 6, 6, generator=draw) + torch.rand(10, 1, 6, 6, generator=draw)[y]
    return Dataset.from_arrays("toy", x, y, x[:80], y[:80])


def end(device: str, **settings: Any) -> tuple[list[str], torch.Tensor]:
    """Which rounds failed and why, and the model that a run ends with, on the CPU."""
    fields = {"rounds": 2, "clients": 12, "model": "logistic_regression", "training": TRAINING, "root": {"size": 12}}
    fields["policy"] = {"kind": "synchronous", "deadline": 60.0}
    outcome = simulate(resolve(Experiment(**{**fields, **settings}, device=device), dataset=images()), Log())
    assert outcome.parameters.device.type == device
    return [record.failure for record in outcome.rounds], outcome.parameters.cpu()


def agree(**settings: Any) -> None:
    (failures, found), (expected, wanted) = end("cuda", **settings), end("cpu", **settings)
    assert failures == expected
    torch.testing.assert_close(found, wanted, rtol=1e-3, atol=1e-4)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
class TestOnGPU:
    @pytest.mark.parametrize("defense", DEFENSES, ids=repr)
    def test_defenses(self, defense: Any) -> None:
        agree(defense=defense, attack={"kind": "sign_flip", "share": 0.2})

    @pytest.mark.parametrize("attack", ATTACKS.examples(), ids=repr)
    def test_attacks(self, attack: Any) -> None:
        agree(attack=attack)

    @pytest.mark.parametrize("kind", sorted(PROBES.kinds))
    def test_probes_run(self, kind: str) -> None:
        """What they find hangs on rounding, so only the run they watch is compared."""
        agree(inference={"kind": kind}, training={"lr": 0.1, "batch_size": 20, "steps": 1})

    @pytest.mark.parametrize("engine", ["sequential", "vectorized", "auto"])
    def test_private_training(self, engine: str) -> None:
        agree(training={**TRAINING, "engine": engine, "privacy": {"clip_norm": 1.0, "noise_multiplier": 0.1}})

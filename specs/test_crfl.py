"""CRFL and SLSGD are chains: what their papers do to models, step by step, is what the parts do to updates.

Xie, Chen, Chen and Li, ICML 2021, Algorithm 1 (CRFL): average the models, cut the average to rho_t, add N(0, sigma^2 I)
except in the last round. Xie, Koyejo and Gupta, ECML 2019, Algorithm 1 (SLSGD): average or trimmed mean of the models,
then (1 - alpha) old + alpha new. *Precondition:* FedAvg with a server learning rate of 1.
"""

import torch

from fedprop.aggregators import Aggregator, Cohort, GaussianNoise, Mean, ModelClipping, MovingAverage, TrimmedMean

ROUNDS, CLIENTS, SIZE, START = 4, 5, 3, 1.5


def generator(round: int) -> torch.Generator:
    return torch.Generator().manual_seed(100 + round)


def local_models(model: torch.Tensor, round: int) -> torch.Tensor:
    """What clients send who start from this model."""
    draw = torch.Generator().manual_seed(round)
    return model + torch.randn(CLIENTS, SIZE, generator=draw, dtype=torch.float64)


def simulated(rule: Aggregator) -> list[torch.Tensor]:
    """The global model after each round of FedAvg with the rule."""
    model, found = torch.full((SIZE,), START, dtype=torch.float64), []
    for t in range(ROUNDS):
        rows = local_models(model, t) - model
        model = model + rule.aggregate(Cohort(rows, model=model, round=t, generator=generator(t))).value
        found.append(model)
    return found


def test_crfl() -> None:
    sigma, rho0, slope, cap = 0.3, 1.0, 0.25, 1.6
    rule = Mean() >> ModelClipping(max_norm=rho0, growth=slope, cap=cap) >> GaussianNoise(std=sigma, rounds=ROUNDS)
    model = torch.full((SIZE,), START, dtype=torch.float64)
    for t, found in enumerate(simulated(rule), start=1):
        average = local_models(model, t - 1).mean(dim=0)
        rho = min(rho0 + slope * t, cap)
        model = average / max(1.0, float(average.norm()) / rho)
        if t < ROUNDS:
            model = model + sigma * torch.randn(SIZE, generator=generator(t - 1)).double()
        assert torch.allclose(found, model, rtol=1e-12)
    assert float(model.norm()) <= cap * (1 + 1e-12)


def test_slsgd() -> None:
    alpha, b = 0.3, 1
    model = torch.full((SIZE,), START, dtype=torch.float64)
    for t, found in enumerate(simulated(TrimmedMean(f=b) >> MovingAverage(alpha=alpha))):
        models = local_models(model, t).sort(dim=0).values
        model = (1 - alpha) * model + alpha * models[b : CLIENTS - b].mean(dim=0)
        assert torch.allclose(found, model, rtol=1e-12)

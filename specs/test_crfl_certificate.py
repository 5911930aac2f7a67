"""CRFL's certificate: no change of an attacker's examples within the radius changes a certified answer.

Xie, Chen, Chen and Li, ICML 2021, Theorem 1. *Preconditions:* multi-class logistic regression; plain steps at a rate
of at most 4 / length^2; mean, clipping of the model, noise in all rounds but the last. *Sketch:* averaging, projection
to a ball and steps on smooth convex losses bring no two models further apart, and the noise is the same; so the
finished models are as far apart as what the changed batches added, and the laws of their copies have a divergence of
||w - w'||^2 / (2 std^2). Here each link is attacked by itself, and then the whole by runs that really are poisoned.
"""

import math
from statistics import NormalDist

import numpy as np
import pytest
import torch

from fedprop import Dataset, Experiment, run
from fedprop.defenses.crfl import Certificate, Conditions, Votes, radii
from fedprop.experiments.assembly import resolve
from fedprop.experiments.covered import conditions, not_covered
from fedprop.oracles.crfl import certified_radius, divergence, published_radius

ROUNDS, CLIENTS, LOOSE = 4, 3, 1 + 1e-4


def random(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_no_law_that_lies_nearer_has_another_first_class() -> None:
    """Of a thousand random laws whose first class is overtaken; the one of the proof lies right at the bound."""
    draw = random(0)
    for _ in range(20):
        p = np.sort(draw.dirichlet(np.ones(4)))[::-1]
        least = divergence(p[0], p[1])
        q = draw.dirichlet(np.ones(4), size=1000)
        q = q[q[:, 0] <= q[:, 1:].max(axis=1)]
        assert (np.sum(q * np.log(q / p), axis=1) >= least - 1e-12).all()
        nearest = np.array([math.sqrt(p[0] * p[1])] * 2 + [p[2], p[3]])
        nearest /= nearest.sum()
        assert np.sum(nearest * np.log(nearest / p)) == pytest.approx(least)


def gradient(w: np.ndarray, x: np.ndarray, y: int) -> np.ndarray:
    """Of the loss of one example, by the weights [classes, features + 1], of which the last column is the bias."""
    outputs = w @ np.append(x, 1.0)
    p = np.exp(outputs - outputs.max())
    p /= p.sum()
    p[y] -= 1
    return np.outer(p, np.append(x, 1.0))


def test_a_gradient_moves_no_further_than_its_lipschitz_constant_says() -> None:
    draw, most = random(1), 0.0
    for _ in range(3000):
        classes, features = draw.integers(2, 5), draw.integers(1, 4)
        w = draw.normal(size=(classes, features + 1)) * 10 ** draw.uniform(-2, 1)
        x = draw.normal(size=features) * 10 ** draw.uniform(-1, 1)
        other = x + draw.normal(size=features) * 10 ** draw.uniform(-3, 1)
        y = int(draw.integers(classes))
        constant = math.sqrt(2) + np.linalg.norm(w[:, :-1], 2) * math.hypot(*x, 1.0) / 2
        moved = np.linalg.norm(gradient(w, other, y) - gradient(w, x, y)) / np.linalg.norm(other - x)
        most = max(most, moved / constant)
    assert 0.5 < most <= 1 + 1e-9  # most of the constant is needed


def test_steps_part_no_two_models_up_to_the_rate_at_which_they_settle() -> None:
    """A step on one example, from two models near each other or far apart; at three times that rate some part."""
    draw, most = random(2), {1.0: 0.0, 3.0: 0.0}
    for _ in range(1000):
        classes, features = draw.integers(2, 5), draw.integers(1, 4)
        one = draw.normal(size=(classes, features + 1))
        other = one + draw.normal(size=one.shape) * 10 ** draw.uniform(-3, 1)
        x, y = draw.normal(size=features) * 10 ** draw.uniform(-1, 1), int(draw.integers(classes))
        made = Conditions(std=1.0, weight=1.0, rate=4 / (x @ x + 1), steps=1, length=math.hypot(*x, 1.0), start=0.0)
        assert made._replace(rate=made.rate * (1 - 1e-9)).settles
        for times in most:
            rate = times * made.rate
            after = (one - rate * gradient(one, x, y)) - (other - rate * gradient(other, x, y))
            most[times] = max(most[times], np.linalg.norm(after) / np.linalg.norm(one - other))
    assert most[1.0] <= 1 + 1e-9
    assert most[3.0] > 1.05


def test_the_published_constant_is_for_inputs_of_length_1() -> None:
    """Weights of (1, -1) / sqrt(2) across the input: at p = 1/2 the gradient moves by |x| / 2; rho is 1."""
    w = np.array([[0.0, 1.0, 0.0], [0.0, -1.0, 0.0]]) / math.sqrt(2)
    x, other = np.array([10.0, 0.0]), np.array([10.0, 1e-4])
    moved = np.linalg.norm(gradient(w, other, 0) - gradient(w, x, 0)) / 1e-4
    assert moved > 5 > math.sqrt(2 + 2 + 1)


def data(x: torch.Tensor, y: torch.Tensor) -> Dataset:
    return Dataset.from_arrays("made up", x, y, torch.linspace(-3, 3, 61)[:, None].repeat(1, 2), torch.arange(61) % 2)


def examples() -> tuple[torch.Tensor, torch.Tensor]:
    y = torch.arange(12) % 2
    x = torch.randn(12, 2, generator=torch.Generator().manual_seed(0)) / 2 + y[:, None] - 0.5
    return x, y


CRFL = Experiment.model_validate(
    {
        "rounds": ROUNDS,
        "clients": CLIENTS,
        "model": "logistic_regression",
        "training": {"lr": 0.3, "batch_size": 4, "steps": 3},
        "defense": [
            "mean",
            {"kind": "model_clipping", "max_norm": 0.3, "growth": 0.1},
            {"kind": "gaussian_noise", "std": 0.1, "rounds": ROUNDS},
        ],
    }
)
AGAINST = Certificate(rounds=ROUNDS, alpha=1e-6)


def shares(model: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """How many of all copies answer 0, exactly: the difference of two outputs is normal."""
    w, b = model[:4].view(2, 2).double(), model[4:].double()
    apart = x.double() @ (w[0] - w[1]) + b[0] - b[1]
    spread = 0.1 * torch.sqrt(2 * (x.double().square().sum(dim=1) + 1))
    return torch.special.ndtr(apart / spread)


def votes(model: torch.Tensor, x: torch.Tensor) -> Votes:
    first = shares(model, x)
    return Votes((first < 0.5).long(), first.maximum(1 - first), first.minimum(1 - first))


def test_runs_that_are_poisoned_within_the_radius_answer_as_certified() -> None:
    """One client's examples move in every round of real runs: at random, and each against its label."""
    x, y = examples()
    clean = data(x, y)
    setup = resolve(CRFL, dataset=clean)
    assert not [*not_covered(CRFL, setup)]
    made = conditions(CRFL, setup, AGAINST)
    assert made.settles
    model, part = run(CRFL, dataset=clean).parameters, setup.shards.parts[0]
    found = votes(model, clean.test.x)
    certified = radii(found, made, AGAINST)
    ways = [
        torch.randn(len(part), 2, generator=torch.Generator().manual_seed(1)),
        (0.5 - y[part].float())[:, None] * x.new_ones(2),
    ]
    changed, most = 0, 0.0
    largest = float(certified.max())
    for radius in (largest / 3, 0.9 * largest, made.farthest):
        held = certified >= radius
        for way in ways:
            poisoned = x.clone()
            poisoned[part] += radius * way / way.norm(dim=1, keepdim=True)
            other = run(CRFL, dataset=data(poisoned, y)).parameters
            share = float((other - model).norm()) / (ROUNDS * made.weight * made.drift * radius)
            assert share <= LOOSE
            most = max(most, share)
            wrong = votes(other, clean.test.x).answer != found.answer
            assert not wrong[held].any()
            changed += int(wrong.sum())
        assert 0 < held.sum() < len(held) or radius == made.farthest
    assert changed  # answers that are not certified do change
    assert most > 0.05  # the bound is within reach of what is done


def test_the_vote_holds_up_to_the_radius_wherever_the_model_moves() -> None:
    """The worst move of that length is against the margin; a little more than twice as far, and the answer is lost."""
    made = Conditions(std=0.1, weight=1.0, rate=0.1, steps=1, length=1.0, start=0.0)
    x = torch.tensor([[0.4, -0.2]])
    for margin in (0.05, 0.2, 0.5):
        model = torch.tensor([margin, 0.0, 0.0, 0.0, 0.05, 0.0], dtype=torch.float64)
        apart = made.drift * float(radii(votes(model, x), made, Certificate()))
        against = torch.tensor([0.4, -0.2, -0.4, 0.2, 1.0, -1.0], dtype=torch.float64)
        against /= against.norm()
        assert float(shares(model, x)) > 0.5
        assert float(shares(model - apart * against, x)) > 0.5
        assert float(shares(model - 2.5 * apart * against, x)) < 0.5


def marginal(start: np.ndarray, batch: tuple[float, int], clean: tuple[float, int], sigma: float, rho: float) -> float:
    """The exact share of class 0 for the input 1 after two rounds, of which the first is on `batch`, over all noise."""

    def trained(w: np.ndarray, example: tuple[float, int]) -> np.ndarray:
        x, y = example
        p = 1 / (1 + np.exp((w[1] - w[0]) * x))
        slope = (p - 1 if y == 0 else p) * x
        moved = w - 0.5 * np.stack([slope, -slope])
        return moved * np.minimum(1, rho / np.linalg.norm(moved, axis=0))

    nodes, weights = np.polynomial.hermite_e.hermegauss(40)
    first = trained(start[:, None], batch) + sigma * np.stack([axis.ravel() for axis in np.meshgrid(nodes, nodes)])
    last = trained(first, clean)
    votes = np.vectorize(NormalDist().cdf)((last[0] - last[1]) / (sigma * math.sqrt(2)))
    return float(np.outer(weights, weights).ravel() @ votes / weights.sum() ** 2)


def test_the_published_radius_holds_for_the_vote_over_all_noise() -> None:
    """One weight for each of two classes, two rounds, one client; the noise is integrated out, not drawn."""
    start, clean, sigma, rho = np.array([0.3, -0.3]), (0.5, 0), 0.5, 0.6
    share = marginal(start, clean, clean, sigma, rho)
    radius = published_radius(
        share, 1 - share, std=sigma, lipschitz=math.sqrt(2 + 2 * rho + rho**2), parts=[0.5], later=[(rho, sigma)]
    )
    assert share > 0.5
    assert radius > 0.1
    for moved in np.linspace(-radius, radius, 9):
        assert marginal(start, (0.5 + moved, 0), clean, sigma, rho) > 0.5


def test_for_a_finished_model_twice_as_much_is_certified_as_was_published() -> None:
    """Where both speak of the same: inputs up to length 1, one step, and no noise of later rounds to hide behind."""
    for rho in (0.5, 2.0, 8.0):
        settings = {"std": 0.1, "weight": 0.05, "rate": 0.1, "steps": 1, "length": 1.0, "start": rho}
        ours = certified_radius([900, 60, 40], alpha=0.001, **settings)
        apart = math.sqrt(math.log(6 / 0.001) / 2000)
        first, second = 0.9 - apart, min(0.06 + apart, 0.1 + apart)
        theirs = published_radius(first, second, std=0.1, lipschitz=math.sqrt(2 + 2 * rho + rho**2), parts=[0.05 * 0.1])
        assert ours >= 2 * theirs

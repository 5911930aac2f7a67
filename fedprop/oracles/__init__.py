"""Definitions: each rule as its paper states it, in float64 and plain loops, for clarity and never for speed.

Nothing here imports the fast code, so that the two can be compared. An oracle takes rows as lists of floats and the
rule's parameters; a rule's oracle returns one list, a stage's oracle the list of new rows, and a postprocessor's takes
one list and returns one. What is random draws from the `generator` that it is handed.
"""

from collections.abc import Callable, Mapping
from typing import Any

from fedprop.oracles.afa import afa
from fedprop.oracles.bucketing import bucketing
from fedprop.oracles.bulyan import bulyan
from fedprop.oracles.centered_clipping import centered_clipping
from fedprop.oracles.fl_trust import fl_trust
from fedprop.oracles.fools_gold import fools_gold
from fedprop.oracles.gaussian_noise import gaussian_noise
from fedprop.oracles.geometric_median import geometric_median
from fedprop.oracles.krum import krum
from fedprop.oracles.loss_rejection import loss_rejection
from fedprop.oracles.mean import mean
from fedprop.oracles.mean_around_median import mean_around_median
from fedprop.oracles.median import median
from fedprop.oracles.model_clipping import model_clipping
from fedprop.oracles.moving_average import moving_average
from fedprop.oracles.nearest_neighbour_mixing import nearest_neighbour_mixing
from fedprop.oracles.norm_clipping import norm_clipping
from fedprop.oracles.norm_filter import norm_filter
from fedprop.oracles.trimmed_mean import trimmed_mean
from fedprop.oracles.worker_momentum import worker_momentum
from fedprop.oracles.zeno import zeno

ORACLES: Mapping[str, Callable[..., Any]] = {
    "mean": mean,
    "median": median,
    "trimmed_mean": trimmed_mean,
    "mean_around_median": mean_around_median,
    "krum": krum,
    "bulyan": bulyan,
    "geometric_median": geometric_median,
    "centered_clipping": centered_clipping,
    "fl_trust": fl_trust,
    "fools_gold": fools_gold,
    "afa": afa,
    "zeno": zeno,
    "loss_rejection": loss_rejection,
    "nearest_neighbour_mixing": nearest_neighbour_mixing,
    "norm_clipping": norm_clipping,
    "bucketing": bucketing,
    "norm_filter": norm_filter,
    "worker_momentum": worker_momentum,
    "moving_average": moving_average,
    "model_clipping": model_clipping,
    "gaussian_noise": gaussian_noise,
}
"""The oracle of every built-in rule, stage and postprocessor, by `kind`."""

__all__ = [
    "ORACLES",
    "afa",
    "bucketing",
    "bulyan",
    "centered_clipping",
    "fl_trust",
    "fools_gold",
    "gaussian_noise",
    "geometric_median",
    "krum",
    "loss_rejection",
    "mean",
    "mean_around_median",
    "median",
    "model_clipping",
    "moving_average",
    "nearest_neighbour_mixing",
    "norm_clipping",
    "norm_filter",
    "trimmed_mean",
    "worker_momentum",
    "zeno",
]

"""Robust rules of other libraries as targets of `fedprop verify`; `peers.py` tells what each of them says it is.

A rule takes rows [n, d], the number f of Byzantine rows if it has such a setting, and the claimed numbers of examples
if it is told them. Each imports its own library, so that any of them may be absent.
"""

import importlib
import importlib.util
import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

import torch
from torch import Tensor

from fedprop.verify.targets.flower import rule_of


def torchjd_mean(rows: Tensor) -> Tensor:
    from torchjd.aggregation import Mean

    return Mean()(rows)


def torchjd_trimmed_mean(rows: Tensor, f: int) -> Tensor:
    from torchjd.aggregation import TrimmedMean

    return TrimmedMean(trim_number=f)(rows)


def torchjd_krum(rows: Tensor, f: int) -> Tensor:
    from torchjd.aggregation import Krum

    return Krum(n_byzantine=f)(rows)


def torchjd_multi_krum(rows: Tensor, f: int) -> Tensor:
    from torchjd.aggregation import Krum

    return Krum(n_byzantine=f, n_selected=3)(rows)


def flower_fedavg(rows: Tensor, examples: Sequence[int]) -> Tensor:
    from flwr.serverapp.strategy import FedAvg

    return rule_of(FedAvg())(rows, examples)


def flower_median(rows: Tensor, examples: Sequence[int]) -> Tensor:
    from flwr.serverapp.strategy import FedMedian

    return rule_of(FedMedian())(rows, examples)


def flower_trimmed_mean(rows: Tensor, f: int, examples: Sequence[int]) -> Tensor:
    """`beta` is a share of the rows, whose number is rounded down: a tenth of a row more makes sure that it is f."""
    from flwr.serverapp.strategy import FedTrimmedAvg

    return rule_of(FedTrimmedAvg(beta=(f + 0.1) / len(rows)))(rows, examples)


def flower_krum(rows: Tensor, f: int, examples: Sequence[int]) -> Tensor:
    from flwr.serverapp.strategy import Krum

    return rule_of(Krum(num_malicious_nodes=f))(rows, examples)


def flower_multi_krum(rows: Tensor, f: int, examples: Sequence[int]) -> Tensor:
    from flwr.serverapp.strategy import MultiKrum

    return rule_of(MultiKrum(num_malicious_nodes=f, num_nodes_to_select=3))(rows, examples)


def flower_bulyan(rows: Tensor, f: int, examples: Sequence[int]) -> Tensor:
    from flwr.serverapp.strategy import Bulyan

    return rule_of(Bulyan(num_malicious_nodes=f))(rows, examples)


def flower_legacy_fedavg(rows: Tensor, examples: Sequence[int]) -> Tensor:
    from flwr.server.strategy import FedAvg

    return rule_of(FedAvg())(rows, examples)


def flower_legacy_median(rows: Tensor, examples: Sequence[int]) -> Tensor:
    from flwr.server.strategy import FedMedian

    return rule_of(FedMedian())(rows, examples)


def flower_legacy_trimmed_mean(rows: Tensor, f: int, examples: Sequence[int]) -> Tensor:
    """`beta` is a share of the rows, whose number is rounded down: a tenth of a row more makes sure that it is f."""
    from flwr.server.strategy import FedTrimmedAvg

    return rule_of(FedTrimmedAvg(beta=(f + 0.1) / len(rows)))(rows, examples)


def flower_legacy_krum(rows: Tensor, f: int, examples: Sequence[int]) -> Tensor:
    from flwr.server.strategy import Krum

    return rule_of(Krum(num_malicious_clients=f))(rows, examples)


def flower_legacy_multi_krum(rows: Tensor, f: int, examples: Sequence[int]) -> Tensor:
    from flwr.server.strategy import Krum

    return rule_of(Krum(num_malicious_clients=f, num_clients_to_keep=3))(rows, examples)


def flower_legacy_bulyan(rows: Tensor, f: int, examples: Sequence[int]) -> Tensor:
    """`to_keep=0` has its first step pick single rows; without it that step lacks an argument."""
    from flwr.server.strategy import Bulyan

    return rule_of(Bulyan(num_malicious_clients=f, to_keep=0))(rows, examples)


def byzfl_mean_of_tensors(rows: Tensor) -> Tensor:
    return _byzfl().Average()(rows)


def byzfl_mean(rows: Tensor) -> Tensor:
    return _with_arrays(_byzfl().Average(), rows)


def byzfl_median(rows: Tensor) -> Tensor:
    return _with_arrays(_byzfl().Median(), rows)


def byzfl_trimmed_mean(rows: Tensor, f: int) -> Tensor:
    return _with_arrays(_byzfl().TrMean(f), rows)


def byzfl_krum(rows: Tensor, f: int) -> Tensor:
    return _with_arrays(_byzfl().Krum(f), rows)


def byzfl_multi_krum(rows: Tensor, f: int) -> Tensor:
    return _with_arrays(_byzfl().MultiKrum(f), rows)


def byzfl_geometric_median(rows: Tensor) -> Tensor:
    return _with_arrays(_byzfl().GeometricMedian(), rows)


def byzfl_clipped_mean(rows: Tensor) -> Tensor:
    return _with_arrays(lambda x: _byzfl().Average()(_byzfl().Clipping(2.0)(x)), rows)


def byzfl_mixed_trimmed_mean(rows: Tensor, f: int) -> Tensor:
    return _with_arrays(lambda x: _byzfl().TrMean(f)(_byzfl().NNM(f)(x)), rows)


def byzfl_mean_around_median(rows: Tensor, f: int) -> Tensor:
    return _with_arrays(_byzfl().Meamed(f), rows)


def byzfl_minimum_diameter_averaging(rows: Tensor, f: int) -> Tensor:
    return _with_arrays(_byzfl().MDA(f), rows)


def byzfl_smallest_eigenvalue_averaging(rows: Tensor, f: int) -> Tensor:
    return _with_arrays(_byzfl().SMEA(f), rows)


def byzfl_adaptively_clipped_mean(rows: Tensor, f: int) -> Tensor:
    return _with_arrays(lambda x: _byzfl().Average()(_byzfl().ARC(f)(x)), rows)


def byzfl_centered_clipping(rows: Tensor) -> Tensor:
    return _with_arrays(_byzfl().CenteredClipping(L=3, tau=1.0), rows)


def _byzfl() -> ModuleType:
    """`byzfl.aggregators` alone: the package's own `__init__` also loads its benchmark, which needs torchvision."""
    if "byzfl" not in sys.modules:
        spec = importlib.util.find_spec("byzfl")
        if spec is None:
            raise ModuleNotFoundError("No module named 'byzfl'")
        sys.modules["byzfl"] = importlib.util.module_from_spec(spec)
    return importlib.import_module("byzfl.aggregators")


def _with_arrays(rule: Callable[[Any], Any], rows: Tensor) -> Tensor:
    """Ask with arrays, whose dtype byzfl keeps; tensors become float32, which `byzfl_mean_of_tensors` shows."""
    return torch.from_numpy(rule(rows.numpy()))

"""Who aggregates: for each rule, fedprop's, the same rule of other libraries, and the plain operation it rests on."""

import importlib
import importlib.util
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from types import ModuleType
from typing import TypeAlias

import numpy as np
import torch
from torch import Tensor

import fedprop
from benchmarks.machine import version_of
from fedprop.kernels import kernels_used

Call: TypeAlias = Callable[[Tensor], object]

OURS, INTERPRETED, FLOOR = "fedprop", "fedprop without Numba", "column sum"
FLOOR_CALL = "rows.sum(0)"
LIBRARIES = (OURS, INTERPRETED, "byzfl", "torchjd", "numpy", "torch")
"""Everybody who may be among the contenders."""

RADIUS = 100.0
"""Where centered clipping cuts, for everybody, in one step from zero; rows of the large sizes are longer."""


@dataclass(frozen=True)
class Contender:
    """One way to compute a rule: whose it is, how it is called there, and the call on rows [n, d].

    `copies` is how many times the input it holds at once, where that decides whether it can run at all.
    """

    library: str
    name: str
    call: Call
    copies: int = 0


def contenders(rule: str, n: int, f: int, device: torch.device) -> list[Contender]:
    """Everybody present who computes the rule, fedprop first."""
    makers = {OURS: _fedprop, INTERPRETED: _interpreted, "byzfl": _byzfl, "torchjd": _torchjd}
    if device.type != "cpu":
        del makers[INTERPRETED]  # Numba has no part there
    found = [Contender(library, *made) for library, make in makers.items() for made in make(rule, n, f)]
    found = [replace(c, copies=n - f) if c.name.startswith("NNM") else c for c in found]
    if device.type == "cpu":
        found += [Contender("numpy", *made) for made in _numpy(rule, n, f)]
    return [*found, *(Contender("torch", *made) for made in _torch(rule, n, f))]


def _fedprop(rule: str, n: int, f: int) -> Iterator[tuple[str, Call]]:
    kinds = {
        "median": ("Median", {}),
        "trimmed mean": ("TrimmedMean", {"f": f}),
        "mean around median": ("MeanAroundMedian", {"f": f}),
        "Krum": ("Krum", {"f": f}),
        "Multi-Krum": ("Krum", {"f": f, "m": n - f}),
        "geometric median": ("GeometricMedian", {}),
        "nearest-neighbour mixing": ("NearestNeighbourMixing", {"f": f}),
        "centered clipping": ("CenteredClipping", {"radius": RADIUS}),
        "Bulyan": ("Bulyan", {"f": f}),
    }
    name, settings = kinds[rule]
    shown = ", ".join(f"{key}={value}" for key, value in settings.items())
    yield f"{name}({shown})", getattr(fedprop, name)(**settings)


def _interpreted(rule: str, n: int, f: int) -> Iterator[tuple[str, Call]]:
    """The same without compiled loops, where these are used otherwise."""
    for name, call in _fedprop(rule, n, f) if version_of("numba") else ():
        yield name, kernels_used("never")(call)


def _byzfl(rule: str, n: int, f: int) -> Iterator[tuple[str, Call]]:
    if version_of("byzfl") is None:
        return
    names = {
        "median": ("Median", ()),
        "trimmed mean": ("TrMean", (f,)),
        "mean around median": ("Meamed", (f,)),
        "Krum": ("Krum", (f,)),
        "Multi-Krum": ("MultiKrum", (f,)),
        "geometric median": ("GeometricMedian", ()),
        "nearest-neighbour mixing": ("NNM", (f,)),
        "centered clipping": ("CenteredClipping", (None, 1, RADIUS)),
    }
    if rule in names:
        name, settings = names[rule]
        module = "byzfl.aggregators.preaggregators" if name == "NNM" else "byzfl.aggregators.aggregators"
        # A new one for each call: centered clipping goes on from where it was.
        maker = getattr(_without_init("byzfl", module), name)
        yield f"{name}({', '.join(map(str, settings))})", lambda rows: maker(*settings)(rows)


def _torchjd(rule: str, n: int, f: int) -> Iterator[tuple[str, Call]]:
    if version_of("torchjd") is None:
        return
    library = importlib.import_module("torchjd.aggregation")
    if rule == "trimmed mean":
        yield f"TrimmedMean(trim_number={f})", library.TrimmedMean(trim_number=f)
    if rule == "Krum":
        yield f"Krum(n_byzantine={f})", library.Krum(n_byzantine=f)
    if rule == "Multi-Krum":
        yield f"Krum(n_byzantine={f}, n_selected={n - f})", library.Krum(n_byzantine=f, n_selected=n - f)


def _numpy(rule: str, n: int, f: int) -> Iterator[tuple[str, Call]]:
    """Selection by `np.partition`, which leaves no need to sort."""
    if rule == "median":
        middle = [(n - 1) // 2, n // 2]
        yield "partition", lambda rows: torch.from_numpy(np.partition(rows.numpy(), middle, axis=0)[middle].mean(0))
    if rule == "trimmed mean":
        ends = [f, n - f - 1]
        yield "partition", lambda rows: torch.from_numpy(np.partition(rows.numpy(), ends, axis=0)[f : n - f].mean(0))


def _torch(rule: str, n: int, f: int) -> Iterator[tuple[str, Call]]:
    """What one writes without a library, and a plain sum over the rows, which reads each number once."""
    if rule == "median":
        yield "median", lambda rows: rows.median(dim=0).values
    if rule in ("median", "trimmed mean"):
        cut = (n - 1) // 2 if rule == "median" else f
        yield "sort", lambda rows: rows.sort(dim=0).values[cut : n - cut].mean(dim=0)
    yield FLOOR_CALL, lambda rows: rows.sum(dim=0)


def _without_init(package: str, module: str) -> ModuleType:
    """A module of a package whose own `__init__` wants more than the module does (byzfl's wants torchvision)."""
    if package not in sys.modules:
        spec = importlib.util.find_spec(package)
        assert spec is not None
        sys.modules[package] = importlib.util.module_from_spec(spec)
    return importlib.import_module(module)

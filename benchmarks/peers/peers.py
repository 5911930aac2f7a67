"""Which rules of which library are tried, as what, and what their documentation says about themselves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

Kind: TypeAlias = str | Mapping[str, Any] | Sequence[Mapping[str, Any]]
"""A built-in rule as `verify` takes it: its kind, a mapping with its settings, or stages that end in a rule."""


@dataclass(frozen=True)
class Peer:
    """One rule of another library.

    Attributes
    ----------
    target : its name in `rules.py`.
    package : the distribution that it comes from.
    place : what it is called there.
    as_ : the built-in rule that it says it is; None for one that is tried on what its documented formula implies.
    fs : the numbers of Byzantine rows that it is set to.
    n : the numbers of rows, where not what `as_` needs and a few more.
    documented : what its documentation says that bears on a finding.
    """

    target: str
    package: str
    place: str
    as_: Kind | None
    fs: tuple[int, ...] = (1, 2)
    n: tuple[int, int] | None = None
    documented: str = ""


WEIGHED = {"kind": "mean", "weighting": "examples"}
MIXED = ({"kind": "nearest_neighbour_mixing"}, {"kind": "trimmed_mean"})
CLIPPED = ({"kind": "norm_clipping", "max_norm": 2.0}, {"kind": "mean"})
ADAPTIVE = ({"kind": "adaptive_clipping"}, {"kind": "mean"})
CENTERED = {"kind": "centered_clipping", "radius": 1.0, "iterations": 3}
MULTI_KRUM = {"kind": "krum", "m": 3}

KRUM_HERE = (
    "The class says: as defined in Blanchard et al., NeurIPS 2017, which sums squared distances and needs n >= 2f + 3. "
    "Its error message asks for at least n_byzantine + 3 rows."
)
SHARE = (
    "`beta` is documented as the fraction to cut off of both tails. So many rows are int(beta * n), which for "
    "beta = f / n is one too few where f / n * n is rounded to less than f: with f = 1 nothing is cut of 49, 98, 103 "
    "or 107 rows."
)
COUNTED = "`weighted_by_key` is documented as the weight for averaging the selected models, so claimed counts matter."
KEPT = "`num_clients_to_keep` is documented as the number of clients to keep before averaging; by what weights, is not."
TO_KEEP = (
    "`**aggregation_rule_kwargs` is documented as the arguments of the first rule. They must hold `to_keep=0`: with "
    "none given, `aggregate_fit` raises TypeError, since aggregate_krum() has no default for `to_keep`."
)
NEIGHBOURS = (
    "The class defines N_i as the n - f nearest neighbours of x_i in {x_1, ..., x_n}, which x_i itself belongs to; "
    "the paper has n - f - 2 others."
)
ONE_SELECTION = "`selection_rule` is documented to default to `select_multikrum`, which ranks the models once."
ROUGH = "The class says: approximate, T = 3 smoothed Weiszfeld steps by default, nu = 0.1."
POWER = (
    "The class says: using the power method. The code takes one step (`max_iters=1`) from a random start, "
    "and that step divides by 0 where the rows of a subset are equal: no eigenvalue is found, and no subset chosen."
)
FEW_FOR_ARC = "Its error message asks for f smaller than n + 1; adaptive clipping is stated for f < n / 2."
SAME_TYPE = "The class says: the data type of the output will be the same as the input."

TORCHJD = tuple(
    Peer(target, "torchjd", f"torchjd.aggregation.{place}", as_, fs, documented=documented)
    for target, place, as_, fs, documented in (
        ("torchjd_mean", "Mean", "mean", (0,), ""),
        ("torchjd_trimmed_mean", "TrimmedMean", "trimmed_mean", (1, 2), ""),
        ("torchjd_krum", "Krum", "krum", (1, 2), KRUM_HERE),
        ("torchjd_multi_krum", "Krum(n_selected=3)", MULTI_KRUM, (1, 2), KRUM_HERE),
    )
)

FLOWER = tuple(
    Peer(target, "flwr", f"flwr.serverapp.strategy.{place}", as_, fs, documented=documented)
    for target, place, as_, fs, documented in (
        ("flower_fedavg", "FedAvg", WEIGHED, (0,), ""),
        ("flower_median", "FedMedian", "median", (1, 2), ""),
        ("flower_trimmed_mean", "FedTrimmedAvg(beta=(f+0.1)/n)", "trimmed_mean", (1, 2), SHARE),
        ("flower_krum", "Krum", "krum", (1, 2), ""),
        ("flower_multi_krum", "MultiKrum(num_nodes_to_select=3)", MULTI_KRUM, (1, 2), COUNTED),
        ("flower_bulyan", "Bulyan", "bulyan", (1,), ONE_SELECTION),
    )
)

FLOWER_LEGACY = tuple(
    Peer(target, "flwr", f"flwr.server.strategy.{place}", as_, fs, documented=documented)
    for target, place, as_, fs, documented in (
        ("flower_legacy_fedavg", "FedAvg", WEIGHED, (0,), ""),
        ("flower_legacy_median", "FedMedian", "median", (1, 2), ""),
        ("flower_legacy_trimmed_mean", "FedTrimmedAvg(beta=(f+0.1)/n)", "trimmed_mean", (1, 2), SHARE),
        ("flower_legacy_krum", "Krum", "krum", (1, 2), ""),
        ("flower_legacy_multi_krum", "Krum(num_clients_to_keep=3)", MULTI_KRUM, (1, 2), KEPT),
        ("flower_legacy_bulyan", "Bulyan(to_keep=0)", "bulyan", (1,), TO_KEEP),
    )
)

BYZFL = tuple(
    Peer(target, "byzfl", f"byzfl.{place}", as_, fs, n, documented)
    for target, place, as_, fs, n, documented in (
        ("byzfl_mean_of_tensors", "Average, on tensors", "mean", (0,), None, SAME_TYPE),
        ("byzfl_mean", "Average", "mean", (0,), None, ""),
        ("byzfl_median", "Median", "median", (1, 2), None, ""),
        ("byzfl_trimmed_mean", "TrMean", "trimmed_mean", (1, 2), None, ""),
        ("byzfl_krum", "Krum", "krum", (1, 2), None, NEIGHBOURS),
        ("byzfl_multi_krum", "MultiKrum", {"kind": "krum", "m": 6}, (1,), (7, 7), NEIGHBOURS),
        ("byzfl_geometric_median", "GeometricMedian", "geometric_median", (1, 2), None, ROUGH),
        ("byzfl_clipped_mean", "Clipping(2.0), Average", CLIPPED, (0,), None, ""),
        ("byzfl_mixed_trimmed_mean", "NNM, TrMean", MIXED, (1, 2), None, ""),
        ("byzfl_mean_around_median", "Meamed", "mean_around_median", (1, 2), None, ""),
        ("byzfl_minimum_diameter_averaging", "MDA", "mda", (1,), None, ""),
        ("byzfl_smallest_eigenvalue_averaging", "SMEA", "smea", (1,), None, POWER),
        ("byzfl_adaptively_clipped_mean", "ARC, Average", ADAPTIVE, (1,), None, FEW_FOR_ARC),
        ("byzfl_centered_clipping", "CenteredClipping(tau=1.0, L=3)", CENTERED, (0,), None, ""),
    )
)

NOT_TRIED = {
    "byzfl.CAF, byzfl 0.0.11": "the call does not return for some rows: "
    "`CAF(1)(numpy.array([[0.1, 0.3]] * 6 + [[1.0, 2.0]]))` is one. With f = 0 it returns None.",
    "byzfl.MoNNA, byzfl 0.0.11": "its reference is the row of one of the clients, by index; `monna` here trusts the "
    "server's own row, so that they are different rules.",
}
"""Rules that were left out, and why."""

PEERS = (*TORCHJD, *FLOWER, *FLOWER_LEGACY, *BYZFL)
"""Every rule tried, in the order of the report."""

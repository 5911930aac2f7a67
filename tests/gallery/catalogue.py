"""Every mistake in the gallery: where it was seen, the broken rule, and a correct one beside it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fedprop.registry import load_target

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Mistake:
    """One mistake.

    Attributes
    ----------
    name : a few words.
    seen_in : repository or release, file, function, and commit where known.
    broken, twin : "file.py:name" in this folder; `broken` makes the mistake, `twin` does the same without it.
    options : what `verify` is told about both; never what the mistake is.
    """

    name: str
    seen_in: str
    broken: str
    twin: str
    options: Mapping[str, Any]

    @property
    def sentence(self) -> str:
        """What is wrong: the broken one's own docstring."""
        return " ".join(load_target(f"{FOLDER}/{self.broken}").__doc__.split())


def family(twin: str, options: Mapping[str, Any], *mistakes: tuple[str, str, str]) -> tuple[Mistake, ...]:
    """Mistakes in the file of one twin, each given as its own name in that file, a few words, and where it was seen."""
    file, _, _ = twin.partition(":")
    return tuple(Mistake(name, seen, f"{file}:{broken}", twin, options) for broken, name, seen in mistakes)


SOMEWHERE = "seen in the wild; place not recorded"
BYZFL = "byzfl 0.0.11, byzfl"
FLOWER = "flwr 1.41.0, flwr/serverapp/strategy"
FEDML = "FedML-AI/FedML, python/fedml/core/security"
FEDML_SERVER = "FedML-AI/FedML, python/fedml/cross_silo/server"
BLADES = "lishenghui/blades"
TORCHJD = "torchjd 0.18.0, torchjd/aggregation"
NDSS21 = "vrt1shjwlkr/NDSS21-Model-Poisoning 71766ea, cifar10/release-fedsgd-alexnet-mkrum.ipynb"
OPENFL = "securefederatedai/openfl, openfl/interface/aggregation_functions"
FL_BYZANTINE = "CRYPTO-KU/FL-Byzantine-Library 327adf0"
FLANDERS = "adap/flower, baselines/flanders/flanders/attacks.py"
FEDLAB = "SMILELab-FL/FedLab"
FOOLSGOLD = "DistributedML/FoolsGold 661f7fd, deep-fg/fg/foolsgold.py"

MISTAKES: tuple[Mistake, ...] = (
    *family(
        "krum.py:krum",
        {"as_": "krum"},
        ("plain_distances", "plain distances in Krum", f"{TORCHJD}/_krum.py, KrumWeighting.forward"),
        (
            "squared_twice",
            "distances squared twice",
            f"{BLADES} d8c737e, fllib/aggregators/multikrum.py, _compute_scores",
        ),
        ("one_neighbour_too_many", "one neighbour too many", f"{BYZFL}/aggregators/aggregators.py, Krum.__call__"),
        (
            "two_neighbours_too_many",
            "two neighbours too many",
            f"{FEDML}/defense/krum_defense.py at 00ea117, _compute_krum_score",
        ),
        ("self_as_neighbour", "its own neighbour", f"{NDSS21}, multi_krum"),
        ("zero_distance_is_self", "equal rows taken for oneself", f"{NDSS21}, compute_lambda_fang"),
        ("accepts_2f_plus_2", "n = 2f + 2 accepted", f"{BLADES} 0c394b5, src/blades/aggregators/krum.py, _multi_krum"),
        ("accepts_any_number", "too few clients accepted", f"{FLOWER}/multikrum.py, select_multikrum"),
        (
            "gram_without_centring",
            "distances from uncentred inner products",
            f"{TORCHJD}/_krum.py, KrumWeighting.forward",
        ),
    ),
    *family(
        "krum.py:krum_numpy",
        {"as_": "krum"},
        ("self_sorts_first", "self sorts first", f"{FLOWER}/multikrum.py, compute_distances and select_multikrum"),
    ),
    *family(
        "multi_krum.py:multi_krum",
        {"as_": {"kind": "krum", "m": 3}},
        (
            "weighted_by_examples",
            "Multi-Krum weighted by claimed examples",
            f"{FLOWER}/multikrum.py, MultiKrum.aggregate_train",
        ),
    ),
    *family(
        "multi_krum.py:make_multi_krum",
        {"as_": {"kind": "krum", "m": 3}},
        (
            "make_out_of_bounds",
            "partition out of bounds",
            f"{FEDML}/defense/multikrum_defense.py at 251416b, _multi_krum",
        ),
        ("make_one_at_a_time", "Multi-Krum one at a time", f"{NDSS21}, multi_krum"),
    ),
    *family(
        "bulyan.py:bulyan",
        {"as_": "bulyan"},
        ("one_selection", "Bulyan with one selection", f"{FLOWER}/bulyan.py, Bulyan.aggregate_train"),
        (
            "one_value_too_few",
            "one value too few in Bulyan",
            f"{FEDML}/defense/bulyan_defense.py at 12deb29, trimmed_mean",
        ),
        ("trimmed_instead", "trimmed mean in Bulyan", f"{FL_BYZANTINE}, aggregators/bulyan.py, Bulyan.__call__"),
        ("farther_neighbours", "farther neighbours in Bulyan", f"{FEDML}/defense/bulyan_defense.py at 12deb29, _krum"),
    ),
    *family(
        "median.py:median",
        {"as_": "median"},
        (
            "lower_middle",
            "lower middle as median",
            f"{FEDML}/defense/coordinate_wise_median_defense.py at 1c3f8a8, run",
        ),
        (
            "written_into_first",
            "answer written into the first update",
            f"{FEDML}/defense/coordinate_wise_median_defense.py at 1c3f8a8, run",
        ),
    ),
    *family(
        "median.py:median_numpy",
        {"as_": "median"},
        ("cast_to_float32", "everything cast to float32", f"{BYZFL}/utils/misc.py, check_vectors_type"),
    ),
    *family(
        "trimmed_mean.py:ignores_examples",
        {"as_": "trimmed_mean"},
        ("trims_clients", "whole clients trimmed", f"{FEDML}/common/utils.py at 086a9b6, trimmed_mean"),
    ),
    *family(
        "trimmed_mean.py:trims_one",
        {"as_": "trimmed_mean", "f": 1},
        ("trims_a_fifth", "nothing trimmed", f"{FLOWER}/fedtrimmedavg.py, trim_mean with the default beta"),
    ),
    *family(
        "trimmed_mean.py:trimmed_mean",
        {"as_": "trimmed_mean"},
        (
            "subtracts_the_extremes",
            "extremes subtracted from the sum",
            f"{BLADES} 17c159e, src/blades/aggregators/trimmedmean.py, Trimmedmean.__call__",
        ),
        (
            "trims_what_it_can",
            "trims what it can",
            f"{BLADES} 17c159e, src/blades/aggregators/trimmedmean.py, Trimmedmean.__call__",
        ),
        ("empty_without_attackers", "empty slice without attackers", SOMEWHERE),
    ),
    *family(
        "geometric_median.py:geometric_median",
        {"as_": "geometric_median"},
        ("manhattan", "geometric median of Manhattan distances", SOMEWHERE),
        (
            "three_steps_from_zero",
            "three steps from zero",
            f"{BYZFL}/aggregators/aggregators.py, GeometricMedian.__call__",
        ),
        ("four_steps_from_the_mean", "four steps from the mean", f"{OPENFL}/geometric_median.py, geometric_median"),
        ("compounding_weights", "compounding weights", f"{FEDML}/common/utils.py at 086a9b6, compute_geometric_median"),
        (
            "weights_in_a_set",
            "equal weights collapsed by a set",
            f"{FEDML}/defense/RFA_defense.py at 823d623, defend_on_aggregation",
        ),
        (
            "weights_with_a_floor",
            "weights with a floor",
            f"{BLADES} 0c394b5, src/blades/aggregators/geomed.py, smoothed_weiszfeld",
        ),
        (
            "tensor_by_tensor",
            "a geometric median for each tensor",
            f"{FEDML}/defense/RFA_defense.py at 823d623, defend_on_aggregation",
        ),
        ("no_smoothing", "Weiszfeld without smoothing", SOMEWHERE),
    ),
    *family(
        "similarity.py:fltrust",
        {},
        (
            "nobody_trusted",
            "FLTrust with nobody to trust",
            f"{BLADES} 454352a, src/blades/aggregators/fltrust.py, Fltrust.__call__",
        ),
        (
            "zero_update_rescaled",
            "FLTrust with an update of zeros",
            f"{FL_BYZANTINE}, aggregators/fl_trust.py, FL_trust.norm_inputs",
        ),
    ),
    *family(
        "similarity.py:foolsgold",
        {},
        ("all_alike", "FoolsGold when all are alike", f"{FOOLSGOLD}, foolsgold"),
        (
            "cosine_of_zero",
            "FoolsGold with an update of zeros",
            f"{FEDML}/defense/foolsgold_defense.py at 125cdb2, fools_gold_score",
        ),
    ),
    *family(
        "similarity.py:make_dnc",
        {"f": 2, "n": range(5, 8)},
        (
            "make_empty_intersection",
            "DnC's empty intersection",
            f"{BLADES} 02f55ee, fllib/aggregators/aggregators.py, DnC.__call__",
        ),
        (
            "make_global_randomness",
            "a rule with global randomness",
            f"{BLADES} 02f55ee, fllib/aggregators/aggregators.py, DnC.__call__",
        ),
    ),
    *family(
        "similarity.py:SpectralFilter",
        {},
        ("NoneForEqualRows", "None for equal rows", f"{BYZFL}/aggregators/aggregators.py, CAF.__call__"),
    ),
    *family(
        "clipping.py:clipped_mean",
        {},
        ("clips_in_place", "clipping in place", f"{BYZFL}/aggregators/preaggregators.py, Clipping.__call__"),
        ("clips_coordinates", "clipping by coordinate", SOMEWHERE),
        ("lengthens_short_ones", "clipping that lengthens", SOMEWHERE),
    ),
    *family(
        "clipping.py:centred_clipping",
        {},
        ("random_centre", "a random centre", f"{FEDML}/defense/cclip_defense.py at 065d737, _compute_an_initial_guess"),
    ),
    *family(
        "attacks.py:LittleIsEnough",
        {},
        ("Peeks", "partial knowledge that peeks", f"{FLANDERS}, lie_attack"),
        ("SampleDeviation", "deviation of a single row", f"{BYZFL}/attacks/attacks.py, ALittleIsEnough.__call__"),
        (
            "ConfiguredCount",
            "attackers by configuration",
            f"{FEDML}/attack/byzantine_attack.py at 20bb307, _get_malicious_client_idx",
        ),
    ),
    *family(
        "attacks.py:Reversed",
        {},
        ("Infinity", "infinity in another dtype", f"{BYZFL}/attacks/attacks.py, Inf.__call__"),
        (
            "ReversedInPlace",
            "honest updates overwritten",
            f"{FEDML}/attack/byzantine_attack.py at 20bb307, _attack_zero_mode",
        ),
    ),
    *family(
        "attacks.py:Noise",
        {},
        ("GlobalNoise", "an attack with global randomness", f"{BYZFL}/attacks/attacks.py, Gaussian.__call__"),
    ),
    *family(
        "limits.py:LittleIsEnough",
        {},
        ("CdfForItsInverse", "cdf for its inverse", f"{FLANDERS}, lie_attack"),
    ),
    *family(
        "limits.py:MinMax",
        {},
        ("MinMaxLastTried", "Min-Max beyond its bound", f"{BLADES} 2dc39ad, blades/adversaries/minmax_adversary.py"),
        ("MinMaxNeverTried", "Min-Max without a success", f"{FLANDERS}, minmax_attack"),
    ),
    *family(
        "limits.py:MinSum",
        {},
        ("MinSumLastTried", "Min-Sum beyond its bound", SOMEWHERE),
    ),
    *family(
        "memory.py:FoolsGold",
        {},
        (
            "ByPosition",
            "memory by position",
            f"{FEDML}/defense/foolsgold_defense.py at 125cdb2, defend_before_aggregation",
        ),
        (
            "AddsInPlace",
            "memory added to in place",
            f"{FEDML}/defense/foolsgold_defense.py at 125cdb2, defend_before_aggregation",
        ),
        ("DefaultNotSaved", "a default that is not saved", SOMEWHERE),
        (
            "NoNewcomers",
            "no memory for newcomers",
            f"{FEDML}/defense/cross_round_defense.py at 4611c4d, compute_client_cosine_scores",
        ),
    ),
    *family(
        "memory.py:centred_clipping",
        {},
        ("HiddenCentre", "memory hidden in the rule", f"{BYZFL}/aggregators/aggregators.py, CenteredClipping.__call__"),
    ),
    *family(
        "rounds.py:Averaging",
        {},
        (
            "CountsMessages",
            "messages counted, not clients",
            f"{FEDLAB} 0d9024e, fedlab/contrib/algorithm/basic_server.py, SyncServerHandler.load",
        ),
        (
            "Overwrites",
            "an accepted update overwritten",
            f"{FEDML_SERVER}/fedml_aggregator.py at 022902c, add_local_trained_result",
        ),
        (
            "IgnoresTheRound",
            "stale updates accepted",
            f"{FEDML_SERVER}/fedml_aggregator.py at 022902c, add_local_trained_result",
        ),
        (
            "IgnoresTheGuestList",
            "uninvited clients accepted",
            f"{FEDLAB} 0d9024e, fedlab/contrib/algorithm/basic_server.py, SyncServerHandler.load",
        ),
        (
            "TakesAnything",
            "NaN accepted",
            f"{FEDLAB} 0d9024e, fedlab/contrib/algorithm/basic_server.py, SyncServerHandler.load",
        ),
        ("KeepsLastRound", "last round's updates kept", SOMEWHERE),
        (
            "VerdictsByPosition",
            "verdicts by position",
            f"{FEDML}/defense/cross_round_defense.py at 4611c4d, defend_before_aggregation",
        ),
        ("LosesTheLast", "the last update lost", SOMEWHERE),
    ),
    *family(
        "codec.py:Whole",
        {},
        (
            "ParametersOnly",
            "BatchNorm's statistics lost",
            f"{FEDLAB} 073e5ca, fedlab/utils/serialization.py, SerializationTool.serialize_trainable_model",
        ),
        (
            "CountersInFloat32",
            "counters as float32",
            f"{FEDLAB} 073e5ca, fedlab/utils/serialization.py, SerializationTool.serialize_model",
        ),
        (
            "SkipsOneWay",
            "statistics skipped one way",
            f"{FEDML}/defense/coordinate_wise_median_defense.py at 1c3f8a8, run",
        ),
    ),
)

"""Robust aggregation rules: n rows in, one vector out.

`Krum(f=2)(updates)` takes a tensor [n, d] and gives a tensor [d]; `Krum(f=2).aggregate(updates)` also tells each row's
weight. Arrays and lists of vectors are taken too, and answered in kind. Rules are grouped by what they look at:
`GramRule` sees inner products between rows (Krum, geometric median), `CoordinateRule` one coordinate at a time
(median, trimmed mean, mean around median). A `Stage` changes the rows first: `NearestNeighbourMixing(f=2) >>
TrimmedMean(f=2)` is itself a rule. All of them pass over rows in blocks of columns, on all threads that torch may use;
besides the rows they hold at most a quarter as much again, or 64 MiB per thread if that is more. So rows may also be
larger than memory: `Krum(f=2)(SafetensorsRows(paths))`. A rule names in `asks` what else it reads; `FLTrust` asks what
the server learns from examples of its own. `rule.contract()` is what a rule claims, for `fedprop.properties` to
attack.
"""

from fedprop.aggregators import catalogue
from fedprop.aggregators.base import Aggregation, Aggregator
from fedprop.aggregators.catalogue import *
from fedprop.aggregators.choice import AGGREGATORS, POSTPROCESSORS, STAGES, DefenseField, parse_defense
from fedprop.aggregators.classifier import Classifier, Head, Logits
from fedprop.aggregators.cohort import Cohort
from fedprop.aggregators.columns import Columns
from fedprop.aggregators.completed import completed
from fedprop.aggregators.contract import Contract, Kappa, Region
from fedprop.aggregators.coordinate import CoordinateRule
from fedprop.aggregators.gram import FramedRule, GramRule, Judged
from fedprop.aggregators.pipeline import Pipeline
from fedprop.aggregators.postprocessor import Postprocessor
from fedprop.aggregators.rooted import Reference, Rooted, self_contained
from fedprop.aggregators.safetensors_rows import SafetensorsRows
from fedprop.aggregators.server_side import QuadraticSide, ServerSide, needs_examples
from fedprop.aggregators.stage import Chain, Stage, Staged
from fedprop.aggregators.told import Told
from fedprop.registry import names_of

__all__ = [
    "AGGREGATORS",
    "POSTPROCESSORS",
    "STAGES",
    "Aggregation",
    "Aggregator",
    "Chain",
    "Classifier",
    "Cohort",
    "Columns",
    "Contract",
    "CoordinateRule",
    "DefenseField",
    "FramedRule",
    "GramRule",
    "Head",
    "Judged",
    "Kappa",
    "Logits",
    "Pipeline",
    "Postprocessor",
    "QuadraticSide",
    "Reference",
    "Region",
    "Rooted",
    "SafetensorsRows",
    "ServerSide",
    "Stage",
    "Staged",
    "Told",
    "completed",
    "needs_examples",
    "parse_defense",
    "self_contained",
    *names_of(catalogue),
]

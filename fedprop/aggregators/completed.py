"""A part of a chain, made a rule of rows alone."""

from fedprop.aggregators.base import Aggregator
from fedprop.aggregators.mean import Mean
from fedprop.aggregators.pipeline import Pipeline
from fedprop.aggregators.postprocessor import Postprocessor
from fedprop.aggregators.rooted import self_contained
from fedprop.aggregators.stage import Stage


def completed(part: Aggregator | Stage | Postprocessor) -> Aggregator:
    """What can be asked about a part: a stage before a mean, a postprocessor after one, a rule by itself.

    What it asks a server is made up, or stands in the first row, as `self_contained` has it.

    >>> from fedprop.aggregators import GaussianNoise, NormClipping
    >>> completed(NormClipping(max_norm=1.0)) == NormClipping(max_norm=1.0) >> Mean()
    True
    >>> completed(GaussianNoise(std=1.0)).kind
    'told'
    """
    if isinstance(part, Stage):
        part = Pipeline(stages=part.parts, rule=Mean())
    elif isinstance(part, Postprocessor):
        part = Pipeline(rule=Mean(), after=(part,))
    return self_contained(part)

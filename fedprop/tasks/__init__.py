"""What is learnt, by name: one task in a file, with its loss, its outputs and its numbers."""

from fedprop.registry import Registry
from fedprop.tasks.base import Task
from fedprop.tasks.classification import CLASSIFICATION, Classification
from fedprop.tasks.multi_label import ExactMatch, MicroF1, MultiLabel
from fedprop.tasks.next_token import NextToken, Perplexity, TokenAccuracy
from fedprop.tasks.regression import MeanAbsoluteError, MeanSquaredError, Regression

TASKS: Registry[Task] = Registry("tasks", Task, (Classification, NextToken, Regression, MultiLabel))
"""Every task by its `kind`."""

__all__ = [
    "CLASSIFICATION",
    "TASKS",
    "Classification",
    "ExactMatch",
    "MeanAbsoluteError",
    "MeanSquaredError",
    "MicroF1",
    "MultiLabel",
    "NextToken",
    "Perplexity",
    "Regression",
    "Task",
    "TokenAccuracy",
]

"""What is learnt, by name: one task in a file, with its loss, its outputs and its numbers."""

from fedprop.registry import Registry
from fedprop.tasks.base import Task
from fedprop.tasks.classification import CLASSIFICATION, Classification
from fedprop.tasks.next_token import NextToken, Perplexity, TokenAccuracy

TASKS: Registry[Task] = Registry("tasks", Task, (Classification, NextToken))
"""Every task by its `kind`."""

__all__ = ["CLASSIFICATION", "TASKS", "Classification", "NextToken", "Perplexity", "Task", "TokenAccuracy"]

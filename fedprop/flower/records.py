"""What a message of Flower's says: one model, and of how many examples it was learnt."""

from typing import Any

from fedprop.flower.arrays import Arrays
from fedprop.flower.rounds import Received


def named(record: Any) -> Arrays:
    """The arrays of a record by name; none if they cannot be read."""
    try:
        return {name: array.numpy() for name, array in record.items()}
    except (TypeError, ValueError, EOFError, OSError):
        return {}


def said(message: Any, key: str) -> Received:
    """What a message says; nothing where it says anything else than a model and some numbers.

    Parameters
    ----------
    key : the number among these that tells how many examples there were.
    """
    models = list(message.content.array_records.values())
    numbers = list(message.content.metric_records.values())
    arrays = named(models[0]) if len(models) == 1 else {}
    examples = numbers[0].get(key) if len(numbers) == 1 else None
    return Received(message.metadata.src_node_id, arrays, examples)

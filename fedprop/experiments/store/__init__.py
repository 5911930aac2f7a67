"""A run on disk: SQLite for records, safetensors for weights; every change atomic, so that a run can be taken up again.

A run's folder holds `run.sqlite` (settings, events, rounds, summary), the newest checkpoint's tensors, and at the end
`model.safetensors`, the last global model. A checkpoint's tensors are on disk before the transaction that refers to
them, and the older ones go only after it: whenever the process dies, what the database names is there. Beside what is
written stands its digest, so that nothing damaged is taken for what was written.
"""

from fedprop.experiments.store.run import DATABASE, FORMAT, Checkpoint, RunStore, Totals
from fedprop.experiments.store.tensors import read_tensors, write_tensors

__all__ = [
    "DATABASE",
    "FORMAT",
    "Checkpoint",
    "RunStore",
    "Totals",
    "read_tensors",
    "write_tensors",
]

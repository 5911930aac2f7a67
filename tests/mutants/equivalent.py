"""Changes that a fault may be and that no test can notice, since nothing that the package promises becomes another.

Each with the reason. They are planted by nobody, and the page lists them apart.
"""

EQUIVALENT = {
    "fedprop/aggregators/columns.py: `1 << 22` -> `2 << 22`": "how many entries are looked at together is a matter of "
    "speed",
    "fedprop/aggregators/distance_sum.py: `(nearer / both).where(both > 0, 0) @ alpha > 0` -> "
    "`(nearer / both).where(both > 0, 0) @ alpha >= 0`": "of two rows that are as good the search may begin at either",
    "fedprop/aggregators/divide_and_conquer.py: `values[-1] > SAME ** 2 * gram.diagonal().max()` -> "
    "`values[-1] >= SAME ** 2 * gram.diagonal().max()`": "both are zero, or they differ; and where all rows are zero, "
    "they score the same either way",
    "fedprop/aggregators/fl_detector.py: `changes[-self.window:].clone()` -> `changes[-self.window:]`": "the copy lets "
    "go of the memory of an older row",
    "fedprop/aggregators/fl_detector.py: `steps[-self.window:].clone()` -> `steps[-self.window:]`": "the copy lets go "
    "of the memory of an older row",
    "fedprop/aggregators/multi_metrics.py: `found > 0` -> `found >= 0`": "what comes of rows of zeros is replaced "
    "afterwards",
    "fedprop/training/stacked.py: `value[part.members].clone()` -> `value[part.members]`": "in models with buffers "
    "members are chosen by index, which copies",
    "fedprop/training/steered.py: `client + 1` -> `client`": "made-up learning rates, and others would do",
}
"""Path, what stood there and what it became; and why nobody can tell."""

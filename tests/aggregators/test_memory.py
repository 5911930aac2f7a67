"""A rule holds little beside the rows it is given."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

MEASURE = """
import sys
from pathlib import Path
import torch
from fedprop.aggregators import AGGREGATORS, STAGES, GeometricMedianOfMeans, Median, Rooted, self_contained

def held(what):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(what)) * 1024

def remembered(state):
    parts = state.values() if isinstance(state, dict) else state if isinstance(state, tuple) else ()
    return state.nbytes if torch.is_tensor(state) else sum(map(remembered, parts))

rules = [self_contained(cls.examples()[-1]) for cls in AGGREGATORS.kinds.values()]
stages = [cls.examples()[-1] for cls in STAGES.kinds.values()]
# A single batch takes a way of its own.
rules += [GeometricMedianOfMeans(k=1)]
# A row of memory for each client is no smaller than the rows.
rules += [self_contained(stage >> Median()) for stage in stages if stage.init() is None]
for rule in rules:
    rule.aggregate(torch.randn(50, 20_000))
rows = torch.randn(50, 600_000)
for rule in rules:
    # Called with rows alone, a rule that asks makes a state all the same, which nobody gets to see.
    unseen = isinstance(rule, Rooted) and rule.init() is not None
    for use in (rule.aggregate,) if unseen else (rule, rule.aggregate):
        Path("/proc/self/clear_refs").write_text("5")
        before = held("VmRSS")
        answer = use(rows)
        # What a rule remembers of each client is as large as the client's row, by definition.
        kept = remembered(getattr(answer, "state", None))
        share = (held("VmHWM") - before - kept) / rows.nbytes
        if share > 0.25:
            print(f"{rule!r} holds {share:.2f} times its input in {use!r:.30}")
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="memory is measured as Linux tells it")
def test_no_registered_rule_or_stage_holds_more_than_a_quarter_of_its_input() -> None:
    # Each thread has a few blocks of its own, and what the allocator keeps back for it is not the rules' doing.
    settings = {**os.environ, "MALLOC_ARENA_MAX": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", MEASURE], capture_output=True, text=True, env=settings, check=True)
    assert done.stdout == ""

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
from fedprop.aggregators import AGGREGATORS, STAGES, Median, self_contained

def held(what):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(what)) * 1024

def configured(cls):
    settings = {"f": 5, "max_norm": 1.0, "radius": 1.0, "theta": 5}
    return cls(**{name: value for name, value in settings.items() if name in cls.model_fields})

rules = [self_contained(configured(cls)) for cls in AGGREGATORS.kinds.values()]
stages = [configured(cls) for cls in STAGES.kinds.values()]
# A row of memory for each client is no smaller than the rows.
rules += [self_contained(stage >> Median()) for stage in stages if stage.init() is None]
for rule in rules:
    rule.aggregate(torch.randn(50, 20_000))
rows = torch.randn(50, 600_000)
for rule in rules:
    for use in (rule, rule.aggregate):
        Path("/proc/self/clear_refs").write_text("5")
        before = held("VmRSS")
        answer = use(rows)
        kept = getattr(answer, "state", None)
        # What a rule remembers of each client is as large as the client's row, by definition.
        parts = list(kept.values()) if isinstance(kept, dict) else []
        parts += [vector for part in parts if isinstance(part, dict) for vector in part.values()]
        remembered = sum(part.nbytes for part in parts if torch.is_tensor(part))
        share = (held("VmHWM") - before - remembered) / rows.nbytes
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

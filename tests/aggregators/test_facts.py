"""What lists tell of rules is what they do."""

import pytest
import torch

from fedprop.aggregators import AGGREGATORS, POSTPROCESSORS, STAGES, Cohort, Krum, Mean, Median, self_contained
from fedprop.aggregators.rooted import told_by
from fedprop.attacks import ATTACKS
from fedprop.defenses import PROTOCOLS
from fedprop.settings import source_of

ROWS = torch.randn(12, 5, generator=torch.Generator().manual_seed(0))


def test_facts_of_krum():
    facts = AGGREGATORS.facts(Krum(f=2))
    assert facts["needs"] == "n >= 2f + 3"
    assert facts["tolerates"] == "2 of 20 rows"
    assert float(facts["coefficient"]) == pytest.approx(Krum(f=2).contract().kappa.bound(20, 2), rel=1e-3)
    assert AGGREGATORS.facts(Mean())["unattacked"] == "0"
    assert AGGREGATORS.facts(Median())["coefficient"] == "4.5"
    assert facts["looks at"] == "inner products"
    assert "translation" in facts["keeps"]
    assert facts["asks"] == facts["remembers"] == ""


def test_a_rule_remembers_if_and_only_if_it_says_so():
    for kind, cls in AGGREGATORS.kinds.items():
        states = [self_contained(rule).aggregate(ROWS).state for rule in cls.examples()]
        assert any(state is not None for state in states) == cls.remembers, kind


def test_a_stage_remembers_if_and_only_if_it_says_so():
    cohort = Cohort(ROWS).changed(**told_by(ROWS[0]))
    for kind, cls in STAGES.kinds.items():
        states = [stage.answer(cohort, stage.init()).state for stage in cls.examples()]
        assert any(state is not None for state in states) == cls.remembers, kind


def test_everything_has_a_source():
    for registry in (AGGREGATORS, STAGES, POSTPROCESSORS, PROTOCOLS, ATTACKS):
        unsaid = {kind for kind, cls in registry.kinds.items() if not source_of(cls)}
        assert unsaid <= {"none"}, registry.family

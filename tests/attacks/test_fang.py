import pytest
from pydantic import ValidationError

from fedprop.attacks import FangKrum, FangMedian, FangTrimmedMean

THREE = [FangKrum, FangTrimmedMean, FangMedian]


@pytest.mark.parametrize("kind", THREE)
def test_knowledge_is_partial_and_the_goal_directed_unless_told_otherwise(kind):
    assert (kind().sees, kind().goal) == ("partial", "directed")
    assert kind(knowledge="full").sees == "full"


@pytest.mark.parametrize("kind", THREE)
def test_the_deviation_goal_needs_full_knowledge(kind):
    assert kind(goal="deviation", knowledge="full").goal == "deviation"
    message = f"`knowledge` must be 'full' for {kind.__name__} with goal 'deviation'; found 'partial'"
    with pytest.raises(ValidationError, match=message):
        kind(goal="deviation")


@pytest.mark.parametrize("kind", THREE)
def test_the_direction_may_be_that_of_the_mean_of_all(kind, view):
    """Beside -9 and 3, and 3 and 3, the means of all are -1 and 3; no rule is asked."""
    seen = view([[-9.0, 3.0]], [[3.0, 3.0], [3.0, 3.0]])
    assert kind(knowledge="full", direction="mean").before_attack(seen, 1).tolist() == [-1.0, 3.0]

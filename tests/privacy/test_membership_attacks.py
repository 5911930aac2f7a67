import math

import pytest
import torch

from fedprop.errors import InvalidConfig
from fedprop.privacy import Answers, logistic_regression, threshold


def answers(rows, labels):
    return Answers(torch.tensor(rows, dtype=torch.float32), torch.tensor(labels))


def draw(seed, n=400, classes=4):
    stream = torch.Generator().manual_seed(seed)
    return Answers(torch.randn(n, classes, generator=stream), torch.randint(classes, (n,), generator=stream))


def probabilities(row):
    total = sum(map(math.exp, row))
    return [math.exp(value) / total for value in row]


SCORES = {
    "loss": lambda p, label: math.log(p[label]),
    "confidence": lambda p, label: max(p),
    "entropy": lambda p, label: sum(q * math.log(q) for q in p),
}


@pytest.mark.parametrize("statistic", SCORES)
def test_each_statistic_is_what_its_name_says(statistic):
    member, other = [2.0, 0.5, 0.0], [0.0, 0.2, 0.5]
    found = threshold(answers([member], [0]), answers([other], [1]), statistic=statistic)
    wanted = SCORES[statistic](probabilities(member), 0), SCORES[statistic](probabilities(other), 1)
    assert found.thresholds[1:] == pytest.approx(wanted)


@pytest.mark.parametrize("statistic", SCORES)
def test_a_model_that_is_surer_of_members_gives_them_away(statistic):
    labels = [0, 1]
    sure, unsure = answers([[9.0, 0.0], [0.0, 9.0]], labels), answers([[1.0, 0.0], [0.0, 1.0]], labels)
    assert threshold(sure, unsure, statistic=statistic).auc == 1
    assert threshold(unsure, sure, statistic=statistic).auc == 0


def test_only_the_loss_looks_at_the_label():
    members, others = draw(0), draw(1)
    relabelled = members._replace(labels=(members.labels + 1) % 4)
    for statistic in SCORES:
        same = threshold(members, others, statistic=statistic) == threshold(relabelled, others, statistic=statistic)
        assert same is (statistic != "loss")


@pytest.mark.parametrize("features", ["logits", "confidences"])
def test_the_regression_learns_what_members_look_like(features):
    members, others = draw(0), draw(1)
    assert logistic_regression(members, others, features=features).auc == pytest.approx(0.5, abs=0.12)
    members.logits[torch.arange(400), members.labels] += 4
    assert logistic_regression(members, others, features=features).auc > 0.9
    assert logistic_regression(others, members, features=features).auc > 0.9


def test_the_regression_is_trained_on_the_first_half_and_judged_on_the_second():
    """What it learns of the first half is wrong in the second."""
    high, low = draw(0, 100), draw(1, 100)
    high = high._replace(logits=high.logits + 20)
    turned = [
        Answers(*(torch.cat([a[:50], b[50:]]) for a, b in zip(*sides, strict=True)))
        for sides in ((high, low), (low, high))
    ]
    assert logistic_regression(*turned).auc == 0
    assert sum(logistic_regression(*turned).tpr) > 0


def test_the_order_of_the_logits_is_a_feature_but_not_of_the_confidences():
    """Members favour the first class, others the second; sorted, they look alike."""
    members, others = draw(0), draw(1)
    members.logits[:, 0] += 5
    others.logits[:, 1] += 5
    assert logistic_regression(members, others, features="logits").auc > 0.95
    assert logistic_regression(members, others, features="confidences").auc == pytest.approx(0.5, abs=0.12)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e30])
@pytest.mark.parametrize("features", ["logits", "confidences"])
def test_a_model_that_answers_nonsense_gives_nothing_away(value, features):
    nonsense = answers([[value, 0.0, 1.0]] * 6, [0, 1, 2] * 2)
    for statistic in SCORES:
        assert threshold(nonsense, nonsense, statistic=statistic).auc == 0.5
    found = logistic_regression(nonsense, nonsense, features=features)
    assert (found.auc, found.advantage) == (0.5, 0)


def test_of_two_classes_both_confidences_are_features():
    assert logistic_regression(draw(0, classes=2), draw(1, classes=2), features="confidences").auc < 0.7


def test_the_regression_needs_two_of_each():
    one, two = draw(0, 1), draw(0, 2)
    with pytest.raises(InvalidConfig, match="two members and two non-members at least; found 1 and 2"):
        logistic_regression(one, two)
    assert 0 <= logistic_regression(two, two).auc <= 1

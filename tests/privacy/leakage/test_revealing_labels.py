import pytest
import torch
from torch import nn

from fedprop.errors import InvalidConfig
from fedprop.oracles.revealing_labels import MISREADINGS, revealing_labels
from fedprop.privacy import RevealingLabels
from fedprop.privacy.leakage.revealing_labels import present


def gradient_of(labels, classes, features, stream, *, sharp=1.0, positive=True):
    """That of a batch for a model that finds classes likely at random."""
    h = torch.rand(len(labels), features, generator=stream, dtype=torch.float64)
    h = h if positive else h - 0.5
    p = (sharp * torch.randn(len(labels), classes, generator=stream, dtype=torch.float64)).softmax(dim=1)
    return (p - nn.functional.one_hot(torch.tensor(labels), classes)).mT @ h / len(labels)


def test_the_linear_programme_and_the_definition_agree():
    """Also where they are wrong about the labels: with nearly as many examples as classes."""
    stream = torch.Generator().manual_seed(0)
    differ = 0
    for labels in [(0,), (2, 2), (0, 3), (1, 4, 4), (0, 1, 2)] * 2:
        gradient = gradient_of(labels, 6, 5, stream, sharp=3.0, positive=False)
        found = present(gradient, len(labels), signs=False)
        assert found == revealing_labels(gradient.tolist(), len(labels))
        assert set(labels) <= set(found)
        differ += MISREADINGS["the sign of each sum"](gradient.tolist(), len(labels)) != found
    assert differ > 0


@pytest.mark.parametrize("seed", range(5))
def test_eight_examples_of_many_classes_are_exact_without_signs(seed):
    """Labels repeat; the model is unsure or sure, and right or wrong."""
    stream = torch.Generator().manual_seed(seed)
    labels = torch.randint(60, (8,), generator=stream).tolist()
    gradient = gradient_of(labels, 60, 64, stream, sharp=2.0, positive=False)
    assert present(gradient, 8, signs=False) == sorted(set(labels))


@pytest.mark.parametrize("seed", range(5))
def test_eight_examples_of_ten_classes_are_exact_with_signs(seed):
    stream = torch.Generator().manual_seed(seed)
    labels = torch.randint(10, (8,), generator=stream).tolist()
    gradient = gradient_of(labels, 10, 64, stream, sharp=0.3).float()
    assert present(gradient, 8, signs=True) == sorted(set(labels))
    assert len(present(gradient, 8, signs=False)) > len(set(labels)) - (len(set(labels)) == 8)


def test_a_client_is_found_out_and_noise_tells_nothing(case):
    module = nn.Sequential(nn.Flatten(), nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 20))
    made = case(each=6, module=module)
    watch = RevealingLabels().watch(made.run)
    (finding,) = watch(made.sight())
    assert finding.numbers == {"label_recall": 1.0, "label_precision": 1.0, "labels_exact": 1.0}
    sent = made.sight().sent(0)
    noise = torch.randn(len(sent.update), generator=torch.Generator().manual_seed(0))
    (blind,) = watch(made.sight()._replace(sent=lambda _: sent._replace(update=noise)))
    assert blind.numbers["labels_exact"] == 0
    assert watch(made.sight(client=1)) == ()


def test_it_looks_every_so_many_rounds(case):
    made = case(module=nn.Sequential(nn.Flatten(), nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 20)))
    watch = RevealingLabels(every=3).watch(made.run)
    assert [len(watch(made.sight(round=r, last=r == 3))) for r in range(4)] == [0, 0, 1, 1]


def test_what_it_cannot_read_is_refused(case):
    tanh = nn.Sequential(nn.Flatten(), nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3))
    with pytest.raises(
        InvalidConfig, match=r"`inference.signs` needs a last layer that gets no negative numbers; found -0"
    ):
        RevealingLabels().watch(case(module=tanh).run)
    assert RevealingLabels(signs=False).watch(case(module=tanh).run)
    with pytest.raises(InvalidConfig, match=r"must be a client's id, below 2; found 5"):
        RevealingLabels(client=5).watch(case().run)
    with pytest.raises(InvalidConfig, match=r"a client that trains on all its examples; .* drawn from 3, 1 at most"):
        RevealingLabels().watch(case(each=3, batch_size=1).run)

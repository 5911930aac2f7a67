import pytest

from fedprop.attacks import Gaussian


def test_full_knowledge_is_the_default():
    assert Gaussian().sees == "full"
    assert Gaussian(knowledge="partial").sees == "partial"


def test_rows_follow_the_gaussian_of_all_updates(view):
    # Half of the values are 0 and half are 1: mean 1/2, population deviation 1/2.
    crafted = Gaussian().craft(view([[0.0, 7.0]] * 3000, [[1.0, 7.0]] * 3000))
    assert crafted[:, 0].mean().item() == pytest.approx(0.5, abs=0.03)
    assert crafted[:, 0].std().item() == pytest.approx(0.5, abs=0.03)
    assert (crafted[:, 1] == 7).all()


def test_partial_knowledge_reads_own_rows_only(view):
    crafted = Gaussian(knowledge="partial").craft(view([[0.0], [2.0]] * 3000, [[100.0]]))
    assert crafted.mean().item() == pytest.approx(1, abs=0.06)
    assert crafted.std().item() == pytest.approx(1, abs=0.06)


def test_rows_and_parameters_are_drawn_independently(view):
    crafted = Gaussian(knowledge="partial").craft(view([[0.0, 0.0], [2.0, 2.0]]))
    assert len(crafted.unique()) == 4

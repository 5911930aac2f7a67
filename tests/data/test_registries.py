import pytest

from fedprop.data import DATASETS, PARTITIONS, Digits, Dirichlet, Partition
from fedprop.data.base import DatasetSpec


@pytest.mark.parametrize(
    ("registry", "base", "kinds"),
    [
        (DATASETS, DatasetSpec, {"digits", "breast_cancer", "mnist", "fashion_mnist", "cifar10"}),
        (PARTITIONS, Partition, {"iid", "fang", "dirichlet", "label_skew", "sizes"}),
    ],
)
def test_every_kind_is_registered_under_its_name(registry, base, kinds):
    assert kinds <= set(registry.kinds)
    assert all(issubclass(cls, base) for cls in registry.kinds.values())


def test_members_are_read_from_configuration():
    assert DATASETS.parse({"kind": "digits", "train_size": 10}) == Digits(train_size=10)
    assert PARTITIONS.parse({"kind": "dirichlet", "q": 1}) == Dirichlet(q=1.0)

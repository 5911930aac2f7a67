"""What holds for every partition."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fedprop.data import IID, NOBODY, Dataset, Dirichlet, FangNonIID, LabelSkew, Partition, Sizes
from fedprop.errors import InvalidConfig
from fedprop.experiments.assembly import resolve
from fedprop.experiments.experiment import Experiment

COMPLETE = st.sampled_from([IID(), FangNonIID(p=0.1), FangNonIID(p=0.7), FangNonIID(p=1.0), Dirichlet(q=5.0)])


@st.composite
def tasks(draw):
    """Labels, of which some classes may be missing, and a number of clients that they can serve."""
    classes = draw(st.integers(2, 6))
    labels = torch.tensor(draw(st.lists(st.integers(0, classes - 1), min_size=1, max_size=60)))
    # Dirichlet needs some slack to leave nobody empty-handed.
    clients = draw(st.integers(1, max(1, min(12, len(labels) // 4))))
    return labels, clients, classes, draw(st.integers(0, 2**31))


def split(partition, task):
    labels, clients, classes, seed = task
    return partition.split(labels, clients, classes, torch.Generator().manual_seed(seed))


@settings(deadline=None)
@given(COMPLETE, tasks())
def test_every_example_has_exactly_one_owner_and_no_client_is_empty(partition, task):
    parts = split(partition, task)
    assert len(parts) == task[1]
    assert torch.equal(torch.cat(parts).sort().values, torch.arange(len(task[0])))
    assert all(len(part) for part in parts)
    assert all(part.dtype == torch.int64 and torch.equal(part, part.sort().values) for part in parts)


@settings(deadline=None)
@given(COMPLETE, tasks())
def test_equal_generators_give_equal_parts(partition, task):
    assert all(map(torch.equal, split(partition, task), split(partition, task)))


@pytest.mark.parametrize("partition", [IID(), FangNonIID(), Dirichlet(), LabelSkew(), Sizes(sizes=(60, 40, 50))])
def test_other_generators_give_other_parts_and_the_global_one_is_left_alone(partition):
    labels = torch.arange(200) % 4
    before = torch.random.get_rng_state()
    first, second = (split(partition, (labels, 3, 4, seed)) for seed in (0, 1))
    assert not all(map(torch.equal, first, second))
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize(
    ("labels", "clients", "message"),
    [
        ([0, 1], 3, "`clients` must lie between 1 and the number of examples, 2, for IID; found 3"),
        ([0, 1], 0, "`clients` must lie between 1 and the number of examples, 2, for IID; found 0"),
        ([], 1, "`clients` must lie between 1 and the number of examples, 0, for IID; found 1"),
        ([0, 2], 1, "`labels` must lie in 0 ... 1 for IID; found 0 ... 2"),
        ([-1, 1], 1, "`labels` must lie in 0 ... 1 for IID; found -1 ... 1"),
    ],
)
def test_what_cannot_be_split_is_refused(labels, clients, message):
    with pytest.raises(InvalidConfig, match=message):
        split(IID(), (torch.tensor(labels), clients, 2, 0))


# Partitions of one's own, for 6 examples and 3 clients


class ByUser(Partition):
    """Whose examples they are is known."""

    kind: str = "by_user"
    users: object = None

    def owners(self, labels, clients, classes, generator):
        return self.users


class ByHand(ByUser):
    """The parts themselves are known."""

    def split(self, labels, clients, classes, generator):
        if isinstance(self.users, Exception):
            raise self.users
        return self.users


def deal(partition):
    return partition.deal(torch.tensor([0, 1] * 3), 3, 2, torch.Generator().manual_seed(0))


def test_known_owners_get_what_is_theirs():
    owners = torch.tensor([2, 0, NOBODY, 2, 1, 0])
    assert [part.tolist() for part in deal(ByUser(users=owners))] == [[1, 5], [4], [0, 3]]
    parts = [torch.tensor(part) for part in ([1, 5], [4], [3, 0])]
    assert deal(ByHand(users=parts)) == parts


OWNERS = {
    "one too many": (
        [0, 1, 2, 3, 0, 1],
        r"owners of ByUser must lie in 0 ... 2, or be -1 for nobody; found 0 ... 3",
    ),
    "from one": ([1, 2, 3, 1, 2, 3], "found 1 ... 3"),
    "below nobody": ([0, 1, 2, -2, 0, 1], "found -2 ... 2"),
    "somebody empty": (
        [0, 0, 2, 2, 0, 0],
        "must give every client an example; found none for 1 of 3 clients, such",
    ),
    "too few": (
        [0, 1, 2],
        r"must be int64 of shape \[6\]; found a tensor of shape \[3\], torch.int64",
    ),
    "fractions": ([0.0, 1.0, 2.0] * 2, r"; found a tensor of shape \[6\], torch.float32"),
}


@pytest.mark.parametrize("name", OWNERS)
def test_owners_who_are_no_clients_are_refused(name):
    owners, message = OWNERS[name]
    with pytest.raises(InvalidConfig, match=f"^`partition`: .*{message}"):
        deal(ByUser(users=torch.tensor(owners)))


@pytest.mark.parametrize("owners", [None, [0, 1, 2, 0, 1, 2], np.arange(6) % 3])
def test_owners_that_are_no_tensor_are_refused(owners):
    with pytest.raises(InvalidConfig, match=r"^`partition`: the owners of ByUser must be int64"):
        deal(ByUser(users=owners))


ONE, TWO, REST = torch.tensor([0]), torch.tensor([1]), torch.tensor([2, 3])
PARTS = {
    "nothing": (None, "ByHand must answer with one part for each of the 3 clients; found NoneType"),
    "text": ("abc", "found str"),
    "too few": ([ONE, TWO], "found 2 parts"),
    "an array": (np.zeros((3, 2)), "found ndarray"),
    "lists": ([[0], [1], [2]], r"the parts of ByHand must be int64 tensors of shape \[k\]; found list for client 0"),
    "a mask": (
        [ONE, TWO, torch.ones(6, dtype=torch.bool)],
        r"found a tensor of shape \[6\], torch.bool, on cpu for client 2",
    ),
    "empty": (
        [ONE, TWO, REST[:0]],
        "found none for 1 of 3 clients, such as client 2",
    ),
    "beyond": ([ONE, TWO, torch.tensor([6])], "the parts of ByHand must index examples 0 ... 5; found 0 ... 6"),
    "from behind": ([ONE, TWO, torch.tensor([-1])], "found -1 ... 1"),
    "shared": ([ONE, REST, torch.tensor([3])], "must hold no example twice; found example 3 2 times"),
    "an error": (KeyError("user"), "ByHand failed: KeyError: 'user'"),
}


@pytest.mark.parametrize("name", PARTS)
def test_parts_that_are_none_are_refused(name):
    parts, message = PARTS[name]
    with pytest.raises(InvalidConfig, match=f"^`partition`: .*{message}"):
        deal(ByHand(users=parts))


def test_a_run_asks_for_checked_parts():
    data = Dataset.from_arrays("toy", [[0.0]] * 6, [0, 1] * 3, [[0.0]], [0])
    experiment = Experiment(rounds=1, clients=3, model="logistic_regression", partition=ByHand(users=[ONE, TWO]))
    with pytest.raises(InvalidConfig, match="one part for each of the 3 clients; found 2 parts"):
        resolve(experiment, dataset=data)

import pytest
import torch

from fedprop.training.parts import Parts

VECTORS = [torch.tensor([4, 2, 9]), torch.tensor([], dtype=torch.int64), torch.tensor([7])]


def test_it_is_the_sequence_that_it_was_made_of():
    parts = Parts(VECTORS)
    assert [part.tolist() for part in parts] == [parts[place].tolist() for place in range(3)] == [[4, 2, 9], [], [7]]
    assert parts[-3].tolist() == [4, 2, 9]
    assert [part.tolist() for part in parts[:2]] == [[4, 2, 9], []]
    assert [part.tolist() for part in parts[::-2]] == [[7], [4, 2, 9]]
    assert (len(parts), parts.sizes, parts.flat.tolist()) == (3, (3, 0, 1), [4, 2, 9, 7])
    assert Parts(parts).flat.tolist() == parts.flat.tolist()


@pytest.mark.parametrize("place", [3, -4])
def test_there_is_nothing_beyond_its_ends(place):
    with pytest.raises(IndexError, match=f"one of 3; found {place}"):
        Parts(VECTORS)[place]


def test_a_part_takes_no_memory_of_its_own():
    parts = Parts(VECTORS)
    assert parts[2].data_ptr() == parts.flat[3:].data_ptr()


def test_without_parts():
    parts = Parts([])
    assert (len(parts), [*parts], parts.sizes, parts.flat.shape) == (0, [], (), (0,))

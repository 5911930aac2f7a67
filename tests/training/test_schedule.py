import torch
from hypothesis import given
from hypothesis import strategies as st

from fedprop.training.schedule import Schedule

sizes_lists = (
    st.lists(st.lists(st.integers(1, 4), max_size=4), min_size=1, max_size=5)
    .map(lambda clients: sorted(clients, key=len, reverse=True))
    .filter(lambda clients: clients[0])
)


def numbered(sizes):
    """Example i of all that are drawn, in order, is row 10 * i of the pool; and the batches that come of it."""
    drawn = 10 * torch.arange(sum(map(sum, sizes)))
    pieces = iter(torch.split(drawn, [size for own in sizes for size in own]))
    return drawn, [[next(pieces).tolist() for _ in own] for own in sizes]


def seen(part, count):
    """The batch of each member of a pass, without padding."""
    members = range(count)[part.members] if isinstance(part.members, slice) else part.members.tolist()
    real = torch.ones_like(part.rows, dtype=torch.bool) if part.real is None else part.real
    return {i: rows[keep].tolist() for i, rows, keep in zip(members, part.rows, real, strict=True)}


@given(sizes_lists, st.booleans())
def test_every_batch_is_seen_once_at_its_step(sizes, padded):
    drawn, batches = numbered(sizes)
    schedule = Schedule(drawn, sizes)
    assert schedule.steps == len(sizes[0])
    for step in range(schedule.steps):
        found = [seen(part, len(sizes)) for part in schedule.passes(step, padded=padded)]
        wanted = {i: own[step] for i, own in enumerate(batches) if step < len(own)}
        assert {i: batch for part in found for i, batch in part.items()} == wanted
        assert sum(map(len, found)) == len(wanted)
        assert len(found) == (1 if padded else len({len(batch) for batch in wanted.values()}))


@given(sizes_lists)
def test_padding_is_an_example_of_ones_own_batch(sizes):
    drawn, _ = numbered(sizes)
    schedule = Schedule(drawn, sizes)
    for step in range(schedule.steps):
        for part in schedule.passes(step, padded=True):
            if part.real is not None:
                assert torch.equal(part.rows[~part.real], part.rows[:, :1].expand_as(part.rows)[~part.real])


@given(sizes_lists)
def test_without_padding_no_batch_is_marked(sizes):
    drawn, _ = numbered(sizes)
    schedule = Schedule(drawn, sizes)
    assert all(part.real is None for step in range(schedule.steps) for part in schedule.passes(step, padded=False))

"""Each class dealt to those who may hold it, in shares that follow a Dirichlet distribution."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from fedprop.data.partitions.answer import NOBODY
from fedprop.errors import InvalidConfig


def dealt(labels: Tensor, holders: Tensor, q: float, generator: torch.Generator) -> Tensor:
    """The owner of each example [n]: the holders' shares of a class are Dirichlet(q), and which examples is random.

    `holders` [clients, classes] says who may hold a class; the examples of one that nobody may hold are nobody's.
    """
    # torch's Dirichlet takes no generator, and NumPy's stays exact for a q so small that gamma draws underflow.
    draw = np.random.default_rng(int(torch.randint(2**62, (), generator=generator)))
    owners = torch.full((len(labels),), NOBODY)
    for label in range(holders.shape[1]):
        members = (labels == label).nonzero().flatten()
        members = members[torch.randperm(len(members), generator=generator)]
        own = holders[:, label].nonzero().flatten()
        if not len(own):
            continue
        shares = torch.from_numpy(draw.dirichlet([q] * len(own)))
        cuts = (shares.cumsum(0)[:-1] * len(members)).round()
        owners[members] = own[torch.bucketize(torch.arange(len(members)), cuts, right=True)]
    return owners


def until_fed(
    draw: Callable[[], Tensor], name: str, *, examples: int, clients: int, min_size: int, max_draws: int, told: str
) -> Tensor:
    """The first of `max_draws` draws of owners in which every client has `min_size` examples at least.

    Raises
    ------
    InvalidConfig
        If there is none; the sentence names the partition and what is `told` of its settings.
    """
    if clients * min_size > examples:
        raise InvalidConfig(
            f"`min_size` must be at most {examples // clients} for {name} with {examples} examples and "
            f"{clients} clients; found {min_size}"
        )
    for _ in range(max_draws):
        owners = draw()
        if int(torch.bincount(owners - NOBODY, minlength=clients + 1)[1:].min()) >= min_size:
            return owners
    raise InvalidConfig(
        f"`min_size` must be within reach for {name}: in {max_draws} draws of {examples} examples to "
        f"{clients} clients with {told}, somebody always had fewer; found {min_size}"
    )

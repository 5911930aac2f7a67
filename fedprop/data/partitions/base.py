"""What every partition is: a frozen value that names an owner for each example."""

from abc import ABC, abstractmethod
from typing import ClassVar

import torch
from torch import Tensor

from fedprop.data.partitions.answer import NOBODY as NOBODY
from fedprop.data.partitions.answer import checked_parts, parts_of
from fedprop.errors import InvalidConfig
from fedprop.failures import blamed
from fedprop.types import Kind


class Partition(Kind, ABC):
    """Base of all partitions: each example goes to one client or, where a partition says so, to nobody.

    One of your own says so by `owners`; one that finds it easier to name each client's examples overrides `split` too.

    Attributes
    ----------
    by_user : whether it deals by whose an example is, as the data say, and not by what is learnt: then `labels` are the
        users' numbers, and `classes` says how many users there may be.
    """

    by_user: ClassVar[bool] = False

    def deal(self, labels: Tensor, clients: int, classes: int, generator: torch.Generator) -> list[Tensor]:
        """What `split` answers, checked; the simulator asks here.

        Raises
        ------
        InvalidConfig
            As `split`; if it fails otherwise; or if its answer is not one int64 tensor of indices for each client, none
            empty and no example in two.
        """
        name = type(self).__name__
        with blamed(f"`partition`: {name} failed", raising=InvalidConfig, passing=(InvalidConfig,)):
            parts = self.split(labels.cpu(), clients, classes, generator)
        return checked_parts(name, parts, len(labels), clients)

    def split(self, labels: Tensor, clients: int, classes: int, generator: torch.Generator) -> list[Tensor]:
        """The indices of each client's examples: `clients` disjoint int64 tensors, in increasing order, none empty.

        `labels` has shape [n] and holds integers in 0 ... classes - 1.

        Raises
        ------
        InvalidConfig
            If there are fewer examples than clients, a label is out of range, the partition's own needs are not met,
            an owner is neither one of the clients 0 ... clients - 1 nor `NOBODY`, or a client would own nothing.
        """
        labels = labels.cpu()
        self._check(labels, clients, classes)
        owners = self.owners(labels, clients, classes, generator)
        return parts_of(type(self).__name__, owners, len(labels), clients)

    @abstractmethod
    def owners(self, labels: Tensor, clients: int, classes: int, generator: torch.Generator) -> Tensor:
        """The client that owns each example, int64 [n], or `NOBODY`; the arguments are already checked."""

    def _check(self, labels: Tensor, clients: int, classes: int) -> None:
        name = type(self).__name__
        if not 1 <= clients <= len(labels):
            raise InvalidConfig(
                f"`clients` must lie between 1 and the number of examples, {len(labels)}, for {name}; found {clients}"
            )
        if int(labels.min()) < 0 or int(labels.max()) >= classes:
            raise InvalidConfig(
                f"`labels` must lie in 0 ... {classes - 1} for {name}; "
                f"found {int(labels.min())} ... {int(labels.max())}"
            )

"""What partitions by user need."""

from torch import Tensor

from fedprop.errors import InvalidConfig


def check_users(name: str, counts: Tensor, clients: int) -> None:
    """Refuse more clients than users with an example.

    Raises
    ------
    InvalidConfig
        If there are fewer users.
    """
    users = int((counts > 0).sum())
    if clients > users:
        raise InvalidConfig(f"`clients` must be at most the number of users, {users}, for {name}; found {clients}")

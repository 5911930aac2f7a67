"""What a policy is: a loop over rounds, played on the server, and what it says of itself beforehand."""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar

import anyio
import torch

from fedprop.clock import now
from fedprop.errors import InvalidConfig, WrongAnswer
from fedprop.failures import blamed
from fedprop.settings import shown
from fedprop.simulation.ledger import Accepted
from fedprop.simulation.transport import Payload
from fedprop.types import ClientId, Kind, Seconds, Updates, Vector, Version

if TYPE_CHECKING:
    from fedprop.simulation.server import Server


class Policy(Kind, ABC):
    """When the server invites, waits and aggregates.

    One of your own overrides `run`, and says by `smallest` what the rule must be able to work with:

        class Ticking(Policy):
            kind: Literal["ticking"] = "ticking"
            seconds: Positive = 10.0

            def smallest(self, clients):
                return 1

            async def run(self, server):
                while server.open_round():
                    server.invite(server.sample(server.setup.clients))
                    await server.aggregate(await collect(server, wanted=server.setup.clients, seconds=self.seconds))

    Between two rounds nothing may be remembered but in `server.state` (its `buffer` holds updates for later): a run may
    be taken up there.

    Attributes
    ----------
    synchronous : whether a round's updates all start from the model that the round began with, and a client takes part
        in it once at most. Protocols and central privacy need that.
    limit : the setting that bounds how long the server waits for a client.
    """

    synchronous: ClassVar[bool] = False
    limit: ClassVar[str] = "patience"

    @abstractmethod
    async def run(self, server: "Server") -> None:
        """Play round after round, as long as `server.open_round()` opens one more."""

    @abstractmethod
    def smallest(self, clients: int) -> int:
        """The fewest updates, of that many clients, that may be aggregated together."""

    def fewest(self, clients: int) -> int:
        """What `smallest` says, if it is something that it may say.

        Raises
        ------
        InvalidConfig
            If it is not a whole number from 1 on.
        """
        return self._counted("smallest", clients)

    def intended(self, clients: int) -> int:
        """What `wanted` says, if it is something that it may say. Raises as `fewest` does."""
        return self._counted("wanted", clients)

    def _counted(self, method: str, clients: int) -> int:
        with blamed(f"policy {self.kind} failed in `{method}`", raising=InvalidConfig):
            found: object = getattr(self, method)(clients)
            if not isinstance(found, int) or found < 1:
                raise WrongAnswer(f"`{method}` must answer with a whole number from 1 on; found {shown(found)}")
            return found

    @property
    def deciding(self) -> str:
        """The setting that decides how few these are, as an error names it."""
        return "`policy`"

    def wanted(self, clients: int) -> int:
        """How many updates a new version is meant to be made of."""
        return self.smallest(clients)

    @property
    def patience(self) -> Seconds | None:
        """How long the server waits for a client that may never answer; None for ever."""
        return None

    @property
    def stalest(self) -> int | None:
        """The most versions that an update may lie behind; None for any number."""
        return None

    def discounts(self) -> Iterator[tuple[str, str]]:
        """The settings by which `rows` shortens some: what each must be to shorten none, in words, and what it is."""
        yield from ()

    def rows(self, batch: Sequence[Accepted], parameters: Vector, version: Version) -> Updates:
        """The accepted updates as rows [n, d], discounted as the policy says, for a server that is at this version."""
        return torch.stack([item.update for item in batch])

    def problems(self, clients: int, silent: Sequence[str]) -> Iterator[str]:
        """What does not fit so many clients, or settings by which clients can fail `silent`ly: a sentence for each."""
        if silent and self.patience is None:
            found = f"null with {', '.join(silent)}"
            yield f"`policy.{self.limit}` must be set where clients can fail silently; found {found}"


async def collect(server: "Server", *, wanted: int, seconds: Seconds | None = None) -> list[Accepted]:
    """Accepted updates until there are `wanted`, nobody is left to wait for, or so many seconds are over.

    Tasks that are open then stay open, and may be answered in a later round; `server.close_tasks()` ends them.
    """
    batch: list[Accepted] = []

    def take(message: tuple[ClientId, Payload]) -> bool:
        accepted = server.judge(*message)
        if accepted is not None:
            batch.append(accepted)
        return len(batch) == wanted or not server.state.ledger.open

    with anyio.move_on_at(math.inf if seconds is None else now() + seconds):
        await server.inbox.serve(take)
    return batch

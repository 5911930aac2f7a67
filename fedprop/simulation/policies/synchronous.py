"""Rounds: invite a cohort, wait, aggregate, repeat."""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

from pydantic import Field, PositiveInt

from fedprop.simulation.policies.base import Policy, collect
from fedprop.types import Positive, Seconds

if TYPE_CHECKING:
    from fedprop.simulation.server import Server


class Synchronous(Policy):
    """Rounds: invite a cohort, wait, aggregate, repeat.

    Attributes
    ----------
    cohort : updates wanted in a round; None for one from every client.
    over_selection : invite this many times `cohort` clients and take the first `cohort` updates.
    deadline : seconds after which the round closes with what it has; None waits for every invited client.
    min_updates : a round that closes with fewer makes no new version; None leaves it to what the rule needs.

    Source: McMahan et al. 2017, Algorithm 1; `over_selection` is that of Bonawitz et al., "Towards Federated Learning
    at Scale", 2019.
    """

    synchronous: ClassVar[bool] = True
    limit: ClassVar[str] = "deadline"

    kind: Literal["synchronous"] = "synchronous"
    cohort: PositiveInt | None = None
    over_selection: Annotated[float, Field(ge=1.0, allow_inf_nan=False)] = 1.0
    deadline: Positive | None = None
    min_updates: PositiveInt | None = None

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        return (cls(), cls(cohort=4, over_selection=1.5))

    def _checks(self) -> tuple[Callable[[], Iterator[str]], ...]:
        return self._over_selection_needs_a_cohort, self._cohort_suffices

    def _over_selection_needs_a_cohort(self) -> Iterator[str]:
        if self.over_selection > 1.0 and self.cohort is None:
            yield f"`over_selection` needs a `cohort`; found over_selection={self.over_selection}"

    def _cohort_suffices(self) -> Iterator[str]:
        if self.cohort is not None and self.min_updates is not None and self.min_updates > self.cohort:
            yield f"`min_updates` must be at most `cohort` = {self.cohort}; found {self.min_updates}"

    async def run(self, server: "Server") -> None:
        """Round after round. Between two of them the server's state is complete in itself."""
        while server.open_round():
            wanted = self.wanted(server.setup.clients)
            while not (invited := server.sample(self.invited(wanted))):
                await server.wait_for_a_client()
            server.invite(invited)
            batch = await collect(server, wanted=min(wanted, len(invited)), seconds=self.deadline)
            server.close_tasks()
            if len(batch) < (fewest := self.min_updates or 1):
                server.fail_round(f"`min_updates` = {fewest} must be reached in a round; found {len(batch)}", batch)
            else:
                await server.aggregate(batch)

    def invited(self, wanted: int) -> int:
        """How many clients to invite for so many updates; 10 at 1.1 make 11, in spite of binary fractions."""
        return math.ceil(round(wanted * self.over_selection, 9))

    def smallest(self, clients: int) -> int:
        wanted = min(self.wanted(clients), clients)
        return wanted if self.deadline is None or self.min_updates is None else min(self.min_updates, wanted)

    @property
    def deciding(self) -> str:
        if self.deadline is not None and self.min_updates is not None:
            return "`policy.min_updates`"
        return "`policy.cohort`" if self.cohort else "`clients`"

    def wanted(self, clients: int) -> int:
        return self.cohort or clients

    @property
    def patience(self) -> Seconds | None:
        return self.deadline

    def problems(self, clients: int, silent: Sequence[str]) -> Iterator[str]:
        if self.cohort is not None and self.cohort > clients:
            yield f"`policy.cohort` must be at most the number of clients, {clients}; found {self.cohort}"
        yield from super().problems(clients, silent)

"""When the server invites clients, how long it waits, and when it aggregates."""

import math
from collections.abc import Callable, Iterator
from typing import Annotated, Literal, TypeAlias

from pydantic import Field, NonNegativeInt, PositiveInt

from fedprop.simulation.staleness import AnyStaleness, ConstantStaleness, PolynomialStaleness
from fedprop.types import Frozen, Positive, Seconds


class Synchronous(Frozen):
    """Rounds: invite a cohort, wait, aggregate, repeat.

    Attributes
    ----------
    cohort : updates wanted in a round; None for one from every client.
    over_selection : invite this many times `cohort` clients and take the first `cohort` updates (Bonawitz et al. 2019).
    deadline : seconds after which the round closes with what it has; None waits for every invited client.
    min_updates : a round that closes with fewer makes no new version; None leaves it to what the rule needs.
    """

    kind: Literal["synchronous"] = "synchronous"
    cohort: PositiveInt | None = None
    over_selection: Annotated[float, Field(ge=1.0, allow_inf_nan=False)] = 1.0
    deadline: Positive | None = None
    min_updates: PositiveInt | None = None

    @property
    def patience(self) -> Seconds | None:
        """How long the server waits for a client that may never answer; None for ever."""
        return self.deadline

    def invited(self, wanted: int) -> int:
        """How many clients to invite for so many updates; 10 at 1.1 make 11, in spite of binary fractions."""
        return math.ceil(round(wanted * self.over_selection, 9))

    def smallest(self, clients: int) -> int:
        """The fewest updates that may be aggregated together."""
        wanted = min(self.cohort or clients, clients)
        return wanted if self.deadline is None or self.min_updates is None else min(self.min_updates, wanted)

    def _checks(self) -> tuple[Callable[[], Iterator[str]], ...]:
        return self._over_selection_needs_a_cohort, self._cohort_suffices

    def _over_selection_needs_a_cohort(self) -> Iterator[str]:
        if self.over_selection > 1.0 and self.cohort is None:
            yield f"`over_selection` needs a `cohort`; found over_selection={self.over_selection}"

    def _cohort_suffices(self) -> Iterator[str]:
        if self.cohort is not None and self.min_updates is not None and self.min_updates > self.cohort:
            yield f"`min_updates` must be at most `cohort` = {self.cohort}; found {self.min_updates}"


class Asynchronous(Frozen):
    """What the asynchronous policies share: `concurrency` clients train at any time, whatever version is the newest.

    Attributes
    ----------
    staleness : how much an update counts that lies tau versions behind.
    timeout : seconds after which the server gives a task up and invites somebody else; None never does.
    max_staleness : updates older than this many versions are refused; None accepts all.
    """

    concurrency: PositiveInt
    staleness: AnyStaleness = ConstantStaleness()
    max_staleness: NonNegativeInt | None = None
    timeout: Positive | None = None

    @property
    def patience(self) -> Seconds | None:
        """How long the server waits for a client that may never answer; None for ever."""
        return self.timeout


class FedBuff(Asynchronous):
    """Buffered asynchronous aggregation (Nguyen et al. 2022, Algorithm 1).

    Every `buffer` accepted updates make a new version; a row counts s(tau) times, with tau its staleness.
    """

    kind: Literal["fedbuff"] = "fedbuff"
    buffer: PositiveInt
    staleness: AnyStaleness = PolynomialStaleness()

    def smallest(self, clients: int) -> int:
        """The fewest updates that may be aggregated together."""
        return self.buffer


class FedAsync(Asynchronous):
    """Fully asynchronous aggregation (Xie et al. 2019, Algorithm 1): every accepted update makes a new version.

    The new model is (1 - alpha_t) x + alpha_t x_client, with alpha_t = mixing * s(tau).
    """

    kind: Literal["fedasync"] = "fedasync"
    mixing: Annotated[float, Field(gt=0.0, le=1.0)] = 0.6

    def smallest(self, clients: int) -> int:
        """The fewest updates that may be aggregated together."""
        return 1


Policy: TypeAlias = Annotated[Synchronous | FedBuff | FedAsync, Field(discriminator="kind")]

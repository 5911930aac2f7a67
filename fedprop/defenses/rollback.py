"""Where a server rolls back to (SIREN+, Guo et al. 2024), and what the updates are there."""

from typing import Generic, NamedTuple, TypeVar

from fedprop.types import Updates, Vector

V = TypeVar("V")


class Lineage(NamedTuple, Generic[V]):
    """The global model and the one that a rollback goes to; each V is a model, or its number.

    Attributes
    ----------
    current : g_t, which the clients of this round were sent.
    fallback : what the updates are applied to if g_t is found poisoned.

    The first round knows one model: Algorithm 2 starts with g_0 = g_1.

    Algorithm 2 falls back on g_{t-1}. In the round after a rollback that would be the very model found poisoned, so
    after a rollback the fallback stays what it is: however many rollbacks follow one another, all go to the last model
    that was replaced without one. So does the published code in the second of two (github.com/AISIGSJTU/Siren-Plus,
    main.py, "t-2").

    >>> line = Lineage(current=1, fallback=1).then(2).then(3, rolled_back=True)
    >>> line, line.then(4, rolled_back=True).fallback, line.then(4).fallback
    (Lineage(current=3, fallback=1), 1, 3)
    """

    current: V
    fallback: V

    def then(self, new: V, *, rolled_back: bool = False) -> "Lineage[V]":
        """After a round that made `new`; a round that makes no new model leaves the lineage as it is."""
        return Lineage(new, self.fallback if rolled_back else self.current)


def rebase(updates: Updates, current: Vector, base: Vector) -> Updates:
    """The updates [n, d] that lead from `base` to the clients' models: rows + (current - base).

    Clients send local model minus g_t. Algorithm 2, lines 12 and 15, add these to g_{t-1}, and so does the published
    code. With weights that sum to one this gives g_{t-1} - g_t + the mean of the local models: the change that was
    found to be poison is taken back twice, once by the rollback and once by the updates, since a client that found g_t
    worse did not start from it. If a poison P came in, -P stays. Here an update is what its name says for the model it
    is applied to: with weights that sum to one, the new model is the mean of the accepted clients' models, free of g_t
    and of g_{t-1}. The latter still decides what a server optimizer does with a step of any other length.

    The rows are exact up to the rounding of g_t: a client's message cannot hold more digits than its distance to g_t
    leaves.
    """
    return updates + (current - base)

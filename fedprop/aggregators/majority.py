"""What rules and stages share that tolerate `f` rows as long as more than half of all are honest."""

from pydantic import NonNegativeInt

from fedprop.aggregators.base import RowConsumer


class NeedsMajority(RowConsumer):
    """Base, beside `Aggregator` or `Stage`, of whatever is set to tolerate `f` Byzantine rows and needs n >= 2f + 1."""

    f: NonNegativeInt

    @property
    def min_rows(self) -> int:
        return 2 * self.f + 1

    def requirement(self) -> str:
        return "n >= 2f + 1"

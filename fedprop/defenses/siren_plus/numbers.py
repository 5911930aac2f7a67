"""How SIREN+'s penalties and bans fall on honest and on compromised clients."""

from abc import abstractmethod
from collections.abc import Collection, Iterable
from statistics import fmean
from typing import Any, ClassVar, Literal

from fedprop.metrics.base import Number, Recorded
from fedprop.metrics.reading import Reading
from fedprop.types import ClientId


class Ruled(Number):
    """A number of one side's clients, by the last ruling."""

    of_model: ClassVar[bool] = False

    @abstractmethod
    def of_ruling(self, ruling: Any, compromised: Collection[ClientId]) -> float | None:
        """The number; None if there is no such client."""

    def read(self, record: Recorded, compromised: Collection[ClientId]) -> Reading | None:
        found = None if record.ruling is None else self.of_ruling(record.ruling, compromised)
        return None if found is None else Reading(found)


class HonestIndex(Ruled):
    """The mean malicious index of the honest clients heard of."""

    label: ClassVar[str] = "malicious index, honest clients"

    kind: Literal["honest_index"] = "honest_index"

    def of_ruling(self, ruling: Any, compromised: Collection[ClientId]) -> float | None:
        return _mean(index for client, index in ruling.suspicion.items() if client not in compromised)


class CompromisedIndex(Ruled):
    """The mean malicious index of the compromised clients heard of."""

    label: ClassVar[str] = "malicious index, compromised clients"

    kind: Literal["compromised_index"] = "compromised_index"

    def of_ruling(self, ruling: Any, compromised: Collection[ClientId]) -> float | None:
        return _mean(index for client, index in ruling.suspicion.items() if client in compromised)


class Banned(Ruled):
    """A number of clients that are banned."""

    def show(self, reading: Reading) -> str:
        return super().show(reading) if reading.value is None else f"{reading.value:.0f}"


class HonestBanned(Banned):
    """How many honest clients are banned."""

    label: ClassVar[str] = "honest clients banned"

    kind: Literal["honest_banned"] = "honest_banned"

    def of_ruling(self, ruling: Any, compromised: Collection[ClientId]) -> float:
        return float(sum(client not in compromised for client in ruling.banned))


class CompromisedBanned(Banned):
    """How many compromised clients are banned."""

    label: ClassVar[str] = "compromised clients banned"

    kind: Literal["compromised_banned"] = "compromised_banned"

    def of_ruling(self, ruling: Any, compromised: Collection[ClientId]) -> float:
        return float(sum(client in compromised for client in ruling.banned))


def _mean(values: Iterable[float]) -> float | None:
    known = list(values)
    return fmean(known) if known else None

"""How different the clients' data are, class by class."""

from typing import ClassVar, Literal

from jaxtyping import Int
from torch import Tensor

from fedprop.data.heterogeneity import label_diversity, load_diversity
from fedprop.metrics.base import OfData
from fedprop.metrics.reading import Reading, mean_of


def _by_class(numbers: Tensor) -> Reading:
    """One number for each class, and their mean."""
    return mean_of(dict(enumerate(numbers.tolist())), {})


class Diversity(OfData):
    """What the two measures of heterogeneity share: a number for each class, of which a run tells mean and extremes.

    They are of the data that the partition dealt, to compromised clients, too: before an attack changes labels, and
    before anybody puts examples aside for tests. A server's own examples are nobody's.
    """

    parts_of: ClassVar[str] = "class"
    standing: ClassVar[bool] = True

    def show(self, reading: Reading) -> str:
        known = {key: part for key, part in reading.parts.items() if part is not None}
        if not known or reading.value is None:
            return super().show(reading)
        most = max(known, key=lambda key: known[key])
        if known[most] == min(known.values()):
            return f"{reading.value:.4f} in every class"
        return f"{super().show(reading)}, highest {known[most]:.4f} (class {most})"


class LoadDiversity(Diversity):
    """The standard deviation over clients of how many examples of a class they hold; see `load_diversity`.

    Source: Lu et al. 2024 (HeteroFL), equation 2.
    """

    label: ClassVar[str] = "load diversity"

    kind: Literal["load_diversity"] = "load_diversity"

    def of(self, counts: Int[Tensor, "clients classes"]) -> Reading:
        return _by_class(load_diversity(counts))


class LabelDiversity(Diversity):
    """The standard deviation over clients of whether they hold a class, at most 1/2; see `label_diversity`.

    Source: Lu et al. 2024 (HeteroFL), equation 3.
    """

    label: ClassVar[str] = "label diversity"

    kind: Literal["label_diversity"] = "label_diversity"

    def of(self, counts: Int[Tensor, "clients classes"]) -> Reading:
        return _by_class(label_diversity(counts))

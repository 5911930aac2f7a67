"""How well membership inference works in the end, in one number for each kind of model attacked."""

from abc import abstractmethod
from collections.abc import Collection
from typing import ClassVar, Literal

from fedprop.metrics.base import Number, Recorded
from fedprop.metrics.reading import Reading
from fedprop.types import ClientId


class AttackedAUC(Number):
    """The area under the ROC curve of the attack that tells members best, the last time that models were attacked."""

    of_model: ClassVar[bool] = False
    curve: ClassVar[bool] = False

    @abstractmethod
    def concerns(self, client: ClientId | None) -> bool:
        """Whether an attack on the model of this client counts; None stands for the global model."""

    def read(self, record: Recorded, compromised: Collection[ClientId]) -> Reading | None:
        own = [finding for finding in record.findings if finding.probe == "membership"]
        areas = [finding.numbers["auc"] for finding in own if self.concerns(finding.client)]
        return Reading(max(areas)) if areas else None


class GlobalAUC(AttackedAUC):
    """That of attacks on the global model."""

    label: ClassVar[str] = "AUC against the global model"

    kind: Literal["global_auc"] = "global_auc"

    def concerns(self, client: ClientId | None) -> bool:
        return client is None


class ClientAUC(AttackedAUC):
    """That of attacks on a client's model."""

    label: ClassVar[str] = "AUC against a client's model"

    kind: Literal["client_auc"] = "client_auc"

    def concerns(self, client: ClientId | None) -> bool:
        return client is not None

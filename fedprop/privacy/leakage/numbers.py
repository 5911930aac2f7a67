"""How well updates give away what is behind them, in a few numbers."""

from collections.abc import Collection
from typing import ClassVar, Literal

from fedprop.metrics.base import Number, Recorded
from fedprop.metrics.reading import Reading
from fedprop.types import ClientId


class Leaked(Number):
    """Of the attacks of a round that came to such a number the best one's, the last time that there was any.

    Attributes
    ----------
    entry : its name in the findings.
    """

    of_model: ClassVar[bool] = False
    entry: ClassVar[str] = ""

    def read(self, record: Recorded, compromised: Collection[ClientId]) -> Reading | None:
        found = [f.numbers[self.entry] for f in record.findings if self.entry in f.numbers]
        return Reading(max(found)) if found else None


class ReconstructionPSNR(Leaked):
    """The peak signal-to-noise ratio of the pictures reconstructed, in decibels, on average over them."""

    label: ClassVar[str] = "PSNR of reconstructions (dB)"
    entry: ClassVar[str] = "psnr"

    kind: Literal["reconstruction_psnr"] = "reconstruction_psnr"


class ReconstructionSSIM(Leaked):
    """The structural similarity of the pictures reconstructed and their originals, on average over them."""

    label: ClassVar[str] = "SSIM of reconstructions"
    entry: ClassVar[str] = "ssim"

    kind: Literal["reconstruction_ssim"] = "reconstruction_ssim"


class LabelRecall(Leaked):
    """The share of labels that an update gave away."""

    label: ClassVar[str] = "label recall"
    entry: ClassVar[str] = "label_recall"

    kind: Literal["label_recall"] = "label_recall"


class LabelPrecision(Leaked):
    """The share of the labels that an attack named which there are: noise makes it name many that there are not."""

    label: ClassVar[str] = "label precision"
    entry: ClassVar[str] = "label_precision"

    kind: Literal["label_precision"] = "label_precision"


class LabelsExact(Leaked):
    """1 if an update gave away which labels there are, all of them and no other; else 0."""

    label: ClassVar[str] = "labels exact"
    entry: ClassVar[str] = "labels_exact"

    kind: Literal["labels_exact"] = "labels_exact"


class PropertyAUC(Number):
    """The area under the ROC curve of property inference over the clients of a round, the last time it was tried."""

    label: ClassVar[str] = "AUC of property inference"
    of_model: ClassVar[bool] = False

    kind: Literal["property_auc"] = "property_auc"

    def read(self, record: Recorded, compromised: Collection[ClientId]) -> Reading | None:
        told = [f.numbers for f in record.findings if "property_score" in f.numbers]
        has = [bool(found["has"]) for found in told]
        if not told:
            return None
        if all(has) or not any(has):
            return Reading(why="all clients have the property, or none has")
        from sklearn.metrics import roc_auc_score  # takes a second to import

        return Reading(float(roc_auc_score(has, [found["property_score"] for found in told])))

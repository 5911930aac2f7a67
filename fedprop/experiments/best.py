"""The best model of a run, kept beside the last one."""

from collections.abc import Iterable
from pathlib import Path

from torch import Tensor, nn

from fedprop.experiments.model_file import write_model
from fedprop.simulation.events import RoundRecord
from fedprop.types import Round, Vector

FILE = "best.safetensors"
TENSOR = "best"
"""The name of the best model among the tensors of a checkpoint."""


class BestModel:
    """The model of the best test accuracy in a round that did not fail; of equal ones the earliest.

    It goes into every checkpoint, so that a run that is taken up again, from however long ago, knows it.
    """

    def __init__(
        self, module: nn.Module, earlier: Iterable[RoundRecord] = (), parameters: Tensor | None = None
    ) -> None:
        """`earlier` are the rounds before the first one noted, and `parameters` [d] the best model among them."""
        self._module = module
        self._accuracy = -1.0
        self._round: Round = -1
        self._parameters: Vector | None = parameters
        self._is_written = parameters is None
        for record in earlier:
            if self._is_better(record):
                self._take(record)

    def note(self, record: RoundRecord, parameters: Vector) -> None:
        """A round has closed and left these parameters [d], which nobody changes."""
        if self._is_better(record):
            self._take(record)
            self._parameters, self._is_written = parameters, False

    def _is_better(self, record: RoundRecord) -> bool:
        return not record.failure and record.accuracy is not None and record.accuracy > self._accuracy

    def _take(self, record: RoundRecord) -> None:
        if record.accuracy is not None:
            self._accuracy, self._round = record.accuracy, record.round

    @property
    def tensors(self) -> dict[str, Tensor]:
        """What a checkpoint must hold of it."""
        return {} if self._parameters is None else {TENSOR: self._parameters}

    def write(self, folder: Path) -> None:
        """Write it down with its round and accuracy, if there is a new one.

        Raises
        ------
        StoreError
            If it cannot be written.
        """
        if self._parameters is not None and not self._is_written:
            notes = {"round": str(self._round), "test_accuracy": str(self._accuracy)}
            write_model(folder / FILE, self._module, self._parameters, notes=notes)
            self._is_written = True

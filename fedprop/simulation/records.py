"""Records of rounds as text, and all those of a run, however long it is."""

import tempfile
import weakref
from array import array
from collections.abc import Iterable, Sequence
from typing import overload

from pydantic import TypeAdapter
from pydantic_core import to_json

from fedprop.simulation.events import RoundRecord

HELD = 2**18
"""Bytes of text that are held in memory: some hundred records."""

_ADAPTER = TypeAdapter(RoundRecord)


def to_text(record: RoundRecord) -> str:
    """A record as one line of JSON, with infinity and NaN as Python's json writes them."""
    return to_json(_ADAPTER.dump_python(record), inf_nan_mode="constants").decode()


def from_text(text: str | bytes) -> RoundRecord:
    """The inverse of `to_text`.

    Raises
    ------
    ValueError
        If the text is no record.
    """
    return _ADAPTER.validate_json(text, strict=True)


class RoundLog(Sequence[RoundRecord]):
    """The records of a run in order, as a tuple of them would be, in memory that does not grow with the run.

    They are kept as text, beyond `HELD` bytes of it in a temporary file, and read back when they are asked for.
    """

    def __init__(self, records: Iterable[RoundRecord] = ()) -> None:
        self._file = tempfile.SpooledTemporaryFile(max_size=HELD)  # noqa: SIM115 - closed with this object
        self._ends = array("Q", [0])
        weakref.finalize(self, self._file.close)
        for record in records:
            self.append(record)

    def append(self, record: RoundRecord) -> None:
        """Add the next record."""
        line = to_text(record).encode()
        self._file.seek(self._ends[-1])
        self._file.write(line)
        self._ends.append(self._ends[-1] + len(line))

    def __len__(self) -> int:
        return len(self._ends) - 1

    @overload
    def __getitem__(self, index: int) -> RoundRecord: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[RoundRecord, ...]: ...
    def __getitem__(self, index: int | slice) -> RoundRecord | tuple[RoundRecord, ...]:
        if isinstance(index, slice):
            return tuple(self[place] for place in range(*index.indices(len(self))))
        place = range(len(self))[index]
        start, end = self._ends[place], self._ends[place + 1]
        self._file.seek(start)
        return from_text(self._file.read(end - start))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[type["RoundLog"], tuple[tuple[RoundRecord, ...]]]:
        """Copies, in this process and in others, hold the same records."""
        return RoundLog, (tuple(self),)

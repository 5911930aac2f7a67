"""Any text, character by character."""

from pathlib import Path
from typing import Annotated, Literal, Self

import torch
from pydantic import Field, PositiveInt

from fedprop.data.base import Dataset, DatasetSpec, Examples
from fedprop.data.folder import dataset_folder, read_file
from fedprop.errors import InvalidConfig


class Text(DatasetSpec):
    """A file in the folder `<data_dir>/text`, cut into sequences of characters; labels are the characters that follow.

    The characters that occur are numbered in their order in Unicode. The end of the text is for testing. Karpathy's
    `tinyshakespeare.txt`, for one, holds 1.1 million characters of 65 sorts.

    Attributes
    ----------
    file : the file's name there; in UTF-8, plain or gzipped.
    length : characters in a sequence.
    characters : how many of the file are used, from its beginning; None for all.
    test_fraction : the share of the sequences that are for testing.
    """

    kind: Literal["text"] = "text"
    file: Annotated[str, Field(min_length=1)]
    length: PositiveInt = 32
    characters: PositiveInt | None = None
    test_fraction: Annotated[float, Field(ge=0.01, le=0.99)] = 0.1

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        return (cls(file="tinyshakespeare.txt"),)

    def load(self, data_dir: Path | None, seed: int) -> Dataset:
        folder = dataset_folder(self.kind, data_dir, self.file)
        text = read_file(self.kind, folder, self.file, bytes.decode)[: self.characters]
        sorts = sorted(set(text))
        ids = torch.tensor([*map({sort: place for place, sort in enumerate(sorts)}.__getitem__, text)])
        count = (len(ids) - 1) // self.length
        tests = round(self.test_fraction * count)
        if not 0 < tests < count:
            raise InvalidConfig(
                f"`length` must leave sequences to train and to test on for Text; found {count} of {self.length} "
                f"characters in {len(ids)}"
            )
        x, y = (ids[first : first + count * self.length].view(count, self.length) for first in (0, 1))
        cut = count - tests
        return Dataset(self.file, Examples(x[:cut], y[:cut]), Examples(x[cut:], y[cut:]), len(sorts), sequences=True)

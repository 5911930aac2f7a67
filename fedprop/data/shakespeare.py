"""What the characters of Shakespeare's plays say, one client for each."""

import re
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field, PositiveInt
from torch import Tensor

from fedprop.data.base import Examples
from fedprop.data.folder import dataset_folder, read_file
from fedprop.data.subsampled import Subsampled
from fedprop.errors import InvalidConfig

FILE = "tinyshakespeare.txt"

SYMBOLS = "\n !\"&'(),-.0123456789:;>?ABCDEFGHIJKLMNOPQRSTUVWXYZ[]abcdefghijklmnopqrstuvwxyz}"
"""LEAF's 80 characters, numbered in this order."""

BLANK = SYMBOLS.index(" ")


class Shakespeare(Subsampled):
    """Each speaker's speeches, cut into sequences of characters.

    The text is `<data_dir>/shakespeare/tinyshakespeare.txt`, in which speeches are headed by a line `NAME:`.

    Source: Caldas et al. 2018 (LEAF), after McMahan et al. 2017, section 3: a client is a speaking role, an example 80
    characters, its label the next one, out of 80 symbols; the first part of what a role says is for training, the last
    for testing, and none of it is in both. A role here is a name: that file does not tell plays apart, so the First
    Citizens of several plays are one. Speeches are joined by a line break, runs of blanks become one blank, and so does
    any other symbol, for which LEAF's tables have no place. `users` are numbered by name. Who says too little for one
    training sequence is left out.

    Sequences with a label at each position, for `task: next_token`, are the default: one pass teaches 80 characters.
    LEAF's own are `stride: 1, only_last: true`, for `task: classification`.

    Attributes
    ----------
    length : characters in a sequence.
    stride : how many characters further the next sequence begins.
    only_last : whether the label is the one character after a sequence; else there is one after each character.
    speakers : only these many who say most; None for all.
    test_fraction : the share of what each speaker says that is for testing.
    train_size, test_size : how many sequences to keep, drawn at random; None for all.
    """

    kind: Literal["shakespeare"] = "shakespeare"
    classes: ClassVar[int] = len(SYMBOLS)
    length: PositiveInt = 80
    stride: PositiveInt = 80
    only_last: bool = False
    speakers: PositiveInt | None = None
    test_fraction: Annotated[float, Field(ge=0.01, le=0.99)] = 0.1

    @property
    def sequences(self) -> bool:
        return not self.only_last

    def read(self, data_dir: Path | None, seed: int) -> tuple[Examples, Examples]:
        folder = dataset_folder(self.kind, data_dir, FILE)
        spoken = self._chosen(read_file(self.kind, folder, FILE, speeches))
        train = self._sequences([text[: self._cut(text)] for text in spoken])
        test = self._sequences([text[self._cut(text) :] for text in spoken])
        if not len(test):
            raise InvalidConfig(
                f"`test_fraction` must leave somebody {self.length + 1} characters to test on for Shakespeare; "
                f"found {self.test_fraction}"
            )
        return train, test

    def _cut(self, text: str) -> int:
        """How many characters of it are for training."""
        return len(text) - round(self.test_fraction * len(text))

    def _chosen(self, spoken: dict[str, str]) -> list[str]:
        """What those say, by name, who say most, and enough to train on."""
        most = sorted(spoken, key=lambda name: (-len(spoken[name]), name))[: self.speakers]
        enough = [spoken[name] for name in sorted(most) if self._cut(spoken[name]) > self.length]
        if not enough:
            raise InvalidConfig(
                f"`length` must be below what somebody says to train on for Shakespeare; found {self.length}"
            )
        return enough

    def _sequences(self, texts: list[str]) -> Examples:
        """The sequences of all texts, each text a user's."""
        cut = [_encoded(text).unfold(0, self.length + 1, self.stride) for text in texts if len(text) > self.length]
        whole = torch.cat(cut) if cut else torch.empty(0, self.length + 1, dtype=torch.int64)
        counts = [(len(text) - self.length - 1) // self.stride + 1 if len(text) > self.length else 0 for text in texts]
        users = torch.arange(len(texts)).repeat_interleave(torch.tensor(counts))
        x, y = whole[:, :-1].contiguous(), whole[:, 1:].contiguous()
        return Examples(x, y[:, -1].contiguous() if self.only_last else y, users)


def speeches(raw: bytes) -> dict[str, str]:
    r"""All that each speaker says; a speech is a line `NAME:` and the lines below it, up to an empty one.

    >>> speeches(b"A:\nOne.\nTwo.\n\nB:\nThree.\n\nA:\nFour.\n")
    {'A': 'One.\nTwo.\nFour.', 'B': 'Three.'}

    Raises
    ------
    ValueError
        If nobody says anything.
    """
    spoken: dict[str, list[str]] = {}
    for block in re.split(r"\n{2,}", raw.decode().replace("\r\n", "\n").strip()):
        header, _, said = block.partition("\n")
        if header.endswith(":") and said:
            spoken.setdefault(header.removesuffix(":"), []).append(said)
    if not spoken:
        raise ValueError("speeches below lines such as `ROMEO:` expected, found none")
    return {name: re.sub(" {2,}", " ", "\n".join(said)) for name, said in spoken.items()}


def _encoded(text: str) -> Tensor:
    place = {symbol: number for number, symbol in enumerate(SYMBOLS)}
    return torch.tensor([place.get(symbol, BLANK) for symbol in text])

"""Columns of data as Hugging Face's library `datasets` keeps them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeAlias

import torch
from pydantic import Field, model_validator

from fedprop.data import columns, tables
from fedprop.data.base import Dataset, Examples
from fedprop.data.corpus import packed
from fedprop.data.encodings import ENCODINGS, BagOfWords, Encoding
from fedprop.data.encodings.base import TokenIds
from fedprop.data.subsampled import Subsampled
from fedprop.errors import InvalidConfig
from fedprop.rng import generator

Name: TypeAlias = Annotated[str, Field(min_length=1)]


class HuggingFaceDataset(Subsampled):
    """Columns of a table in a local folder or file, chosen by name; nothing is downloaded.

    The table is a folder that `save_to_disk` wrote, a csv, json, jsonl or parquet file, or a folder of such files whose
    names begin with that of their split, as `train-00000-of-00002.parquet`. Needs the extra `datasets`.

    Inputs are a column of texts, which `encoding` turns into numbers, or columns of numbers, lists of numbers of one
    length, or pictures, scaled to [0, 1]. Labels that are names are numbered in their order; several numbers, or
    fractions, are vectors, for `task: regression` or `multi_label`.

    Attributes
    ----------
    path : the folder or the file; a relative one is looked for where the command is given.
    text : the column of texts; None where inputs are numbers.
    inputs : the columns of inputs that are no texts, one after the other; of pictures or lists, one.
    label : the column of labels; None with `next_token`.
    user : the column that says whose each example is, for partitions by user; None where none does.
    train, test : the names of the splits.
    test_fraction : the share for testing, drawn by the seed, where there is one table; None where there are splits.
    encoding : how a text becomes an input; hashed words by default.
    next_token : whether the token that follows is to be told, as for `newsgroups`.
    train_size, test_size : how many examples to keep, drawn at random; None for all.
    """

    kind: Literal["huggingface_dataset"] = "huggingface_dataset"
    path: Name
    text: Name | None = None
    inputs: tuple[Name, ...] = ()
    label: Name | None = None
    user: Name | None = None
    train: Name = "train"
    test: Name = "test"
    test_fraction: Annotated[float, Field(gt=0.0, lt=1.0)] | None = None
    encoding: Annotated[Encoding, ENCODINGS] = BagOfWords()
    next_token: bool = False

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        return (cls(path="table", text="text", label="label"), cls(path="table.csv", inputs=("a", "b"), label="y"))

    @model_validator(mode="after")
    def _columns(self) -> Self:
        if (self.text is None) == (not self.inputs):
            raise ValueError(f"give `text` or `inputs`, one of them; found {self.text!r} and {list(self.inputs)}")
        if (self.label is None) != self.next_token:
            raise ValueError(f"give `label`, or `next_token: true`; found {self.label!r} and {self.next_token}")
        if self.next_token and (self.text is None or not isinstance(self.encoding, TokenIds)):
            raise ValueError("`next_token` needs `text`, and an `encoding` of tokens, such as word_ids")
        if self.next_token and self.user is not None:
            raise ValueError(f"`user` must be left out with `next_token`, which joins all texts; found {self.user!r}")
        return self

    def load(self, data_dir: Path | None, seed: int) -> Dataset:
        """Read the columns that are named.

        Raises
        ------
        DataUnavailable
            If there is no such table, or a file of it cannot be read.
        InvalidConfig
            If the package, a column or a split is missing, or a column holds something else than it should.
        """
        parts = self._split(tables.read(self.path), seed)
        examples, answers = self._stream(parts) if self.next_token else self._examples(parts)
        train, test = (
            self._choose(field, part, size, stream)
            for field, part, size, stream in zip(
                ("train_size", "test_size"),
                examples,
                (self.train_size, self.test_size),
                self.streams(seed),
                strict=True,
            )
        )
        return Dataset(self.kind, train, test, answers, sequences=self.next_token)

    def read(self, data_dir: Path | None, seed: int) -> tuple[Examples, Examples]:
        train, test = self._examples(self._split(tables.read(self.path), seed))[0]
        return train, test

    def _split(self, found: Any, seed: int) -> tuple[Any, Any]:
        """The tables for training and for testing."""
        if isinstance(found, Mapping):
            if self.test_fraction is not None:
                rule = "`data.test_fraction` must be left out for data that come in splits"
                raise InvalidConfig(f"{rule}; found {self.test_fraction:g}")
            train = tables.named(found, self.train, "`data.train` must name a split")
            return train, tables.named(found, self.test, "`data.test` must name a split")
        if self.test_fraction is None:
            raise InvalidConfig("`data.test_fraction` must be set for data in one table, without splits; found None")
        order = torch.randperm(len(found), generator=generator(seed, "table split")).tolist()
        cut = len(order) - round(self.test_fraction * len(order))
        if not 0 < cut < len(order):
            rule = "`data.test_fraction` must leave a row to train on and one to test on"
            raise InvalidConfig(f"{rule}; found {self.test_fraction:g} of {len(order)}")
        return found.select(order[:cut]), found.select(order[cut:])

    def _stream(self, parts: tuple[Any, Any]) -> tuple[tuple[Examples, ...], int]:
        """Sequences of a stream of all texts, and how many tokens there are."""
        if not isinstance(self.encoding, TokenIds) or self.text is None:
            raise InvalidConfig(f"`next_token` needs texts and an `encoding` of tokens; found {self.encoding.kind}")
        texts = [columns.texts(part, self.text, "data.text") for part in parts]
        return tuple(packed(part, self.encoding) for part in texts), self.encoding.vocabulary

    def _examples(self, parts: tuple[Any, Any]) -> tuple[tuple[Examples, ...], int]:
        """Examples, and how many classes, or numbers in an answer, there are."""
        y, answers = columns.labels(parts, self.label or "", "data.label")
        users = [None, None] if self.user is None else columns.numbered(parts, self.user, "data.user")
        x = [self._inputs(part) for part in parts]
        return tuple(Examples(*one) for one in zip(x, y, users, strict=True)), answers

    def _inputs(self, part: Any) -> torch.Tensor:
        if self.text is not None:
            return self.encoding.encode(columns.texts(part, self.text, "data.text"))
        return columns.inputs(part, self.inputs, "data.inputs")

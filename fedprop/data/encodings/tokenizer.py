"""The tokens of a pretrained model."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import torch
from pydantic import Field, PositiveInt
from torch import Tensor

from fedprop.data.encodings.base import PADDING, TokenIds
from fedprop.errors import InvalidConfig


class Tokenizer(TokenIds):
    """The tokens of a local folder's `tokenizer.json`, as Hugging Face's tokenizers read it; 0 fills up.

    A text by itself gets the signs around it that its model expects, such as [CLS] and [SEP]; in a stream, where the
    next token is learnt, there are none. Needs the extra `huggingface`.

    Attributes
    ----------
    path : the folder.
    length : how many tokens are kept, from the beginning of a text; a shorter one is filled up with id 0.
    """

    kind: Literal["tokenizer"] = "tokenizer"
    path: Annotated[str, Field(min_length=1)]
    length: PositiveInt = 128

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        return (cls(path="model"), cls(path="model", length=32))

    @property
    def vocabulary(self) -> int:
        return int(_loaded(self.path).get_vocab_size())

    def ids(self, text: str) -> list[int]:
        return [int(token) for token in _loaded(self.path).encode(text, add_special_tokens=False).ids]

    def encode(self, texts: Sequence[str]) -> Tensor:
        tokenizer = _loaded(self.path)
        tokenizer.enable_truncation(self.length)
        try:
            told = [found.ids for found in tokenizer.encode_batch([*texts])]
        finally:
            tokenizer.no_truncation()
        return torch.tensor([[*row, *[PADDING] * (self.length - len(row))] for row in told])


@lru_cache(maxsize=4)
def _loaded(path: str) -> Any:
    file = Path(path) / "tokenizer.json"
    if not file.is_file():
        raise InvalidConfig(f"`encoding.path` must be a folder with a tokenizer.json for Tokenizer; found {path}")
    try:
        from tokenizers import Tokenizer as Fast
    except ImportError as error:
        extra = "pip install 'fedprop[huggingface]'"
        raise InvalidConfig(f"`encoding`: Tokenizer needs the package tokenizers, {extra}; found {error}") from None
    found = Fast.from_file(str(file))
    found.no_padding()
    found.no_truncation()
    return found

"""The bytes of a text."""

from typing import Literal

from pydantic import PositiveInt

from fedprop.data.encodings.base import TokenIds


class ByteIds(TokenIds):
    """A text's bytes in UTF-8, each plus 1: a vocabulary of 257 that knows any text, for language models.

    >>> ByteIds(length=4).encode(["AB"]).tolist()
    [[66, 67, 0, 0]]
    """

    kind: Literal["byte_ids"] = "byte_ids"
    length: PositiveInt = 128

    @property
    def vocabulary(self) -> int:
        return 257

    def ids(self, text: str) -> list[int]:
        return [1 + byte for byte in text.encode()]

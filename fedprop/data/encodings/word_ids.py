"""The words of a text, in their order."""

import re
from typing import Annotated, Literal

from pydantic import Field, PositiveInt

from fedprop.data.encodings.base import TokenIds


class WordIds(TokenIds):
    """Words and signs as ids 1 ... words, by their hash: two words in a vocabulary's length may share an id.

    Source: the hashing trick of Weinberger et al. 2009. A word is a run of letters and digits, in lower case.

    Attributes
    ----------
    words : how many ids there are beside padding.
    length : how many words are kept, from the beginning of a text; a shorter one is filled up with id 0.

    >>> WordIds(length=4).encode(["To be, to", "be"])[:, :2].tolist()
    [[4339, 4759], [4759, 0]]
    """

    kind: Literal["word_ids"] = "word_ids"
    words: Annotated[int, Field(ge=2)] = 8191
    length: PositiveInt = 128

    @property
    def vocabulary(self) -> int:
        return self.words + 1

    def ids(self, text: str) -> list[int]:
        from sklearn.utils import murmurhash3_32

        found = re.findall(r"\w+|[^\w\s]", text.lower())
        return [1 + int(murmurhash3_32(word, seed=0, positive=True)) % self.words for word in found]

"""How texts become numbers: one way per file."""

from fedprop.data.encodings.bag_of_words import BagOfWords
from fedprop.data.encodings.base import Encoding
from fedprop.data.encodings.byte_ids import ByteIds
from fedprop.data.encodings.tokenizer import Tokenizer
from fedprop.data.encodings.word_ids import WordIds
from fedprop.registry import Registry

ENCODINGS: Registry[Encoding] = Registry("encodings", Encoding, (BagOfWords, WordIds, ByteIds, Tokenizer))
"""Every encoding of texts by its `kind`, those of other installed packages included."""

__all__ = ["ENCODINGS", "BagOfWords", "ByteIds", "Encoding", "Tokenizer", "WordIds"]

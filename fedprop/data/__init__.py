"""Data: datasets by name, how clients share them, and how different the shares are.

A dataset is loaded once, then a partition says which examples each client owns:

>>> import torch
>>> digits = Digits().load(None, seed=0)
>>> parts = FangNonIID(p=0.5).split(digits.train.y, 10, digits.classes, torch.Generator().manual_seed(0))
>>> sum(map(len, parts)) == len(digits.train)
True

Your own data needs no class of its own: `Dataset.from_arrays` takes arrays.
"""

from fedprop.data.base import Dataset, DatasetSpec, Examples
from fedprop.data.breast_cancer import BreastCancer
from fedprop.data.cifar10 import CIFAR10
from fedprop.data.cifar100 import CIFAR100
from fedprop.data.diabetes import Diabetes
from fedprop.data.digits import Digits
from fedprop.data.emnist import EMNIST
from fedprop.data.encodings import ENCODINGS, BagOfWords, ByteIds, Encoding, Tokenizer, WordIds
from fedprop.data.femnist import FEMNIST
from fedprop.data.heterogeneity import label_counts, label_diversity, load_diversity
from fedprop.data.huggingface_dataset import HuggingFaceDataset
from fedprop.data.many_topics import ManyTopics
from fedprop.data.markov_text import MarkovText
from fedprop.data.mnist import MNIST, FashionMNIST
from fedprop.data.newsgroups import Newsgroups
from fedprop.data.partitions import (
    IID,
    NOBODY,
    Dirichlet,
    FangNonIID,
    LabelSkew,
    LargestUsers,
    PackedUsers,
    Partition,
    Sizes,
)
from fedprop.data.pubmedqa import PubMedQA
from fedprop.data.shakespeare import Shakespeare
from fedprop.data.text import Text
from fedprop.registry import Registry

DATASETS: Registry[DatasetSpec] = Registry(
    "datasets",
    DatasetSpec,
    (
        Digits,
        BreastCancer,
        Diabetes,
        ManyTopics,
        MNIST,
        FashionMNIST,
        EMNIST,
        FEMNIST,
        CIFAR10,
        CIFAR100,
        MarkovText,
        Text,
        Shakespeare,
        Newsgroups,
        PubMedQA,
        HuggingFaceDataset,
    ),
)
"""Every dataset by its `kind`, those of other installed packages included."""

PARTITIONS: Registry[Partition] = Registry(
    "partitions",
    Partition,
    (IID, FangNonIID, Dirichlet, LabelSkew, Sizes, LargestUsers, PackedUsers),
)
"""Every partition by its `kind`, those of other installed packages included."""

__all__ = [
    "CIFAR10",
    "CIFAR100",
    "DATASETS",
    "EMNIST",
    "ENCODINGS",
    "FEMNIST",
    "IID",
    "MNIST",
    "NOBODY",
    "PARTITIONS",
    "BagOfWords",
    "BreastCancer",
    "ByteIds",
    "Dataset",
    "DatasetSpec",
    "Diabetes",
    "Digits",
    "Dirichlet",
    "Encoding",
    "Examples",
    "FangNonIID",
    "FashionMNIST",
    "HuggingFaceDataset",
    "LabelSkew",
    "LargestUsers",
    "ManyTopics",
    "MarkovText",
    "Newsgroups",
    "PackedUsers",
    "Partition",
    "PubMedQA",
    "Shakespeare",
    "Sizes",
    "Text",
    "Tokenizer",
    "WordIds",
    "label_counts",
    "label_diversity",
    "load_diversity",
]

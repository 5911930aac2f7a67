"""Models by name: the ones the papers train, and small ones to start with.

>>> module = MLP(hidden=(16,)).build((1, 8, 8), 10, seed=0)
>>> sum(p.numel() for p in module.parameters())
1210

Every module answers with logits and runs under `torch.func`, so that many clients can be trained in one pass.
"""

from fedprop.models.base import ModelSpec
from fedprop.models.bi_lstm import BiLSTM
from fedprop.models.char_lstm import CharLSTM
from fedprop.models.dlg_lenet import DLGLeNet
from fedprop.models.fang_dnn import FangDNN
from fedprop.models.huggingface import HuggingFace, Lora
from fedprop.models.lenet import LeNet
from fedprop.models.logistic_regression import LogisticRegression
from fedprop.models.mcmahan_cnn import McMahanCNN
from fedprop.models.mlp import MLP
from fedprop.models.resnet18 import ResNet18
from fedprop.models.resnet20 import ResNet20
from fedprop.models.resnet56 import ResNet56
from fedprop.models.shi_cnn import ShiCNN
from fedprop.models.siren_cnn import SirenCNN
from fedprop.models.siren_dp_cnn import SirenDPCNN
from fedprop.models.window_lm import WindowLM
from fedprop.registry import Registry

MODELS: Registry[ModelSpec] = Registry(
    "models",
    ModelSpec,
    (
        LogisticRegression,
        MLP,
        FangDNN,
        ShiCNN,
        SirenCNN,
        SirenDPCNN,
        DLGLeNet,
        LeNet,
        McMahanCNN,
        ResNet18,
        ResNet20,
        ResNet56,
        WindowLM,
        CharLSTM,
        BiLSTM,
        HuggingFace,
    ),
)
"""Every model by its `kind`, those of other installed packages included."""

__all__ = [
    "MLP",
    "MODELS",
    "BiLSTM",
    "CharLSTM",
    "DLGLeNet",
    "FangDNN",
    "HuggingFace",
    "LeNet",
    "LogisticRegression",
    "Lora",
    "McMahanCNN",
    "ModelSpec",
    "ResNet18",
    "ResNet20",
    "ResNet56",
    "ShiCNN",
    "SirenCNN",
    "SirenDPCNN",
    "WindowLM",
]

import pytest

from fedprop.models import (
    MLP,
    FangDNN,
    LogisticRegression,
    McMahanCNN,
    ResNet18,
    ResNet20,
    ShiCNN,
    SirenCNN,
    SirenDPCNN,
)

SPECS = [
    LogisticRegression(),
    MLP(),
    FangDNN(),
    ShiCNN(),
    SirenCNN(conv_dropout=0, hidden_dropout=0),
    SirenDPCNN(),
    McMahanCNN(hidden=16),
    ResNet18(width=8),
    ResNet18(width=8, norm="group"),
    ResNet20(),
]


@pytest.fixture(params=SPECS, ids=lambda spec: f"{spec.kind}_{getattr(spec, 'norm', '')}".strip("_"))
def spec(request):
    return request.param

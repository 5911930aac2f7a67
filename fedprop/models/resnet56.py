"""The 56-layer residual network for small pictures."""

from typing import ClassVar, Literal

from fedprop.models.resnet20 import SmallResNet


class ResNet56(SmallResNet):
    """ResNet-56: as ResNet-20, with nine blocks in a stage.

    Source: He et al. 2016, section 4.2; in Table 5 of Han et al. 2024 (FedSecurity) for CIFAR-100.
    """

    blocks: ClassVar[int] = 9

    kind: Literal["resnet56"] = "resnet56"

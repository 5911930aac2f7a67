"""Two convolutions and two fully connected layers, as several papers have them in different sizes."""

from torch import nn

from fedprop.models.shapes import image_shape


def two_convolutions(shape: tuple[int, ...], name: str, *, size: int, hidden: int, classes: int) -> nn.Sequential:
    """Padded convolutions of `size` (odd) with 32 and 64 channels, each with ReLU and 2x2 max pooling; a hidden layer.

    Raises
    ------
    InvalidConfig
        If the shape of an input is not that of an image of at least 4x4; the model is called `name` there.
    """
    channels, height, width = image_shape(shape, name, smallest=4)
    return nn.Sequential(
        nn.Conv2d(channels, 32, size, padding=size // 2),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(32, 64, size, padding=size // 2),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(64 * (height // 4) * (width // 4), hidden),
        nn.ReLU(),
        nn.Linear(hidden, classes),
    )

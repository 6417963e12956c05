"""A VGG-19 for images of 32 × 32, without batch normalization (Simonyan and Zisserman 2015)."""

from torch import nn

WIDTHS: list[int | str] = [
    64,
    64,
    "pool",
    128,
    128,
    "pool",
    *[256] * 4,
    "pool",
    *[512] * 4,
    "pool",
    *[512] * 4,
]


def vgg19() -> nn.Sequential:
    """Return the module, as PyTorch initializes it."""
    layers: list[nn.Module] = []
    channels = 3
    for width in WIDTHS:
        if isinstance(width, str):
            layers.append(nn.MaxPool2d(2))
        else:
            layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU()]
            channels = width
    head = [nn.Linear(2048, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10)]
    return nn.Sequential(*layers, nn.Flatten(), *head)

"""Modules whose initialization is sound: of these nothing may be said."""

from math import sqrt

import models
import pieces
import schemes
import torch
from torch import Tensor, nn
from torch.nn import functional
from zoo_cases import Batch, Case, images, language, segmented, sentences, vectors


def _trunc(weight: Tensor) -> None:
    nn.init.trunc_normal_(weight, 0.0, 0.02)


def _vit() -> nn.Module:
    model = schemes.drawn(models.ViT(), _trunc)
    schemes.lecun(model.patches.weight)
    _trunc(model.token)
    _trunc(model.positions)
    return model


def _zero_last_gamma() -> nn.Module:
    model = models.resnet18()
    for layer in model.modules():
        if isinstance(layer, pieces.Residual):
            schemes.zeros(layer.branch[-1])
    return model


def _zero_head(model: nn.Sequential) -> nn.Module:
    schemes.zeros(model[-1])
    return model


def _siren() -> nn.Module:
    model = models.mlp(2, 64, 64, 64, 1, activation=pieces.Sine)
    first, *others = schemes.weighted(model)
    nn.init.uniform_(first.weight, -1 / 2, 1 / 2)
    for layer in others:
        bound = sqrt(6 / 64) / 30
        nn.init.uniform_(layer.weight, -bound, bound)
    return model


def _places() -> Batch:
    x = 2 * torch.rand(128, 2) - 1
    return Batch(x, torch.sin(3 * x[:, :1]) * x[:, 1:], functional.mse_loss)


def _autoencoder() -> nn.Module:
    return schemes.drawn(models.mlp(32, 64, 16, 64, 32), schemes.he)


def _itself() -> Batch:
    x = torch.randn(64, 32)
    return Batch(x, x, functional.mse_loss)


def _pairs() -> Batch:
    pairs = torch.randn(64, 32), torch.randn(64, 32)
    return Batch(
        pairs, torch.randint(2, (64,)).float(), functional.binary_cross_entropy_with_logits
    )


def _ratings() -> Batch:
    users, items = torch.randint(100, (64,)), torch.randn(64, 32)
    return Batch((users, items), torch.randn(64), functional.mse_loss)


def _found(said: dict[str, Tensor], seen: dict[str, Tensor]) -> Tensor:
    centre, size = said["box"]
    boxes = functional.mse_loss(torch.cat([centre, size], dim=1), seen["box"])
    return functional.cross_entropy(said["label"], seen["label"]) + boxes


def _objects() -> Batch:
    seen = {"label": torch.randint(10, (16,)), "box": torch.rand(16, 4)}
    return Batch(torch.randn(16, 3, 16, 16), seen, _found)


def _dense() -> nn.Module:
    body: list[nn.Module] = [pieces.conv(3, 16)]
    for channels in (16, 24, 32, 40):
        body += [pieces.Dense(nn.BatchNorm2d(channels), nn.ReLU(), pieces.bare(channels, 8))]
    last = (nn.BatchNorm2d(48), nn.ReLU(), pieces.Mean(2, 3), nn.Linear(48, 10))
    return schemes.drawn(nn.Sequential(*body, *last), schemes.he)


def _efficient() -> nn.Module:
    stem = (pieces.bare(3, 16), nn.BatchNorm2d(16), nn.SiLU())
    blocks = (models.inverted_block(16) for _ in range(3))
    return nn.Sequential(*stem, *blocks, pieces.Mean(2, 3), nn.Linear(16, 10))


def _convnext() -> nn.Module:
    """Return a network of Liu et al. 2022, whose branches begin at a millionth of their scale."""
    blocks = (
        pieces.Residual(
            pieces.conv(64, 64, 7, groups=64), nn.GroupNorm(1, 64),
            pieces.conv(64, 256, 1), nn.GELU(), pieces.conv(256, 64, 1), pieces.Scale(64),
        )
        for _ in range(3)
    )  # fmt: skip
    model = nn.Sequential(nn.Conv2d(3, 64, 4, 4), *blocks, pieces.Mean(2, 3), nn.LayerNorm(64))
    return schemes.drawn(nn.Sequential(model, nn.Linear(64, 10)), _trunc)


def _gated() -> nn.Module:
    blocks = (
        nn.Sequential(
            pieces.Residual(nn.RMSNorm(128), pieces.Attention(128, causal=True)),
            pieces.Residual(nn.RMSNorm(128), pieces.Gated(128, 256)),
        )
        for _ in range(3)
    )
    body = (nn.Embedding(50, 128), *blocks, nn.RMSNorm(128), nn.Linear(128, 50))
    return schemes.drawn(nn.Sequential(*body), schemes.normal(0.02))


def _fixup() -> nn.Module:
    blocks = (models.FixupBlock(16, 8) for _ in range(8))
    stem = pieces.conv(3, 16)
    schemes.he(stem.weight)
    return _zero_head(nn.Sequential(stem, nn.ReLU(), *blocks, pieces.Mean(2, 3), nn.Linear(16, 10)))


def _partly_frozen() -> nn.Module:
    model = schemes.drawn(models.bag(), schemes.he)
    model[1].requires_grad_(False)
    return model


def _low_rank() -> nn.Module:
    body = [nn.Sequential(models.LowRank(nn.Linear(32, 32)), nn.ReLU()) for _ in range(3)]
    return nn.Sequential(*body, nn.Linear(32, 10))


def _bags() -> Batch:
    return Batch(torch.randint(50, (64, 8)), torch.randint(10, (64,)), functional.cross_entropy)


def _generator() -> nn.Module:
    """Return a generator of images, initialized as Radford et al. 2016 do."""
    body = (
        nn.ConvTranspose2d(32, 64, 4), nn.BatchNorm2d(64), nn.ReLU(),
        nn.ConvTranspose2d(64, 32, 4, 2, 1), nn.BatchNorm2d(32), nn.ReLU(),
        nn.ConvTranspose2d(32, 3, 4, 2, 1), nn.Tanh(),
    )  # fmt: skip
    return schemes.drawn(nn.Sequential(*body), schemes.normal(0.02))


def _pictures() -> Batch:
    return Batch(torch.randn(16, 32, 1, 1), torch.rand(16, 3, 16, 16), functional.mse_loss)


def _signals() -> Batch:
    return Batch(torch.randn(16, 4, 32), torch.randint(10, (16,)), functional.cross_entropy)


def _volumes() -> Batch:
    return Batch(torch.randn(8, 1, 8, 8, 8), torch.randint(10, (8,)), functional.cross_entropy)


def _conv1d() -> nn.Module:
    layers = [nn.Conv1d(4, 32, 5), nn.GELU(), nn.Conv1d(32, 32, 5, groups=4), nn.GELU()]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(32, 10))


def _conv3d() -> nn.Module:
    layers = [nn.Conv3d(1, 16, 3), nn.LeakyReLU(), nn.Conv3d(16, 32, 3), nn.LeakyReLU()]
    model = nn.Sequential(*layers, nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(32, 10))
    return schemes.drawn(model, schemes.he)


def _brief() -> nn.Module:
    return schemes.drawn(models.deep(3), schemes.he).bfloat16()


def _brief_vectors() -> Batch:
    batch = vectors()
    return batch._replace(inputs=batch.inputs.bfloat16())


def _two_precisions() -> nn.Module:
    single, double = models.mlp(32, 64, 64), models.mlp(64, 64, 10).double()
    return schemes.drawn(nn.Sequential(single, nn.ReLU(), pieces.Double(), double), schemes.he)


def _wrapped() -> nn.Module:
    return nn.DataParallel(schemes.drawn(models.deep(3), schemes.he))


def _compiled() -> nn.Module:
    return torch.compile(schemes.drawn(models.deep(3), schemes.he), backend="eager")  # type: ignore[return-value]


HEALTHY: tuple[Case, ...] = (
    Case("thirty ReLU layers, He", lambda: schemes.drawn(models.deep(30), schemes.he), vectors),
    Case("small MLP, PyTorch's default", lambda: models.deep(2), vectors),
    Case("small CNN, PyTorch's default", models.cnn, images),
    Case("softmax regression from zeros", lambda: _zero_head(models.mlp(32, 10)), vectors),
    Case(
        "zeros in the head only",
        lambda: _zero_head(schemes.drawn(models.deep(3), schemes.he)),
        vectors,
    ),
    Case("ResNet-18", models.resnet18, images),
    Case("ResNet-18, last scale of each block 0", _zero_last_gamma, images),
    Case("ViT", _vit, images),
    Case("GPT-2", models.gpt2, language),
    Case("nn.TransformerEncoder", models.Encoder, sentences),
    Case("LSTM language model", lambda: models.Recurrent(nn.LSTM), language),
    Case("GRU classifier", lambda: models.Recurrent(nn.GRU, 10, every=False), sentences),
    Case("U-Net", lambda: schemes.drawn(models.UNet(), schemes.he), segmented),
    Case("MLP-Mixer", models.mixer, images),
    Case(
        "VGG, He",
        lambda: schemes.drawn(models.convs(3, 16, 16, 32, 32, 64, 64, pool=2), schemes.he),
        images,
    ),
    Case(
        "ten SELU layers, LeCun",
        lambda: schemes.drawn(models.deep(10, nn.SELU), schemes.lecun),
        vectors,
    ),
    Case(
        "five tanh layers, Xavier",
        lambda: schemes.drawn(models.deep(5, nn.Tanh), nn.init.xavier_normal_),
        vectors,
    ),
    Case("SIREN", _siren, _places),
    Case("autoencoder", _autoencoder, _itself),
    Case("two towers", models.TwoTowers, _ratings),
    Case("nested outputs, one head not used", models.Detector, _objects),
    Case("EfficientNet", _efficient, images),
    Case("ConvNeXt", _convnext, images),
    Case("gated language model", _gated, language),
    Case("DenseNet", _dense, images),
    Case("siamese", models.Siamese, _pairs),
    Case("compiled", _compiled, vectors),
    Case("wrapped", _wrapped, vectors),
    Case("Fixup", _fixup, images),
    Case("bfloat16", _brief, _brief_vectors),
    Case("single and double precision", _two_precisions, vectors),
    Case("EmbeddingBag and a frozen layer", _partly_frozen, _bags),
    Case("low-rank adapters at zero", _low_rank, vectors),
    Case("generator", _generator, _pictures),
    Case("grouped 1d convolutions", _conv1d, _signals),
    Case("3d convolutions", _conv3d, _volumes),
)

"""GHN-3's decoder: a node embedding -> one whole block [max_out, max_in, H, W], cropped and tiled to size.

Dimensions in names: G nodes decoded together, C = hid, P positions of a kernel, O, I, H, W = max_shape, S the
larger of O and I, K classes.
Source: Knyazev et al., "Can We Scale Transformers to Predict Parameters of Diverse ImageNet Models?"
(arXiv 2303.04143), section 3.3, and `ConvDecoder3` in its authors' code.
"""

from __future__ import annotations

from torch import Tensor, nn

from logah.hypernet.config import HypernetConfig
from logah.hypernet.tiling import tile


class DenseDecoder(nn.Module):
    """Node embeddings -> blocks of parameters.

    `fc` gives every position of the largest kernel 4C features, `conv` (two 1 x 1 convolutions) turns each into the
    O x I weights of that position. The other blocks come from `decoder_1d` (norm weights and biases), `bias_class`
    (the class head's bias, from what `decoder_1d` makes) and `class_layer_predictor` (the class head's weight, from
    the centre position).
    """

    def __init__(self, config: HypernetConfig) -> None:
        super().__init__()
        hid = config.hid
        self.max_shape = config.max_shape
        out_max, in_max, height, width = config.max_shape
        largest = max(out_max, in_max)
        self.fc = nn.Sequential(nn.Linear(hid, 4 * hid * height * width), nn.ReLU())
        self.conv = nn.Sequential(nn.Linear(4 * hid, 8 * hid), nn.ReLU(), nn.Linear(8 * hid, out_max * in_max))
        self.class_layer_predictor = nn.Sequential(nn.ReLU(), nn.Linear(out_max, config.num_classes))
        self.decoder_1d = nn.Sequential(nn.Linear(hid, 2 * hid), nn.ReLU(), nn.Linear(2 * hid, 2 * largest))
        self.bias_class = nn.Sequential(nn.ReLU(), nn.Linear(largest, config.num_classes))

    def forward(self, embedding_GC: Tensor, out_count: int, in_count: int, height: int, width: int) -> Tensor:
        """The block before tiling: [G, min(out, O), min(in, I), height, width].

        A kernel no larger than H x W is the centre of the largest one; a larger one is interpolated from it.
        """
        out_max, in_max, height_max, width_max = self.max_shape
        rows = _centre(height_max, height)
        columns = _centre(width_max, width)
        features = self.fc(embedding_GC).unflatten(1, (-1, height_max, width_max))[:, :, rows, columns]
        o, i = min(out_count, out_max), min(in_count, in_max)
        last = self.conv[2]
        assert isinstance(last, nn.Linear)
        weight = last.weight.unflatten(0, (out_max, in_max))[:o, :i].flatten(0, 1)
        bias = last.bias.unflatten(0, (out_max, in_max))[:o, :i].flatten()
        weights_GHWOI = nn.functional.linear(self.conv[:2](features.permute(0, 2, 3, 1)), weight, bias)
        kernel = weights_GHWOI.permute(0, 3, 1, 2)
        if height > height_max or width > width_max:
            kernel = nn.functional.interpolate(kernel, (height, width), mode="bilinear")
        return kernel.unflatten(1, (o, i))

    def vector(self, embedding_GC: Tensor, length: int, row: int, *, classifier: bool) -> Tensor:
        """A 1-D block [G, length]; `row` 0 is a norm layer's weight, 1 a bias."""
        pair_G2S = self.decoder_1d(embedding_GC).unflatten(1, (2, -1))
        pair = self.bias_class(pair_G2S) if classifier else pair_G2S
        return tile(pair[:, row], 1, length)

    def matrix(self, embedding_GC: Tensor, out_count: int, in_count: int, *, classifier: bool) -> Tensor:
        """A 2-D block [G, out, in]: the centre of the kernel, or the class head made of all its output channels."""
        if classifier:
            centre_GOI = self(embedding_GC, self.max_shape[0], in_count, 1, 1)[..., 0, 0]
            weight = self.class_layer_predictor(centre_GOI.transpose(1, 2)).transpose(1, 2)
        else:
            weight = self(embedding_GC, out_count, in_count, 1, 1)[..., 0, 0]
        return tile(tile(weight, 1, out_count), 2, in_count)

    def kernel(self, embedding_GC: Tensor, out_count: int, in_count: int, height: int, width: int) -> Tensor:
        """A 4-D block [G, out, in, height, width]."""
        kernel = self(embedding_GC, out_count, in_count, height, width)
        return tile(tile(kernel, 1, out_count), 2, in_count)

    def positions(self, embedding_GC: Tensor, channels: int, side: int) -> Tensor:
        """A square of position embeddings [G, 1, channels, side, side]."""
        return self.kernel(embedding_GC, 1, channels, side, side)


def _centre(largest: int, size: int) -> slice:
    """The positions of a kernel of `size` in the middle of one of `largest`."""
    start = max(0, largest // 2 - size // 2)
    return slice(start, min(largest, start + size))

"""The table of sights: how each function that makes a layer is seen, by its name in PyTorch.

A further kind of layer is a further entry, from here or from outside.
"""

from goodinit.torch.inspecting.attention import see_attention, see_multi_head, see_softmax
from goodinit.torch.inspecting.functions import (
    ACTIVATIONS,
    ADDED_PRODUCTS,
    CONVOLUTIONS,
    EMBEDDINGS,
    NORMS,
    PRODUCTS,
    SOFTMAXES,
    SUMS_OF_PRODUCTS,
    TRANSPOSED,
)
from goodinit.torch.inspecting.layers import (
    see_activation,
    see_embedding,
    see_layer,
    see_norm,
    see_product,
    see_sum_of_products,
)
from goodinit.torch.inspecting.recurrent import CELLS, LAYERS, see_recurrent
from goodinit.torch.inspecting.sight import Sight

SIGHTS: dict[str, Sight] = {
    **dict.fromkeys({"linear", *CONVOLUTIONS, *TRANSPOSED}, see_layer),
    **dict.fromkeys(PRODUCTS | ADDED_PRODUCTS, see_product),
    **dict.fromkeys(SUMS_OF_PRODUCTS, see_sum_of_products),
    **dict.fromkeys(EMBEDDINGS, see_embedding),
    **dict.fromkeys(NORMS, see_norm),
    **dict.fromkeys(ACTIVATIONS, see_activation),
    **dict.fromkeys({*LAYERS, *CELLS}, see_recurrent),
    **dict.fromkeys(SOFTMAXES, see_softmax),
    "scaled_dot_product_attention": see_attention,
    "multi_head_attention_forward": see_multi_head,
}

"""Published architectures of ``transformers``, built small from their configurations: healthy ones.

Nothing is downloaded: the weights are those that each model draws for itself. The few whose own
draw is at fault are left out: CPM-Ant's has a standard deviation of 1, MobileViT draws the scales
of its batch normalizations from N(0, 0.02²).
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
import transformers
from torch import Tensor, nn
from torch.nn import functional
from transformers.models.auto.configuration_auto import CONFIG_MAPPING
from zoo_cases import Batch, Case

transformers.logging.set_verbosity_error()  # type: ignore[no-untyped-call]

_WORDS, _CLASSES = 200, 10
# Whatever a configuration calls its sizes; those that it doesn't know are left out.
_SIZES: dict[str, Any] = {
    "vocab_size": _WORDS, "num_labels": _CLASSES, "type_vocab_size": 2, "use_cache": False,
    "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2, "max_position_embeddings": 128,
    **dict.fromkeys(("hidden_size", "d_model", "n_embd", "dim", "d_embed", "embedding_size"), 64),
    **dict.fromkeys(("num_hidden_layers", "n_layer", "n_layers", "num_layers"), 3),
    **dict.fromkeys(("encoder_layers", "decoder_layers", "num_decoder_layers"), 2),
    **dict.fromkeys(("num_attention_heads", "n_head", "n_heads", "num_heads"), 4),
    **dict.fromkeys(("encoder_attention_heads", "decoder_attention_heads"), 4),
    **dict.fromkeys(("intermediate_size", "encoder_ffn_dim", "decoder_ffn_dim", "d_ff"), 128),
    **dict.fromkeys(("num_local_experts", "num_experts", "n_routed_experts"), 4),
    **dict.fromkeys(("d_kv", "head_dim", "kv_lora_rank", "q_lora_rank", "v_head_dim"), 16),
    **dict.fromkeys(("qk_rope_head_dim", "qk_nope_head_dim", "rotary_dim", "state_size"), 8),
    **dict.fromkeys(("n_group", "topk_group", "first_k_dense_replace"), 1),
    "hidden_dim": 128, "n_positions": 128, "image_size": 64, "num_key_value_heads": 2,
    "moe_intermediate_size": 32, "num_experts_per_tok": 2, "sliding_window": 32,
}  # fmt: skip


class _Task(NamedTuple):
    """How a model is asked: the end of its class's name, and what it is given."""

    classes: str
    batch: Callable[[], Batch]


def _of_words(out: Any, words: Tensor) -> Tensor:
    return functional.cross_entropy(out["logits"].flatten(0, 1), words.flatten())


def _of_classes(out: Any, classes: Tensor) -> Tensor:
    return functional.cross_entropy(out["logits"], classes)


def _words(places: int = 32) -> Tensor:
    return torch.randint(3, _WORDS, (4, places))


def _text() -> Batch:
    return Batch({"input_ids": _words()}, _words(), _of_words)


def _long_text() -> Batch:
    return Batch({"input_ids": _words(256)}, _words(256), _of_words)


def _text_twice() -> Batch:
    asked = {"input_ids": _words(16), "decoder_input_ids": _words(16)}
    return Batch(asked, _words(16), _of_words)


def _text_of_a_class() -> Batch:
    return Batch({"input_ids": _words()}, torch.randint(_CLASSES, (8,))[:4], _of_classes)


def _photos(side: int = 64) -> Batch:
    pixels = {"pixel_values": torch.randn(4, 3, side, side)}
    return Batch(pixels, torch.randint(_CLASSES, (4,)), _of_classes)


_CAUSAL = _Task("MODEL_FOR_CAUSAL_LM_MAPPING_NAMES", _text)
_MASKED = _Task("MODEL_FOR_MASKED_LM_MAPPING_NAMES", _text)
_TWICE = _Task("MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES", _text_twice)
_CLASSIFIED = _Task("MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES", _text_of_a_class)
_IMAGES = _Task("MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING_NAMES", _photos)

_KINDS: dict[_Task, str] = {
    _CAUSAL: """
        apertus arcee bart biogpt bloom codegen cohere cohere2 deepseek_v2 diffllama ernie4_5
        exaone4 falcon_mamba gemma gemma2 gemma3_text glm glm4 gpt2 gpt_bigcode gpt_neox gpt_oss
        gptj granite granitemoe helium jamba jetmoe lfm2 llama llama4_text mamba minicpm3 minimax
        ministral mistral mixtral moshi mpt nemotron olmo olmo2 olmo_hybrid olmoe openai-gpt
        persimmon phi phi3 phimoe qwen2 qwen3 qwen3_moe qwen3_next recurrent_gemma rwkv smollm3
        stablelm starcoder2 whisper xglm
    """,
    _MASKED: """
        albert bert big_bird camembert convbert deberta deberta-v2 distilbert electra esm flaubert
        fnet longformer megatron-bert mobilebert modernbert mpnet mra nystromformer rembert roberta
        roberta-prelayernorm roformer squeezebert tapas xlm yoso
    """,
    _TWICE: """
        blenderbot longt5 m2m_100 marian mbart mvp pegasus pegasus_x plbart t5 umt5
    """,
    _CLASSIFIED: """
        albert bert big_bird convbert deberta distilbert electra fnet gpt2 nystromformer roberta
        squeezebert tapas yoso
    """,
    _IMAGES: "beit data2vec-vision deit dinov2 ijepa vit vit_msn",
}
_STAGES = {"depths": [1, 1, 2, 1]}
_OTHERS: dict[tuple[_Task, str], dict[str, Any]] = {
    (_IMAGES, "convnext"): {**_STAGES, "hidden_sizes": [16, 32, 64, 128]},
    (_IMAGES, "convnextv2"): {**_STAGES, "hidden_sizes": [16, 32, 64, 128]},
    (_IMAGES, "focalnet"): {**_STAGES, "embed_dim": 32},
    (_IMAGES, "poolformer"): {**_STAGES, "hidden_sizes": [16, 32, 64, 128]},
    (_IMAGES, "regnet"): {**_STAGES, "hidden_sizes": [32, 32, 64, 64], "groups_width": 16},
    (_IMAGES, "resnet"): {**_STAGES, "hidden_sizes": [32, 64, 64, 128], "layer_type": "basic"},
    (_IMAGES, "segformer"): {**_STAGES, "hidden_sizes": [16, 32, 64, 64],
                             "num_attention_heads": [1, 2, 4, 4]},
    (_IMAGES, "swin"): {"embed_dim": 32, "depths": [1, 2], "num_heads": [2, 4], "window_size": 4},
    (_IMAGES, "swinv2"): {"embed_dim": 32, "depths": [1, 2], "num_heads": [2, 4],
                          "window_size": 4},
    (_IMAGES, "pvt_v2"): {**_STAGES, "hidden_sizes": [16, 32, 64, 64],
                          "num_attention_heads": [1, 2, 4, 4]},
    (_IMAGES, "mobilenet_v1"): {"depth_multiplier": 0.25},
    (_IMAGES, "mobilenet_v2"): {"depth_multiplier": 0.25},
    (_IMAGES, "bit"): {**_STAGES, "hidden_sizes": [32, 64, 64, 128], "embedding_size": 32,
                       "num_groups": 8},
}  # fmt: skip
_LARGE: dict[tuple[_Task, str], dict[str, Any]] = {
    (_MASKED._replace(batch=_long_text), "bert"): {
        "hidden_size": 256, "intermediate_size": 1024, "max_position_embeddings": 512,
    },
    (_CAUSAL._replace(batch=_long_text), "gpt2"): {
        "hidden_size": 256, "num_hidden_layers": 12, "max_position_embeddings": 512,
        "n_embd": 256, "n_layer": 12, "n_positions": 512,
    },
    (_CAUSAL, "llama"): {"hidden_size": 512, "intermediate_size": 1024, "num_hidden_layers": 16},
    (_IMAGES._replace(batch=lambda: _photos(224)), "vit"): {
        "hidden_size": 192, "intermediate_size": 768, "num_hidden_layers": 12, "image_size": 224,
    },
}  # fmt: skip


def _case(task: _Task, kind: str, sizes: dict[str, Any]) -> Case:
    end = task.classes.removeprefix("MODEL_FOR_").removesuffix("_MAPPING_NAMES").lower()
    return Case(f"{kind}, {end}", lambda: _build(task.classes, kind, sizes), task.batch)


def _build(classes: str, kind: str, sizes: dict[str, Any]) -> nn.Module:
    names = getattr(transformers.models.auto.modeling_auto, classes)[kind]
    name = names if isinstance(names, str) else names[0]
    known = CONFIG_MAPPING[kind]()
    given = {"num_labels": _CLASSES} if "depths" in sizes else _SIZES  # sizes of stages are lists
    small = {key: number for key, number in given.items() if hasattr(known, key)}
    model: nn.Module = getattr(transformers, name)(type(known)(**{**small, **sizes}))
    return model


PUBLISHED = (
    *(_case(task, kind, {}) for task, kinds in _KINDS.items() for kind in kinds.split()),
    *(_case(task, kind, sizes) for (task, kind), sizes in _OTHERS.items()),
)
LARGE_PUBLISHED = tuple(_case(task, kind, sizes) for (task, kind), sizes in _LARGE.items())

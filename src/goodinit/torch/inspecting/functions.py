"""What each of PyTorch's functions does to a signal, by name; in place or not, by hand or not."""


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Elementwise, with a slope of their own.
ACTIVATIONS = _names("""
    relu relu_ leaky_relu leaky_relu_ prelu rrelu rrelu_ elu elu_ selu selu_ celu celu_ gelu silu
    mish softplus tanh tanh_ sigmoid sigmoid_ hardtanh hardtanh_ relu6 hardswish hardsigmoid
    softsign tanhshrink softshrink hardshrink logsigmoid threshold threshold_ sin sin_
""")
# After these it no longer shows how large their input was.
BOUNDED = _names("tanh sigmoid hardtanh relu6 hardsigmoid softsign sin")
# What these say is a size, as of a step: where it is small it still changes by its own part.
SIZES = _names("softplus")
# And after these it is but a weight for something else.
GATES = _names("sigmoid hardsigmoid")
CONVOLUTIONS = _names("conv1d conv2d conv3d")
TRANSPOSED = _names("conv_transpose1d conv_transpose2d conv_transpose3d")
PRODUCTS = _names("matmul __matmul__ mm bmm")
ADDED_PRODUCTS = _names("addmm baddbmm")  # what is added comes first
SUMS_OF_PRODUCTS = _names("einsum bilinear")
EMBEDDINGS = _names("embedding embedding_bag")
# Normalisations, and where their weight stands among the arguments.
NORMS = {
    "batch_norm": 3,
    "instance_norm": 3,
    "layer_norm": 2,
    "rms_norm": 2,
    "group_norm": 2,
    "normalize": -1,
}
OVER_LAST_AXIS = _names("layer_norm rms_norm normalize")
SOFTMAXES = _names("softmax log_softmax")
# Where ways meet.
SUMS = _names("add add_ __add__ __radd__ __iadd__ sub sub_ __sub__ __rsub__ __isub__ rsub")
JOINS = SUMS | _names("cat concat concatenate stack hstack vstack where maximum lerp")
FACTORS = _names("mul mul_ multiply __mul__ __rmul__ __imul__ div div_ __truediv__")
# These have a slope of zero wherever they have one.
STEPS = _names("round round_ floor floor_ ceil ceil_ trunc trunc_ sign sign_ heaviside")
# These choose among several, as a router does whom to ask.
ROUTES = _names("topk argmax max sort")
# These say what their first argument does: the others give a form, or a type, alone.
OF_THE_FIRST = _names("type_as expand_as view_as reshape_as to masked_fill masked_fill_")
# And these say nothing of their argument but its form.
FORMS = _names("""
    zeros_like ones_like full_like empty_like rand_like randn_like new_zeros new_ones new_full
    new_empty new_tensor
""")
# What says how large something is.
SCALES = _names("rsqrt std var norm vector_norm")
# What leaves a layer's output the same, but for its shape, or the mean over places.
SHAPES = _names("""
    view reshape flatten unflatten transpose permute movedim swapaxes contiguous squeeze unsqueeze
    expand dropout dropout1d dropout2d dropout3d alpha_dropout feature_dropout to float half double
    bfloat16 clone identity __getitem__ chunk split unbind __get__ mean sum adaptive_avg_pool1d
    adaptive_avg_pool2d adaptive_avg_pool3d avg_pool1d avg_pool2d avg_pool3d max_pool1d max_pool2d
    max_pool3d _max_pool1d _max_pool2d _max_pool3d
""")
# What is read of a tensor by these goes on as numbers without a slope.
READS = _names("""
    item tolist numpy __array__ __float__ __int__ __index__ __bool__
""")

"""Initializations of one PyTorch module, compared.

- ``inputs``: what a module is given of each example
- ``engines``: one module or several at once, through ``torch.func``
- ``scoring``: costs and accuracies of a module's outputs
- ``budget``: how many examples are measured
- ``curvature``: how sharply a module's cost bends; the cost of chance
- ``training``: how a batch of modules is trained
- ``study``: the grid of trials, and how each is made and measured
- ``comparing``: ``compare``
"""

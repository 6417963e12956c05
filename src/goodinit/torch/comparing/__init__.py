"""Initializations of one PyTorch module, compared.

- ``inputs``: what a module is given of each example
- ``engines``: one module or several at once, through ``torch.func``
- ``scoring``: costs and accuracies of a module's outputs
- ``budget``: how many examples are measured
- ``curvature``: how sharply a module's cost bends; the cost of chance
- ``examples``: what is trained, tested and chosen by
- ``training``: how a batch of modules is trained
- ``stability``: how near its steps come to overshooting
- ``study``: the grid of trials, and how each is made and measured
- ``comparing``: ``compare``
"""

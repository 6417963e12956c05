"""Pictures; each function returns a Matplotlib figure.

- ``looks``: one colour and line for each initializer, in every picture
- ``results``: data, costs, accuracies, decision boundaries
- ``evidence``: signals by layer, learning rates
- ``maps``: what became of a grid of networks
"""

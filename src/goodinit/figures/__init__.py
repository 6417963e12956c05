"""Pictures; each function returns a Matplotlib figure.

- ``sizes``: how large pictures are, on a screen and on paper
- ``layout``: where panels stand, and what is written around them
- ``looks``: one colour and line for each initializer, in every picture
- ``results``: data, costs, decision boundaries
- ``seeds``: the accuracy of every seed
- ``evidence``: signals by layer, learning rates
- ``maps``: what became of a grid of networks
- ``writing``: how pictures become files
"""

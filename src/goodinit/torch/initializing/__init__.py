"""How a PyTorch module is initialized.

- ``fans``: each parameter, its role and its true fans
- ``schemes``: what may be asked for, and what it draws
- ``data_driven``: scaling layer by layer on real inputs, as LSUV
- ``steps``: what a module does, step by step
- ``structure``: where each layer stands: in a branch, before which activation, at the end
- ``auto``: a choice for each parameter by its place
- ``initialization``: ``initialize``
"""

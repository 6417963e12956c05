"""How a PyTorch module is initialized.

- ``uses``: how weights meet their input, as a call of a function shows it
- ``fans``: each parameter, its role and its true fans
- ``schemes``: what may be asked for, and what it draws
- ``data_driven``: scaling layer by layer on real inputs, as LSUV
- ``replaying``: a step done once more, to numbers that stand in for its inputs
- ``steps``: what a module does, step by step
- ``reading``: how large what each layer reads is, told without data
- ``structure``: where each layer stands: in a branch, before which activation, at the end
- ``auto``: a choice for each parameter by its place
- ``presets``: how other libraries, and some fields, draw a module
- ``prior``: last biases from targets
- ``initialization``: ``initialize``
"""

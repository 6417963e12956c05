"""Callbacks of others' trainers, which inspect a module before its first step.

- ``telling``: what becomes of a report
- ``lightning``: of PyTorch Lightning
- ``transformers``: of the trainer of Hugging Face

Each imports its library; none is imported here.
"""

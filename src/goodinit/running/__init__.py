"""What was asked for is trained, and kept as it comes.

- ``batches``: how trials are spread over processors and executors
- ``cluster``: a Dask cluster as an executor
- ``pace``: how far a study is, and how long it takes
- ``compare``: the comparison that was asked for
- ``loading``: one that was kept
- ``mapping``: a grid of small comparisons along two axes
"""

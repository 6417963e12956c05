"""The door to ``goodinit.running.cluster``, which needs the extra ``dask``."""

from goodinit.running.cluster import Cluster

__all__ = ["Cluster"]

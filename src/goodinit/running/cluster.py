"""A Dask cluster as the executor of a study."""

import ctypes
import logging
import os
import sys
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any

from goodinit.errors import StudyStoppedError, bad_argument
from goodinit.store.folder import versions

_TRIM_THRESHOLD = -1  # as malloc.h calls it: free memory above this goes back to the system
_KEPT = 2**28  # bytes
_SECONDS = 10  # that a scheduler has to answer
_SAY_IT_AGAIN = (
    *(f"distributed.{part}" for part in ("batched", "client", "comm", "core")),
    "tornado.application",
)


class Cluster(Executor):
    """The workers of a Dask cluster; give it to ``goodinit.compare`` as ``executor``.

    A study's data are sent once. A worker that dies costs the batch that it was at, which another
    one repeats. Waits for the first worker. Close it by ``shutdown``, or use it in a ``with``.

    Parameters
    ----------
    scheduler : str
        Its address, such as ``"tcp://host:8786"``.

    Raises
    ------
    ArgumentError
        Where no scheduler answers there, the ``dask`` extra isn't installed, or a worker has other
        versions than this process of what the numbers come from.
    """

    def __init__(self, scheduler: str) -> None:
        try:
            from distributed import Client
            from distributed.comm.addressing import get_address_host_port
        except ModuleNotFoundError:
            takes = "Dask to be installed: pip install 'goodinit[dask]'"
            raise bad_argument("scheduler", scheduler, takes) from None
        # That a scheduler is lost is said once, by us, and not by its client in forty lines.
        self._loggers = [logging.getLogger(name) for name in _SAY_IT_AGAIN]
        self._levels = [logger.level for logger in self._loggers]
        for logger in self._loggers:
            logger.setLevel(logging.CRITICAL + 1)
        try:
            get_address_host_port(scheduler)  # a client that began with nonsense cannot be closed
            self._client = Client(scheduler, timeout=_SECONDS, set_as_default=False)
        except (OSError, ValueError) as error:
            self._restore_loggers()
            takes = f"the address of a Dask scheduler that answers ({type(error).__name__})"
            raise bad_argument("scheduler", scheduler, takes) from None
        self._executor = self._client.get_executor(pure=False)
        self._sent: dict[int, tuple[Any, Any]] = {}
        try:
            self._client.wait_for_workers(1)
            self._check_versions(scheduler)
            self._client.run(keep_memory)
        except BaseException:
            self.shutdown()
            raise

    @property
    def _max_workers(self) -> int:
        """How many batches run at once at the moment; other executors have it under this name."""
        return max(1, sum(int(threads) for threads in self._client.nthreads().values()))

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        """Have a worker call a function; a study among its arguments is sent but once."""
        if self._client.status != "running":
            raise StudyStoppedError("scheduler: the connection is lost")
        sent = [self._share(arg) if _is_study(arg) else arg for arg in args]
        future: Future[Any] = self._executor.submit(fn, *sent, **kwargs)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Part from the cluster, which goes on."""
        self._executor.shutdown(wait=False)
        self._client.close(timeout=1)
        self._restore_loggers()

    def _share(self, study: Any) -> Any:
        if id(study) not in self._sent:
            (remote,) = self._client.scatter([study], broadcast=True, hash=False)
            self._sent = {id(study): (study, remote)}
        return self._sent[id(study)][1]

    def _check_versions(self, scheduler: str) -> None:
        ours = versions()
        try:
            theirs = self._client.run(versions)
        except Exception as error:  # as many kinds as there are ways to lack a package
            takes = f"workers on which goodinit is installed ({type(error).__name__}: {error})"
            raise bad_argument("scheduler", scheduler, takes) from None
        for worker, of in theirs.items():
            if of != ours:
                found = ", ".join(
                    f"{name} {of.get(name)}" for name in ours if of.get(name) != ours[name]
                )
                wanted = ", ".join(
                    f"{name} {ours[name]}" for name in ours if of.get(name) != ours[name]
                )
                raise bad_argument("scheduler", f"{worker} with {found}", f"workers with {wanted}")

    def _restore_loggers(self) -> None:
        for logger, level in zip(self._loggers, self._levels, strict=True):
            logger.setLevel(level)


def keep_memory() -> None:
    """Have a worker keep the memory that it frees, where Dask told it to give all back at once.

    Dask starts its workers with a threshold of 64 kB for that, at which every array of a batch is
    mapped anew, page by page: batches take three times as long.
    """
    if sys.platform == "linux" and "MALLOC_TRIM_THRESHOLD_" in os.environ:
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
        if mallopt is not None:
            mallopt(_TRIM_THRESHOLD, _KEPT)


def _is_study(value: Any) -> bool:
    return hasattr(value, "largest_weights")  # a network's or a module's; see ``AnyStudy``

"""BLAS on one thread: on several, the last bits of a product depend on how many there are."""

from threading import Lock

from threadpoolctl import threadpool_limits


class _OneThread:
    """A context that may be entered by several threads at once; the last to leave lifts it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._inside = 0

    def __enter__(self) -> None:
        with self._lock:
            if self._inside == 0:
                self._limits = threadpool_limits(1, user_api="blas")
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                self._limits.restore_original_limits()


one_blas_thread = _OneThread()

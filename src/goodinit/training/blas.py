"""BLAS on one thread: on several, the last bits of a product depend on how many there are."""

import sys
from threading import Lock

from threadpoolctl import ThreadpoolController


class _OneThread:
    """A context that may be entered by several threads at once; the last to leave lifts it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._inside = 0
        self._modules = 0
        self._found: ThreadpoolController

    def __enter__(self) -> None:
        with self._lock:
            if self._inside == 0:
                self._limits = self._libraries().limit(limits=1, user_api="blas")
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                self._limits.restore_original_limits()

    def _libraries(self) -> ThreadpoolController:
        """Return the libraries that are loaded, looked for anew once more modules are imported.

        To look for them takes milliseconds: every file that is mapped into memory is read.
        """
        if len(sys.modules) != self._modules:
            self._modules, self._found = len(sys.modules), ThreadpoolController()
        return self._found


one_blas_thread = _OneThread()

"""BLAS on one thread, and back."""

import sys
from types import ModuleType

import numpy as np
import pytest
import threadpoolctl

from goodinit.training import blas


def threads() -> set[int]:
    info = threadpoolctl.threadpool_info()
    return {one["num_threads"] for one in info if one["user_api"] == "blas"}


def test_blas_has_one_thread_inside_and_what_it_had_afterwards() -> None:
    _ = np.ones((2, 2)) @ np.ones((2, 2))
    before = threads()
    with blas.one_blas_thread:
        assert threads() == {1}
        with blas.one_blas_thread:
            assert threads() == {1}
        assert threads() == {1}
    assert threads() == before


def test_libraries_are_looked_for_once_until_more_is_imported(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked: list[int] = []

    def found() -> threadpoolctl.ThreadpoolController:
        looked.append(1)
        return threadpoolctl.ThreadpoolController()

    monkeypatch.setattr(blas, "ThreadpoolController", found)
    one = blas._OneThread()
    for _ in range(3):
        with one:
            pass
    assert len(looked) == 1
    monkeypatch.setitem(sys.modules, "one_more_module", ModuleType("one_more_module"))
    with one:
        pass
    assert len(looked) == 2

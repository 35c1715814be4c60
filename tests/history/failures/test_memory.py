"""history/failures/memory.py: what failures for want of memory tell of it."""

import pytest

from history.failures.memory import Shortage, shortage_of

GIB, MIB = 1 << 30, 1 << 20


@pytest.mark.parametrize(
    ("message", "told"),
    [
        (
            "CUDA out of memory. Tried to allocate 2.50 GiB. GPU 0 has a total capacity of 24.00 "
            "GiB of which 1.25 GiB is free. Process 12 has 1 GiB memory in use. Of the allocated "
            "memory 20.00 GiB is allocated by PyTorch, and 1.50 GiB is reserved by PyTorch but "
            "unallocated.",
            Shortage(2.5 * GIB, 1.25 * GIB, 24 * GIB, 20 * GIB, 1.5 * GIB),
        ),
        (
            "CUDA out of memory. Tried to allocate 20.00 MiB (GPU 0; 8.00 GiB total capacity; "
            "7.25 GiB already allocated; 0 bytes free; 7.50 GiB reserved in total by PyTorch)",
            Shortage(20 * MIB, 0, 8 * GIB, 7.25 * GIB, 7.5 * GIB),
        ),
        (
            "Allocation on device 0 would exceed allowed memory. (out of memory)\n"
            "Currently allocated     : 22.50 GiB\nRequested               : 20.00 MiB\n"
            "Device limit            : 24.00 GiB\nFree (according to CUDA): 6.00 MiB\n"
            "PyTorch limit (set by user-supplied memory fraction)\n"
            "                        : 17179869184.00 GiB",
            Shortage(20 * MIB, 6 * MIB, 24 * GIB, 22.5 * GIB),
        ),
        (
            "MPS backend out of memory (MPS allocated: 5.00 GB, other allocations: 2.25 GB, max "
            "allowed: 6.50 GB). Tried to allocate 1024.00 MB on private pool.",
            Shortage(1 * GIB, None, 6.5 * GIB, 5 * GIB),
        ),
        (
            "Allocation on device 0 would exceed allowed memory. Requested 3.50 GiB, free 0.50 GiB "
            "of 24.00 GiB.",
            Shortage(3.5 * GIB, 0.5 * GIB, 24 * GIB),
        ),
    ],
)
def test_it_reads_how_much_was_asked_for_and_how_much_there_was(
    message: str, told: Shortage
) -> None:
    assert shortage_of("", message) == told


def test_what_is_not_told_is_missing() -> None:
    assert shortage_of("torch.OutOfMemoryError", "No more.") is None


def test_other_failures_tell_nothing_of_memory() -> None:
    assert shortage_of("ValueError", "Tried to allocate 2 GiB of names") is None

"""Signals in the processes that read batches."""

import signal

GRACE_SECONDS = 30  # in which the training process is to be done with the processes that read batches


def leave_to_parent(worker: int = 0) -> None:
    """In a process that reads batches: signals for all processes of a job must not end it before the training has.

    Args:
        worker: its number, which torch's DataLoader hands over.
    """
    for number in (signal.SIGINT, signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(number, signal.SIG_IGN)
    # Not ignored for ever: Python itself ends the processes that its exit finds alive with SIGTERM, and waits.
    signal.signal(signal.SIGTERM, lambda number, frame: signal.alarm(GRACE_SECONDS))

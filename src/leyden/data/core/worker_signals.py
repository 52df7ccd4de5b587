"""Signal handling in worker processes."""

import signal

GRACE_SECONDS = 30  # for the training process to stop its workers


def leave_signals_to_parent(worker: int = 0) -> None:
    """Ignore signals in a worker: a signal sent to all processes of a job must not stop workers before training stops.

    Args:
        worker: its index, passed by the DataLoader.
    """
    for number in (signal.SIGINT, signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(number, signal.SIG_IGN)
    # Not ignored: at exit, Python terminates remaining child processes with SIGTERM and joins them.
    signal.signal(signal.SIGTERM, lambda number, frame: signal.alarm(GRACE_SECONDS))

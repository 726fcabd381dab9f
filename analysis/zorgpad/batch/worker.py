"""How a worker process begins; loads nothing before it looks after its end, since loading takes seconds."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading

from zorgpad.batch.fork_server import ADDRESS


def begin(address: str | None) -> None:
    """A worker leaves Ctrl-C to its parent, goes when its parent goes, and loads what each job needs."""
    watch()
    if address is not None:
        os.environ[ADDRESS] = address
    from zorgpad.batch.execute import preload

    preload()


def watch() -> None:
    """Leave Ctrl-C to the parent, and go when it goes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """A worker whose parent was killed would otherwise wait for work forever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)

"""A process that has loaded what notebooks import, and forks a kernel for whoever asks; Linux only.

Loading pandas, matplotlib and the rest takes as long as many a notebook. Here it happens once. The server runs no other
thread, so that a fork is a whole copy. It ends when its standard input ends: with the process that started it. A kernel
ends when the connection over which it was asked for ends: with the worker that drives it.

Started as a file, not as a module, so that it looks after its end before it loads anything of the package.

A request is one line of JSON: ``arguments`` of the kernel, ``environment``, ``folder``. The answer is one line: the
kernel's process id, which is the id of its process group as well.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import Any

ADDRESS = "ZORGPAD_FORK_SERVER"
PRELOADED = (
    *("zorgpad.cohorts", "zorgpad.figures", "zorgpad.graph", "zorgpad.indicators", "zorgpad.paths", "zorgpad.publish"),
    *("zorgpad.spells", "zorgpad.survival", "zorgpad.tables", "matplotlib.backends.backend_agg", "seaborn"),
    *("pyarrow.parquet", "ipykernel.ipkernel", "ipykernel.kernelapp"),
)
# Arrow's allocator would start a thread of its own as soon as it is loaded.
_NO_THREAD = {"JE_ARROW_MALLOC_CONF": "background_thread:false"}
_IN_NOTEBOOK = "module://matplotlib_inline.backend_inline"
_LONGEST_REQUEST = 1 << 20


@contextmanager
def fork_server() -> Iterator[str | None]:
    """The address of a server that lives as long as the block; ``None`` where forking is not safe."""
    if sys.platform != "linux":
        yield None
        return
    from zorgpad.batch.kernels import KERNEL_SETTINGS
    from zorgpad.batch.scratch import scratch_folder, sweep

    sweep()
    with scratch_folder() as folder, socket.socket(socket.AF_UNIX) as listener:
        address = str(Path(folder) / "server")
        listener.bind(address)
        listener.listen()
        command = [sys.executable, "-P", __file__, str(listener.fileno())]  # -P: no modules of this folder
        server = subprocess.Popen(  # noqa: S603 - our own interpreter and file
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=os.environ | KERNEL_SETTINGS | _NO_THREAD,
            pass_fds=[listener.fileno()],
        )
        listener.close()
        try:
            yield address
        finally:
            server.kill()
            server.communicate()


def main(descriptor: int) -> None:
    """Load everything, then answer requests until standard input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the system collects kernels that have ended
    _load()
    with socket.socket(fileno=descriptor) as listener, selectors.DefaultSelector() as selector:
        selector.register(listener, selectors.EVENT_READ)
        selector.register(sys.stdin, selectors.EVENT_READ)
        while all(key.fileobj is listener for key, _ in selector.select()):
            connection = listener.accept()[0]
            if os.fork() == 0:
                listener.close()
                _serve(connection)
            connection.close()


def _load() -> None:
    """Import what notebooks need; meanwhile a thread ends the process when standard input ends."""
    loaded, tell = os.pipe()

    def watch() -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(sys.stdin, selectors.EVENT_READ)
            selector.register(loaded, selectors.EVENT_READ)
            if any(key.fileobj is sys.stdin for key, _ in selector.select()):
                os._exit(1)

    thread = threading.Thread(target=watch)
    thread.start()
    for name in PRELOADED:
        with suppress(Exception):  # what cannot be loaded here fails in the notebook that needs it
            import_module(name)
    os.close(tell)
    thread.join()  # a fork copies one thread only
    os.close(loaded)


def _serve(connection: socket.socket) -> None:
    """Become the kernel that is asked for; never returns."""
    code = 1
    try:
        request = json.loads(connection.makefile("rb").readline(_LONGEST_REQUEST))
        os.setsid()
        connection.sendall(f"{os.getpid()}\n".encode())
        threading.Thread(target=_end_with, args=(connection,), daemon=True).start()
        _become_kernel(request)
        code = 0
    finally:
        os._exit(code)


def _end_with(connection: socket.socket) -> None:
    """End this process, and what it started, as soon as nobody holds the other end."""
    with suppress(OSError):
        connection.recv(1)
    os.killpg(os.getpid(), signal.SIGKILL)


def _become_kernel(request: Mapping[str, Any]) -> None:
    """Run a kernel as if it had just been started in its folder."""
    from ipykernel.kernelapp import IPKernelApp

    for number in (signal.SIGINT, signal.SIGCHLD):
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):
        os.dup2(nothing, stream)
    os.environ.clear()
    os.environ.update(request["environment"])
    os.environ.pop(ADDRESS, None)
    # matplotlib was loaded with the server's settings; where nobody asks for another, figures stand in the notebook
    import_module("matplotlib").rcParams["backend"] = os.environ.get("MPLBACKEND") or _IN_NOTEBOOK
    os.chdir(request["folder"])
    IPKernelApp.launch_instance(argv=request["arguments"])


if __name__ == "__main__":
    main(int(sys.argv[1]))

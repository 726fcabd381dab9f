"""Kernels that are asked of a fork server, with the face that jupyter_client expects of a process.

:class:`ForkProvisioner` is registered as the kernel provisioner ``zorgpad-fork``, and the kernelspec ``zorgpad`` names
it, so that ``papermill -k zorgpad``, nbclient and JupyterLab can use it without a batch.
"""

from __future__ import annotations

import asyncio
import atexit
import json
import os
import signal
import socket
import sys
import threading
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import uuid4

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning.local_provisioner import LocalProvisioner

from zorgpad.batch.fork_server import ADDRESS, fork_server
from zorgpad.batch.kernels import OwnKernelManager
from zorgpad.batch.scratch import scratch_folder

if TYPE_CHECKING:
    from tempfile import TemporaryDirectory

if sys.platform == "linux":
    import resource

_ENDED = 1  # a forked kernel does not tell its exit code, only that it is gone
_ONE_AT_A_TIME = threading.Lock()


class ForkedKernelManager(OwnKernelManager):
    """Starts a kernel as a fork of the process that has everything loaded."""

    memory_mb: ClassVar[int | None] = None

    async def _async_pre_start_kernel(self, **kwargs: Any) -> Any:
        self.kernel_id = self.kernel_id or str(uuid4())
        self.provisioner = ForkProvisioner(kernel_id=self.kernel_id, kernel_spec=self.kernel_spec, parent=self)
        return await super()._async_pre_start_kernel(**kwargs)

    pre_start_kernel = _async_pre_start_kernel  # type: ignore[assignment] # AsyncKernelManager does the same


def kernel_manager(environment: Mapping[str, str], *, memory_mb: int | None) -> type[ForkedKernelManager]:
    """A manager of kernels with settings of their own and a limit to their memory; papermill wants a class."""
    return type("JobKernelManager", (ForkedKernelManager,), {"environment": environment, "memory_mb": memory_mb})


def server_address() -> str:
    """The address of the batch's fork server; where there is no batch, of one that ends with this process.

    Empty where processes cannot be forked.
    """
    with _ONE_AT_A_TIME:
        return os.environ.get(ADDRESS) or _own_server()


@cache
def _own_server() -> str:
    stack = ExitStack()
    atexit.register(stack.close)
    return stack.enter_context(fork_server()) or ""


class ForkProvisioner(LocalProvisioner):
    """Asks the fork server for a kernel, and starts an interpreter itself where there is no server."""

    _sockets: TemporaryDirectory[str] | None = None

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        """Let the kernel be spoken to over sockets in a folder of its own, where its manager had ports in mind."""
        manager: Any = self.parent
        if manager is not None and manager.transport == "tcp" and os.name == "posix":
            self._sockets = scratch_folder()
            manager.transport, manager.ip = "ipc", str(Path(self._sockets.name) / "kernel")
        return await super().pre_launch(**kwargs)

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Start the kernel that ``cmd`` describes, the command line ``python -m ipykernel_launcher …``."""
        info = await self._launch(cmd, **kwargs)
        _limit_memory(self.pid, getattr(self.parent, "memory_mb", None))
        return info

    async def cleanup(self, restart: bool = False) -> None:  # noqa: FBT001, FBT002 - jupyter_client's
        """What the kernel started goes with it, also when it ended by itself."""
        if not restart and os.name == "posix" and self.pid and self.pid > 1:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)
        await super().cleanup(restart=restart)
        if self._sockets is not None and not restart:
            self._sockets.cleanup()

    async def _launch(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        try:
            forked = await asyncio.to_thread(  # a server that is still loading keeps who asks waiting
                ForkedProcess,
                server_address(),
                arguments=cmd[cmd.index("-m") + 2 :],
                environment=dict(kwargs["env"]),
                folder=str(kwargs.get("cwd") or os.getcwd()),
            )
        except (OSError, KeyError, ValueError):
            return await super().launch_kernel(cmd, **kwargs)
        self.process = forked  # type: ignore[assignment] # looks enough like a Popen
        self.pid = self.pgid = forked.pid
        self.cwd = kwargs.get("cwd")
        return self.connection_info


def _limit_memory(pid: int | None, memory_mb: int | None) -> None:
    """Let a process have at most so much memory of its own; Linux counts what it does not share."""
    if pid is not None and memory_mb is not None and sys.platform == "linux":
        limit = memory_mb << 20
        with suppress(ProcessLookupError):
            resource.prlimit(pid, resource.RLIMIT_DATA, (limit, limit))


class ForkedProcess:
    """A kernel that the server at ``address`` has forked; what a provisioner asks of a ``subprocess.Popen``."""

    stdin = stdout = stderr = None

    def __init__(self, address: str, **request: Any) -> None:
        self._connection = socket.socket(socket.AF_UNIX)
        self._connection.connect(address)
        self._connection.sendall(json.dumps(request).encode() + b"\n")
        self.pid = int(self._connection.makefile("rb").readline())

    def poll(self) -> int | None:
        """Its exit code, or ``None`` while it runs."""
        try:
            return _ENDED if self._connection.recv(1, socket.MSG_DONTWAIT) == b"" else None
        except BlockingIOError:
            return None
        except OSError:
            return _ENDED

    def wait(self) -> int:
        """Its exit code, when it has ended."""
        with suppress(OSError):
            self._connection.recv(1)
        self._connection.close()
        return _ENDED

    def send_signal(self, signum: int) -> None:
        """To the kernel and what it started."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self.pid, signum)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

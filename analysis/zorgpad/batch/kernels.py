"""Kernels for the notebooks of a report: this very interpreter, apart from the user's Jupyter and IPython settings."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager

from zorgpad.batch.scratch import scratch_folder

# One thread per kernel: the batch itself fills the cores, and sums come out the same on every machine.
ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS", "NUMEXPR_NUM_THREADS"), "1"
)
KERNEL_SETTINGS = ONE_THREAD | {"MPLBACKEND": "agg", "PYTHONHASHSEED": "0", "PYDEVD_DISABLE_FILE_VALIDATION": "1"}


class OwnKernelManager(AsyncKernelManager):
    """Starts a kernel with the interpreter that runs this code, whatever kernels a machine has registered.

    Each kernel has a folder of its own for sockets and settings, which goes when the kernel goes.
    """

    environment: ClassVar[Mapping[str, str]] = {}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._workspace = scratch_folder()
        folder = Path(self._workspace.name)
        self._kernel_spec = KernelSpec(
            argv=[sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
            display_name="zorgpad",
            language="python",
            env=KERNEL_SETTINGS | {**self.environment, "IPYTHONDIR": str(folder / "ipython")},
        )
        self.connection_file = str(folder / "kernel.json")
        if os.name == "posix":  # sockets in the folder: no port that another kernel may take first
            self.transport = "ipc"

    async def _async_start_kernel(self, **kwargs: Any) -> None:
        """What a kernel writes past its notebook goes nowhere: it could hold what the gate keeps out."""
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        await super()._async_start_kernel(**quiet | kwargs)

    start_kernel = _async_start_kernel

    async def _async_cleanup_resources(self, restart: bool = False) -> None:  # noqa: FBT001, FBT002 - jupyter_client's
        """The folder goes with the kernel's other resources."""
        await super()._async_cleanup_resources(restart=restart)
        if not restart:
            self._workspace.cleanup()

    cleanup_resources = _async_cleanup_resources

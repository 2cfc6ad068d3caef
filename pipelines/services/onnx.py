"""onnxruntime, behind one door: sessions that use one thread, and errors that we know."""

import importlib.util
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as vendor

from pipelines.services.protocols import ServiceError

Tensor = NDArray[Any]

_FAILURES: tuple[type[Exception], ...] = tuple(
    error
    for error in vars(vendor).values()
    if isinstance(error, type) and issubclass(error, Exception)
)
"""Every exception onnxruntime has: they share no ancestor but `Exception`."""


class OnnxModel:
    """One model in memory. `run` may be called from several threads at once."""

    def __init__(self, service: str, path: Path, *, threads: int = 1) -> None:
        """Loads it, on `threads` threads of its own. Raises ServiceError."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        # Planned once for each new input shape and kept for good: with audio of any length,
        # memory would never stop growing.
        options.enable_mem_pattern = False
        # A thread that spins while it waits takes the core from another call.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        # 8-bit products overflow where the processor has no VNNI: Smart Turn's probability is then
        # off by 0.09 at the mean, and by 0.045 so. No other processor knows the option.
        options.add_session_config_entry("session.x64quantprecision", "1")
        self._service = service
        try:
            self._session = onnxruntime.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"]
            )
        except _FAILURES as exc:
            raise ServiceError(service, f"cannot load {path.name}", retryable=False) from exc

    @property
    def outputs(self) -> tuple[str, ...]:
        return tuple(output.name for output in self._session.get_outputs())

    def run(
        self, inputs: Mapping[str, Tensor], outputs: Sequence[str] | None = None
    ) -> list[Tensor]:
        """The named outputs, or all, in the model's order. Raises ServiceError."""
        try:
            found: list[Tensor] = self._session.run(outputs, inputs)
        except _FAILURES as exc:
            raise ServiceError(self._service, "inference failed", retryable=False) from exc
        return [np.asarray(tensor) for tensor in found]


def packaged_file(package: str, *parts: str) -> Path:
    """A data file of an installed package, found without importing the package.

    Raises FileNotFoundError.
    """
    spec = importlib.util.find_spec(package)
    for folder in spec.submodule_search_locations or () if spec else ():
        path = Path(folder, *parts)
        if path.is_file():
            return path
    raise FileNotFoundError(f"{package} has no {'/'.join(parts)}")

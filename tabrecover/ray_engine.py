"""Pieces of a bulk run on a Ray cluster: the same pieces, the same worker, the same files.

Each piece is a Ray task. Tasks read inputs and write files by their names, so these are on a file
system that all machines of the cluster see at the same place, or behind URLs. Ray moves only pieces
and counts, and nothing has to be collected.
"""

from __future__ import annotations

from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

from tabrecover.bulk import Counted, Settings, Worker, done_alone
from tabrecover.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tabrecover.folders import Folder
    from tabrecover.intake import Piece

__all__ = ["RayEngine"]

DEFAULT_PROCESSORS = 2


class RayEngine:
    """Runs pieces as Ray tasks; see `tabrecover.bulk.Engine`.

    `address` is that of a cluster; None starts one on this machine with `workers` processors.
    Raises `UsageError` where Ray is not installed or no cluster answers.
    """

    def __init__(
        self,
        folder: Folder,
        settings: Settings,
        *,
        address: str | None = None,
        workers: int | None = None,
    ) -> None:
        try:
            import ray  # noqa: PLC0415 - heavy, and optional
        except ImportError:
            raise UsageError("needs Ray: pip install 'tabrecover[ray]'") from None
        self.ray = ray
        self.folder = folder
        started: dict[str, Any] = {"include_dashboard": False, "num_cpus": workers}
        self.owned = not ray.is_initialized()
        if self.owned:
            try:
                ray.init(address, log_to_driver=False, **({} if address else started))
            except (ConnectionError, RuntimeError, ValueError, OSError) as error:
                raise UsageError(f"no Ray cluster at {address}: {error}") from error
        remote = ray.remote(max_retries=0)(_do)
        self.do = partial(remote.remote, folder, settings)
        processors = ray.cluster_resources().get("CPU", DEFAULT_PROCESSORS)
        self.window = 2 * int(processors) + 2
        self.tasks: dict[Any, tuple[int, Piece]] = {}

    def give(self, number: int, piece: Piece) -> Iterator[Counted]:
        """See `Engine`."""
        while len(self.tasks) >= self.window:
            yield self._collect()
        self.tasks[self.do(number, piece)] = number, piece

    def rest(self) -> Iterator[Counted]:
        """See `Engine`."""
        while self.tasks:
            yield self._collect()

    def _collect(self) -> Counted:
        (first, *_), _ = self.ray.wait(list(self.tasks), num_returns=1)
        number, piece = self.tasks.pop(first)
        counted = self._result(first)
        if counted is not None:
            return counted
        return done_alone(
            self.folder, number, lambda deadly: self._result(self.do(number, piece, deadly))
        )

    def _result(self, task: Any) -> Counted | None:
        """What a task gives; None if its process ended."""
        try:
            counted: Counted = self.ray.get(task)
        except self.ray.exceptions.WorkerCrashedError:
            return None
        except self.ray.exceptions.RayTaskError as error:
            raise error.as_instanceof_cause() from None
        return counted

    def close(self) -> None:
        """See `Engine`."""
        for task in self.tasks:
            self.ray.cancel(task, force=True)
        if self.owned:
            self.ray.shutdown()


def _do(
    folder: Folder,
    settings: Settings,
    number: int,
    piece: Piece,
    deadly: tuple[int, ...] | None = None,
) -> Counted:
    return _worker(folder, settings).do(number, piece, deadly)


@lru_cache(maxsize=2)
def _worker(folder: Folder, settings: Settings) -> Worker:
    """A process keeps its worker, with its templates, from piece to piece."""
    return Worker(folder, settings)

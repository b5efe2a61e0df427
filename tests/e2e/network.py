"""The ways between the processes of a cluster, each through a proxy, to do to them what networks do."""

from collections.abc import Callable, Mapping

from parts.process import dialled_from, free_port
from parts.proxy import DOWN, UP, Proxy


class Network:
    """A worker dials its managers on ways of its own; others dial a worker at the address that it
    advertises, and are told apart there by their processes. `pids` are those of the workers that run."""

    def __init__(self, pids: Callable[[], Mapping[int, str]]):
        self._pids = pids
        self._doors: dict[str, Proxy] = {}
        self._to_managers: dict[str, list[Proxy]] = {}

    def way_to_manager(self, worker: str, address: str) -> str:
        """Where that worker is to dial the manager that listens there."""
        proxy = Proxy(int(address.rpartition(":")[2])).start()
        self._to_managers.setdefault(worker, []).append(proxy)
        return f"127.0.0.1:{proxy.port}"

    def door(self, worker: str) -> tuple[str, str]:
        """Where the worker is to listen, and what it is to advertise."""
        listen = free_port()
        proxy = Proxy(listen, origin_of=self._who).start()
        self._doors[worker] = proxy
        return f"127.0.0.1:{listen}", f"127.0.0.1:{proxy.port}"

    def _who(self, port: int) -> str | None:
        pids = self._pids()
        return pids.get(dialled_from(port, pids))

    def stop(self) -> None:
        for proxy in self._all():
            proxy.stop()

    def _all(self) -> list[Proxy]:
        return [*self._doors.values(), *(way for ways in self._to_managers.values() for way in ways)]

    # --- between a worker and all managers ------------------------------------------------------

    def connections_to_managers(self, worker: str) -> int:
        return sum(way.connections() for way in self._to_managers[worker])

    def hold_to_managers(self, worker: str, *directions: str) -> None:
        for way in self._to_managers[worker]:
            for direction in directions:
                way.hold(direction)

    def drop_to_managers(self, worker: str) -> None:
        """What there is; new ones are welcome."""
        for way in self._to_managers[worker]:
            way.drop_connections()

    # --- between two workers --------------------------------------------------------------------

    def connections(self, one: str, other: str) -> int:
        """Whichever of the two dialled them."""
        return self._doors[other].connections(one) + self._doors[one].connections(other)

    def hold(self, sender: str, receiver: str) -> None:
        """Nothing that the one sends reaches the other, on whatever connection."""
        self._doors[receiver].hold(UP, sender)
        self._doors[sender].hold(DOWN, receiver)

    def cut(self, one: str, other: str) -> None:
        """Their connections are closed, and new ones at once as well."""
        self._doors[other].cut(one)
        self._doors[one].cut(other)

    def heal(self) -> None:
        for proxy in self._all():
            proxy.restore()

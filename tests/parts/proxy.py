"""A TCP proxy in user space, to do to connections what networks do.

    proxy = Proxy(upstream_port).start()
    proxy.cut()         close every connection and refuse new ones, until restore()
    proxy.blackhole()   keep connections and take new ones, and deliver nothing, until restore()
    proxy.hold(UP)      the same of one direction: what is sent that way arrives after restore(), as by
                        TCP, and so does a connection's end; the other direction flows
    proxy.delay(0.2)    hold every piece back for that long, in both directions

`cut` and `hold` can be told of one origin only, where the proxy is given `origin_of`, which names who
dials by the port he dials from.

For Kafka it can also look at requests: `on_request` is called with the request's api key and its
whole frame, and says what becomes of it.
"""

import collections
import contextlib
import socket
import struct
import threading
import time

PASS = "pass"
DROP = "drop"  # The request never arrives; the client waits for its answer.
CUT = "cut"  # It does not arrive, and the connection is cut: the client sends it again on another.
CUT_AFTER = "cut after"  # The request arrives, and the connection is cut before the answer can.

# Api keys of Kafka's protocol that tests ask about.
PRODUCE = 0
ADD_OFFSETS_TO_TXN = 25
END_TXN = 26
TXN_OFFSET_COMMIT = 28


UP = "up"  # From who dials to who listens.
DOWN = "down"


class _Connection:
    """Both ends of one, and a gate for each direction that is closed while nothing is delivered there."""

    def __init__(self, client: socket.socket, upstream: socket.socket, origin: str | None):
        self.client = client
        self.upstream = upstream
        self.origin = origin
        self.gates = {UP: threading.Event(), DOWN: threading.Event()}

    def between(self, way: str) -> tuple[socket.socket, socket.socket]:
        """From where to where that direction goes."""
        return (self.client, self.upstream) if way == UP else (self.upstream, self.client)

    def close(self) -> None:
        for gate in self.gates.values():
            gate.set()
        for end in (self.client, self.upstream):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


class Proxy:
    """Forwards 127.0.0.1:`port` to 127.0.0.1:`upstream_port`. Two threads for each connection."""

    def __init__(self, upstream_port: int, listen_port: int = 0, on_request=None, origin_of=None):
        self.upstream_port = upstream_port
        self.on_request = on_request
        self.requests = collections.Counter()  # Frames seen, by api key (only with on_request).
        self._origin_of = origin_of
        self._listen_port = listen_port
        self._lock = threading.Lock()
        self._connections: set[_Connection] = set()
        self._held: set[tuple[str, str | None]] = set()  # Directions, and of whom; None: of everybody.
        self._cut: set[str | None] = set()
        self._delay_s = 0.0
        self._listener = None
        self._stopped = False

    @property
    def port(self) -> int:
        return self._listen_port

    def connections(self, origin: str | None = None) -> int:
        with self._lock:
            return sum(origin in (None, one.origin) for one in self._connections)

    def start(self) -> "Proxy":
        self._listen()
        return self

    def stop(self):
        self._stopped = True
        self._close_listener()
        self.drop_connections()

    def cut(self, origin: str | None = None):
        with self._lock:
            self._cut.add(origin)
        if origin is None:
            self._close_listener()
        self.drop_connections(origin)

    def hold(self, way: str, origin: str | None = None):
        with self._lock:
            self._held.add((way, origin))
            for one in self._connections:
                self._set_gates(one)

    def blackhole(self):
        self.hold(UP)
        self.hold(DOWN)

    def delay(self, seconds: float):
        self._delay_s = seconds

    def restore(self):
        self._delay_s = 0.0
        with self._lock:
            refusing = None in self._cut
            self._cut.clear()
            self._held.clear()
            for one in self._connections:
                self._set_gates(one)
        if refusing:
            self._listen()

    def drop_connections(self, origin: str | None = None):
        """Closes the connections there are; new ones are welcome."""
        with self._lock:
            dropped = [one for one in self._connections if origin in (None, one.origin)]
        for one in dropped:
            self._close(one)

    def send_raw(self, frame: bytes, timeout_s: float = 10) -> bytes:
        """Sends a captured request once more, on a connection of its own, and returns the answer: a
        packet that was late on its way."""
        with socket.create_connection(("127.0.0.1", self.upstream_port), timeout=timeout_s) as upstream:
            upstream.sendall(frame)
            length = struct.unpack(">i", _read_exactly(upstream, 4))[0]
            return _read_exactly(upstream, length)

    def _listen(self):
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self._listen_port))
        listener.listen(128)
        self._listen_port = listener.getsockname()[1]
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def _close_listener(self):
        listener, self._listener = self._listener, None
        if listener is not None:
            # close() alone leaves a thread that is inside accept() listening on.
            try:
                listener.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            listener.close()

    def _set_gates(self, connection: _Connection):
        for way, gate in connection.gates.items():
            if {(way, None), (way, connection.origin)} & self._held:
                gate.clear()
            else:
                gate.set()

    def _accept(self, listener):
        while True:
            try:
                client, address = listener.accept()
            except OSError:
                return
            try:
                upstream = socket.create_connection(("127.0.0.1", self.upstream_port), timeout=5)
            except OSError:
                client.close()
                continue
            upstream.settimeout(None)
            for end in (client, upstream):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            origin = self._origin_of(address[1]) if self._origin_of else None
            connection = _Connection(client, upstream, origin)
            with self._lock:
                self._connections.add(connection)
                self._set_gates(connection)
                refused = self._stopped or {None, origin} & self._cut
            if refused:
                self._close(connection)
                continue
            up = self._requests if self.on_request else lambda one: self._pump(one, UP)
            threading.Thread(target=up, args=(connection,), daemon=True).start()
            threading.Thread(target=self._pump, args=(connection, DOWN), daemon=True).start()

    def _close(self, connection: _Connection):
        with self._lock:
            self._connections.discard(connection)
        connection.close()

    def _deliver(self, connection: _Connection, way: str, data: bytes):
        """What is sent one way. That its receiver has gone is told the other way."""
        if self._delay_s:
            time.sleep(self._delay_s)
        connection.gates[way].wait()
        try:
            connection.between(way)[1].sendall(data)
        except OSError:
            connection.gates[DOWN if way == UP else UP].wait()
            raise

    def _pump(self, connection: _Connection, way: str):
        source = connection.between(way)[0]
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                self._deliver(connection, way, data)
        connection.gates[way].wait()  # Its end goes the same way.
        self._close(connection)

    def _requests(self, connection: _Connection):
        try:
            while True:
                head = _read_exactly(connection.client, 4)
                body = _read_exactly(connection.client, struct.unpack(">i", head)[0])
                api_key = struct.unpack(">h", body[:2])[0]
                self.requests[api_key] += 1
                fate = self.on_request(api_key, head + body)
                if fate == DROP:
                    continue
                if fate == CUT:
                    break
                self._deliver(connection, UP, head + body)
                if fate == CUT_AFTER:
                    break
        except (OSError, EOFError):
            connection.gates[UP].wait()
        self._close(connection)


def _read_exactly(source, length: int) -> bytes:
    parts = []
    while length:
        data = source.recv(min(length, 1 << 20))
        if not data:
            raise EOFError
        parts.append(data)
        length -= len(data)
    return b"".join(parts)

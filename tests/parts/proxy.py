"""A TCP proxy in user space, to do to connections what networks do.

    proxy = Proxy(upstream_port).start()
    proxy.cut()         close every connection and refuse new ones, until restore()
    proxy.blackhole()   keep connections and take new ones, and deliver nothing, until restore()
    proxy.delay(0.2)    hold every piece back for that long, in both directions

For Kafka it can also look at requests: `on_request` is called with the request's api key and its
whole frame, and says what becomes of it.
"""

import collections
import socket
import struct
import threading
import time

PASS = "pass"
DROP = "drop"  # The request never arrives; the client waits for its answer.
CUT_AFTER = "cut after"  # The request arrives, and the connection is cut before the answer can.

# Api keys of Kafka's protocol that tests ask about.
PRODUCE = 0
ADD_OFFSETS_TO_TXN = 25
END_TXN = 26
TXN_OFFSET_COMMIT = 28


class Proxy:
    """Forwards 127.0.0.1:`port` to 127.0.0.1:`upstream_port`. Two threads for each connection."""

    def __init__(self, upstream_port: int, listen_port: int = 0, on_request=None):
        self.upstream_port = upstream_port
        self.on_request = on_request
        self.requests = collections.Counter()  # Frames seen, by api key (only with on_request).
        self._listen_port = listen_port
        self._lock = threading.Lock()
        self._pairs = set()
        self._open = threading.Event()  # Cleared while nothing is to be delivered.
        self._open.set()
        self._refusing = False
        self._delay_s = 0.0
        self._listener = None
        self._stopped = False

    @property
    def port(self) -> int:
        return self._listen_port

    @property
    def connections(self) -> int:
        with self._lock:
            return len(self._pairs)

    def start(self) -> "Proxy":
        self._listen()
        return self

    def stop(self):
        self._stopped = True
        self._open.set()
        self._close_listener()
        self.drop_connections()

    def cut(self):
        self._refusing = True
        self._close_listener()
        self.drop_connections()

    def blackhole(self):
        self._open.clear()

    def delay(self, seconds: float):
        self._delay_s = seconds

    def restore(self):
        self._delay_s = 0.0
        self._open.set()
        if self._refusing:
            self._refusing = False
            self._listen()

    def drop_connections(self):
        """Closes the connections there are; new ones are welcome."""
        with self._lock:
            pairs = list(self._pairs)
        for pair in pairs:
            self._close(pair)

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

    def _accept(self, listener):
        while True:
            try:
                client, _ = listener.accept()
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
            pair = (client, upstream)
            with self._lock:
                self._pairs.add(pair)
            if self._refusing or self._stopped:
                self._close(pair)
                continue
            requests = self._requests if self.on_request else self._pump
            threading.Thread(target=requests, args=(client, upstream, pair), daemon=True).start()
            threading.Thread(target=self._pump, args=(upstream, client, pair), daemon=True).start()

    def _close(self, pair):
        with self._lock:
            self._pairs.discard(pair)
        for end in pair:
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            end.close()

    def _deliver(self, data: bytes, to):
        if self._delay_s:
            time.sleep(self._delay_s)
        self._open.wait()
        to.sendall(data)

    def _pump(self, source, to, pair):
        try:
            while data := source.recv(65536):
                self._deliver(data, to)
        except OSError:
            pass
        self._close(pair)

    def _requests(self, client, upstream, pair):
        try:
            while True:
                head = _read_exactly(client, 4)
                body = _read_exactly(client, struct.unpack(">i", head)[0])
                api_key = struct.unpack(">h", body[:2])[0]
                self.requests[api_key] += 1
                fate = self.on_request(api_key, head + body)
                if fate == DROP:
                    continue
                self._deliver(head + body, upstream)
                if fate == CUT_AFTER:
                    break
        except (OSError, EOFError):
            pass
        self._close(pair)


def _read_exactly(source, length: int) -> bytes:
    parts = []
    while length:
        data = source.recv(min(length, 1 << 20))
        if not data:
            raise EOFError
        parts.append(data)
        length -= len(data)
    return b"".join(parts)

"""A real OpenSearch server for tests and `./dev parts up opensearch`: one node, started from its jars.

    with Search(directory) as search:
        search.url                        # http://127.0.0.1:…
        search.documents("counts")        # {id: document}, by plain HTTP
        search.kill(); search.start()     # With what it had.

Its front, which asks for TLS, passwords and signatures and can be made to fail, is search_front.py.
"""

import argparse
import fcntl
import json
import os
import pathlib
import signal
import sys
import urllib.error
import urllib.request
import zlib

from parts import kafka, process

# Runs on Java 17 and 21, those of Debian 12 and 13.
VERSION = "2.19.6"
HERE = pathlib.Path(__file__).parent / "opensearch_jars"
HOME = process.PARTS_CACHE / f"opensearch-{VERSION}-{zlib.crc32((HERE / 'pom.xml').read_bytes()):08x}"
PROGRAM = "SearchNode.java"
PAGE = 10_000


def install() -> pathlib.Path:
    """Fetches the server's jars into the cache, once; safe to call from several processes."""
    libs = HOME / "libs"
    if libs.is_dir():
        return libs
    HOME.mkdir(parents=True, exist_ok=True)
    with open(HOME / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not libs.is_dir():
            kafka.fetch_jars(HERE / "pom.xml", libs)
    return libs


class Search:
    """One server. It keeps its port and its data over restarts."""

    def __init__(self, directory: pathlib.Path, outlive: bool = False):
        self.directory = directory
        self.port = process.free_port()
        self._transport = process.free_port()
        self._outlive = outlive
        self._process = None
        (directory / "config").mkdir(parents=True, exist_ok=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> "Search":
        settings = {
            "path.home": self.directory, "cluster.name": "weir", "node.name": "one",
            "discovery.type": "single-node", "http.host": "127.0.0.1", "http.port": self.port,
            "transport.host": "127.0.0.1", "transport.port": self._transport,
            # A disk that is rather full must not make an index read-only.
            "cluster.routing.allocation.disk.threshold_enabled": "false",
        }
        self._process = process.start(
            ["java", "-Xms300m", "-Xmx300m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
             f"-Dlog4j2.configurationFile={HERE / 'log4j2.xml'}", "-Dlog4j2.formatMsgNoLookups=true",
             "-cp", f"{install()}/*", HERE / PROGRAM, *(f"{name}={value}" for name, value in settings.items())],
            self.directory / "log", outlive=self._outlive)
        (self.directory / "pid").write_text(str(self._process.pid))

        def up():
            if self._process.poll() is not None:
                raise RuntimeError(f"the search server ended:\n{process.tail(self.directory / 'log')}")
            try:
                return self.call("GET", "/_cluster/health?wait_for_status=yellow&timeout=1s").get("status")
            except OSError:
                return None

        process.wait_until(up, 120, "the search server answers")
        return self

    def kill(self):
        if self._process is not None and self._process.poll() is None:
            os.kill(self._process.pid, signal.SIGKILL)
            self._process.wait(30)

    def call(self, method: str, path: str, body=None) -> dict:
        """JSON in, JSON out; an answer that is an error is returned too."""
        request = urllib.request.Request(
            self.url + path, method=method, headers={"Content-Type": "application/json"},
            data=None if body is None else json.dumps(body).encode())
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            return json.load(error)

    def documents(self, index: str) -> dict:
        """All documents by their id, as a search finds them; none where there is no such index."""
        self.call("POST", f"/{index}/_refresh")
        found, after = {}, None
        while True:
            query = {"size": PAGE, "sort": ["_doc"], "query": {"match_all": {}}}
            if after is None:
                answer = self.call("POST", f"/{index}/_search?scroll=1m", query)
            else:
                answer = self.call("POST", "/_search/scroll", {"scroll": "1m", "scroll_id": after})
            if answer.get("status") in (404, 503):  # Not there, or not there yet.
                return {}
            assert "hits" in answer, answer
            hits = answer["hits"]["hits"]
            for hit in hits:
                assert hit["_id"] not in found, f"document {hit['_id']} is there twice"
                found[hit["_id"]] = hit["_source"]
            if len(hits) < PAGE:
                self.call("DELETE", "/_search/scroll", {"scroll_id": answer["_scroll_id"]})
                return found
            after = answer["_scroll_id"]

    def __enter__(self) -> "Search":
        return self.start()

    def __exit__(self, *_):
        self.kill()


def main():
    """`./dev parts up|down opensearch`: a server that stays when the command ends."""
    parser = argparse.ArgumentParser(prog="parts.opensearch")
    parser.add_argument("action", choices=["install", "up", "down"])
    parser.add_argument("--dir", type=pathlib.Path, default=process.PARTS_CACHE / "run" / "opensearch")
    arguments = parser.parse_args()
    if arguments.action == "install":
        print(install())
        return
    process.end_earlier(arguments.dir, PROGRAM.encode())
    if arguments.action == "down":
        return
    print(f"export OPENSEARCH_URL={Search(arguments.dir, outlive=True).start().url}")


if __name__ == "__main__":
    sys.exit(main())

"""/metrics of manager, workers and `weir run`, as a real Prometheus reads them."""

import pathlib
import re
import urllib.request

import pytest

from e2e.cluster import Cluster
from parts import process, prometheus

JOB = pathlib.Path(__file__).parent / "jobs" / "generated_windows.yaml"
OPERATIONS = pathlib.Path(__file__).resolve().parents[2] / "docs" / "operations.md"


@pytest.fixture(scope="module", autouse=True)
def installed(debian_program) -> None:
    debian_program("prometheus")


def page_of(address: str) -> str:
    with urllib.request.urlopen(f"http://{address}/metrics", timeout=5) as page:
        assert page.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        return page.read().decode()


def names_of(page: str) -> set[str]:
    return set(re.findall(r"^# TYPE (\S+)", page, re.MULTILINE))


def documented(begin: str = "## Metrics", end: str = "\n## ") -> set[str]:
    """Names in the tables from one place of the page to another."""
    section = OPERATIONS.read_text().split(begin, 1)[1].split(end, 1)[0]
    return set(re.findall(r"^\| `([^`]+)`", section, re.MULTILINE))


def of_connections() -> set[str]:
    """What only a job with connections has; see test_kafka_connections.py."""
    return documented("Of the connections of a job,", "\nOf a worker:")


# What only a process whose programs have failed has; see test_call.py.
OF_PROGRAMS = {"weir_program_restarts_total"}


def test_a_cluster_as_prometheus_sees_it(tmp_path: pathlib.Path, tell) -> None:
    with Cluster(tmp_path / "cluster", JOB, {"JOB": "seen"}, workers=2, slots=2) as cluster:
        addresses = {"manager": cluster.http}
        for name, worker in cluster.workers.items():
            addresses[name] = f"127.0.0.1:{process.free_port()}"
            worker.kill()
            worker.words += ["--http", addresses[name]]
        cluster.start()
        with prometheus.Prometheus(tmp_path / "prometheus", {"weir": list(addresses.values())}) as server:
            cluster.wait_until(lambda: set(server.health().values()) == {("up", "")}, 60, "all are scraped")
            cluster.wait_until(lambda: server.value('weir_job_state{state="running"}') == 1, 60, "the job runs")
            # What flows is seen to flow, and adds up.
            rates = "sum(rate(weir_rows_read_total[5s]))"
            cluster.wait_until(lambda: (server.value(rates) or 0) > 0, 60, "rows are read")
            cluster.wait_until(lambda: (server.value("sum(rate(weir_exchange_sent_bytes_total[5s]))") or 0) > 0,
                               60, "rows go from worker to worker")
            cluster.wait_until(lambda: (server.value("weir_job_rows_out_total") or 0) > 0, 60, "rows come out")
            assert server.value("weir_unaccounted_rows") == 0
            assert server.value("count(weir_task_seconds_total)") == 3 * len(server.values("weir_task_rows_total"))
            sent, received = (server.value(f"sum(weir_exchange_{way}_elements_total)") for way in ("sent", "received"))
            assert sent and received
            # All of a task's time is told.
            share = 'sum by (task) (rate(weir_task_seconds_total[10s]))'
            cluster.wait_until(lambda: all(0.8 < value < 1.2 for _, value in server.values(share)), 60,
                               "busy, backpressured and idle make up the time")
            pages = {name: page_of(address) for name, address in addresses.items()}
            for name, page in pages.items():
                assert prometheus.faults_of(page) == "", name
            assert set().union(*map(names_of, pages.values())) == documented() - of_connections() - OF_PROGRAMS
            # A loss is seen, with what it cost.
            lead = cluster.status()["attempt"]["lead"]
            cluster.workers[lead].kill()
            cluster.wait_until(lambda: server.value(f'weir_worker_up{{worker="{lead}"}}') == 0, 60, "it is lost")
            cluster.workers[lead].start()
            cluster.wait_until(lambda: (server.value("weir_job_downtime_seconds_total") or 0) > 0, 90, "what it cost")
            assert server.value("weir_job_restarts_total") >= 1
            cluster.wait_until(lambda: (server.value(rates) or 0) > 0, 60, "rows flow again")
            series = server.value('count({__name__=~"weir_.+"})')
            tell(f"series of the whole cluster: {series:.0f}")

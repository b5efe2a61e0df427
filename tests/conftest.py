"""What every pytest folder has: the binary under test and real brokers that live for the session."""

import os
import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))


@pytest.fixture(scope="session")
def repository() -> pathlib.Path:
    return ROOT


@pytest.fixture(scope="session")
def weir_binary() -> pathlib.Path:
    """weir with failpoints compiled in; another build by WEIR_BINARY."""
    path = pathlib.Path(os.environ.get("WEIR_BINARY") or ROOT / "build" / "testing" / "weir")
    if not path.exists():
        pytest.fail(f"{path} is not there: ./dev build testing")
    return path


@pytest.fixture(autouse=True)
def no_weir_is_left():
    """One that a failed test left running would disturb the next."""
    from e2e.weir import Weir

    yield
    Weir.kill_started()


@pytest.fixture
def tell(record_property):
    """Tells what a reader of the run wants to see of a test that passed, too."""
    return lambda text: record_property("told", text)


class TellsOfTests:
    """Prints what tests told once they are over, whichever process they ran in."""

    def __init__(self, config: pytest.Config):
        self.config = config

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        terminal = self.config.pluginmanager.get_plugin("terminalreporter")
        if terminal is None or report.when != "call":
            return
        for name, text in report.user_properties:
            if name == "told":
                terminal.ensure_newline()
                terminal.write_line(text)


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(TellsOfTests(config))


@pytest.fixture(scope="session")
def kafka(tmp_path_factory):
    """One broker for the whole session. Take a topic name of your own: topics outlive the test."""
    from parts.kafka import Cluster

    with Cluster(tmp_path_factory.mktemp("kafka"), proxied=True) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def kafka3(tmp_path_factory):
    """Three brokers for the whole session; a test that stops one starts it again."""
    from parts.kafka import Cluster

    with Cluster(tmp_path_factory.mktemp("kafka3"), brokers=3, proxied=True) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def debian_program():
    """Has a package of Debian's unpacked, or skips whoever asks for it."""
    from parts import debian

    def unpack(package: str) -> pathlib.Path:
        try:
            return debian.unpack(package)
        except debian.Unavailable as reason:
            pytest.skip(f"no {package}: {reason}")

    return unpack


@pytest.fixture
def etcd(debian_program, tmp_path: pathlib.Path):
    """One of the test's own."""
    from parts.etcd import Etcd

    debian_program("etcd-server")
    with Etcd(tmp_path / "etcd") as server:
        yield server


@pytest.fixture(scope="session")
def s3(tmp_path_factory):
    """One S3 server for the whole session. Take a bucket of your own; leave the proxy as it was."""
    from parts import go_program
    from parts import s3 as part

    try:
        part.install()
    except go_program.Unavailable as reason:
        pytest.skip(f"no S3 server: {reason}")
    with part.S3(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture(scope="session")
def moto(tmp_path_factory):
    """One imitation of AWS for the whole session. Take names of your own."""
    from parts.moto import Moto

    with Moto(tmp_path_factory.mktemp("moto")) as server:
        yield server


@pytest.fixture(scope="session")
def registry(tmp_path_factory):
    """One schema registry for the whole session. Take subjects of your own."""
    from parts.registry import Registry

    with Registry(tmp_path_factory.mktemp("registry")) as server:
        yield server


@pytest.fixture(scope="session")
def search(tmp_path_factory):
    """One search server for the whole session. Take an index of your own."""
    from parts.opensearch import Search

    with Search(tmp_path_factory.mktemp("search")) as server:
        yield server


@pytest.fixture
def own_search(tmp_path: pathlib.Path):
    """One of the test's own, to be killed and started again."""
    from parts.opensearch import Search

    with Search(tmp_path / "search") as server:
        yield server


@pytest.fixture(scope="session")
def browser():
    """One browser for the whole session. Take a tab of your own."""
    from parts.browser import Browser, Unavailable

    try:
        with Browser() as chromium:
            yield chromium
    except Unavailable as reason:
        pytest.skip(f"no browser: {reason}")

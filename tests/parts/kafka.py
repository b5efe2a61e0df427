"""Real Kafka brokers for tests, benches and `./dev parts up kafka`: 4.3.1 in KRaft mode, each broker
a process of its own that can be stopped, killed, frozen and started again by itself.

    with Cluster(directory, brokers=3) as kafka:
        kafka.create_topic("clicks", partitions=4)
        kafka.brokers[0].kill()

A broker keeps its ports and its data over restarts. Every broker has two listeners: a direct one, and
one that is advertised under the port of a proxy (`Cluster(proxied=True)`), so that every connection of
a client given `proxied_bootstrap` can be cut, delayed or swallowed; see proxy.py.
"""

import argparse
import contextlib
import fcntl
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time
import uuid

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource, NewPartitions, NewTopic, ResourceType

from parts import process
from parts.proxy import Proxy

VERSION = "4.3.1"
JARS = process.PARTS_CACHE / f"kafka-{VERSION}"
HERE = pathlib.Path(__file__).parent / "kafka_jars"
MAVEN_COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies"


def fetch_jars(pom: pathlib.Path, into: pathlib.Path):
    """The jars that a pom names, whole or not at all."""
    if not shutil.which("mvn") or not shutil.which("java"):
        raise RuntimeError("a Kafka broker needs java and mvn: ./dev parts up kafka installs both")
    fresh = into.with_name(into.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    done = subprocess.run(
        ["mvn", "-q", "-B", f"-Dmaven.repo.local={process.CACHE / 'm2'}", "-f", pom,
         MAVEN_COPY, f"-DoutputDirectory={fresh}", "-DincludeScope=runtime"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"fetching the jars of {pom} failed:\n{done.stdout[-3000:]}")
    fresh.rename(into)


def install() -> pathlib.Path:
    """Fetches the broker's jars into the cache, once; safe to call from several processes."""
    libs = JARS / "libs"
    if libs.is_dir():
        return libs
    JARS.mkdir(parents=True, exist_ok=True)
    with open(JARS / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if libs.is_dir():
            return libs
        fetch_jars(HERE / "pom.xml", libs)
    return libs


def _java(*arguments, heap="256m", extra=(), classpath=()):
    paths = [*(str(path) for path in classpath), f"{install()}/*"]
    return ["java", f"-Xmx{heap}", *extra, f"-Dlog4j2.configurationFile={HERE / 'log4j2.xml'}",
            "-cp", ":".join(paths), *arguments]


def tool(*arguments) -> str:
    """Runs one of Kafka's own tools, `tool("org.apache.kafka.tools.TopicCommand", "--list", …)`."""
    done = subprocess.run(_java(*arguments), capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        raise RuntimeError(f"{arguments[0]} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


class Broker:
    """One broker (and controller) process. Made by Cluster."""

    def __init__(self, node_id: int, directory: pathlib.Path, ports: dict, heap: str, outlive: bool,
                 classpath=(), jvm=()):
        self.node_id = node_id
        self.directory = directory
        self.port = ports["direct"]
        self.proxied_port = ports["proxied"]
        self.controller_port = ports["controller"]
        self.advertised_port = ports["advertised"]
        self.proxy = None
        self._heap = heap
        self._outlive = outlive
        self._classpath = classpath
        self._jvm = jvm
        self._process = None
        directory.mkdir(parents=True, exist_ok=True)

    @property
    def log(self) -> pathlib.Path:
        return self.directory / "broker.log"

    @property
    def pid(self):
        if self._process is not None:
            return self._process.pid if self._process.poll() is None else None
        try:  # Of an earlier `up`: the pid counts only while it is still that broker's.
            pid = int((self.directory / "pid").read_text())
            command = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
        except (FileNotFoundError, ValueError, ProcessLookupError):
            return None
        return pid if str(self.directory).encode() in command else None

    def launch(self):
        """Starts the process and does not wait for it."""
        if self.pid is not None:
            return
        extra = ["-Xms128m", "-XX:+UseSerialGC", *self._jvm]
        if not self._heap.endswith("g"):  # A bench's broker gets the slow compiler's fast code.
            extra.append("-XX:TieredStopAtLevel=1")
        self._process = process.start(
            _java("kafka.Kafka", str(self.directory / "server.properties"), heap=self._heap, extra=extra,
                  classpath=self._classpath),
            self.log, outlive=self._outlive)
        (self.directory / "pid").write_text(str(self._process.pid))

    def wait_listening(self, timeout_s: float = 120):
        def up():
            if self.pid is None:
                raise RuntimeError(f"broker {self.node_id} ended:\n{process.tail(self.log)}")
            return process.answers(self.port)

        process.wait_until(up, timeout_s, f"broker {self.node_id} listens on {self.port}")

    def start(self) -> "Broker":
        """Starts it and returns when it takes connections (Cluster.wait_ready asks for more)."""
        self.launch()
        self.wait_listening()
        return self

    def stop(self, timeout_s: float = 60):
        """A clean shutdown: leadership moves away first."""
        self._signal(signal.SIGCONT)
        self._signal(signal.SIGTERM)
        try:
            process.wait_until(lambda: self.pid is None, timeout_s, "broker stopped")
        except TimeoutError:
            self.kill()

    def kill(self):
        self._signal(signal.SIGKILL)
        process.wait_until(lambda: self.pid is None, 30, "broker killed")

    def restart(self):
        self.stop()
        return self.start()

    def pause(self):
        """Freezes the process: connections stay open and nothing answers."""
        self._signal(signal.SIGSTOP)

    def resume(self):
        self._signal(signal.SIGCONT)

    def _signal(self, number):
        pid = self.pid
        if pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)


class Cluster:
    """`brokers` brokers with their data under `directory`. `heap` is each one's; "1g" for benches.
    `properties` are added to server.properties of a fresh directory; `classpath` and `jvm` are for
    each broker's Java."""

    def __init__(self, directory, brokers: int = 1, proxied: bool = False, heap: str = "384m",
                 properties: dict | None = None, outlive: bool = False, classpath=(), jvm=()):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self._admin = None
        self._classpath = classpath
        self._proxied = proxied
        layout = self._layout(brokers)
        self.brokers = [
            Broker(i + 1, self.directory / f"broker{i + 1}", ports, heap, outlive, classpath, jvm)
            for i, ports in enumerate(layout["brokers"])]
        self._cluster_id = layout["cluster_id"]
        for broker in self.brokers:
            self._write_properties(broker, properties or {})

    def _layout(self, brokers: int) -> dict:
        """Ports and identity live as long as the directory."""
        path = self.directory / "layout.json"
        if path.exists():
            return json.loads(path.read_text())
        layout = {
            "cluster_id": "weirTests" + uuid.uuid4().hex[:13],
            "brokers": [
                {name: process.free_port() for name in ("direct", "proxied", "controller", "advertised")}
                for _ in range(brokers)]}
        path.write_text(json.dumps(layout))
        return layout

    def _write_properties(self, broker: Broker, properties: dict):
        path = broker.directory / "server.properties"
        if path.exists():
            return
        copies = min(3, len(self.brokers))
        listeners = self._listeners(broker)
        settings = {
            "process.roles": "broker,controller",
            "node.id": broker.node_id,
            "controller.quorum.voters": ",".join(
                f"{b.node_id}@127.0.0.1:{b.controller_port}" for b in self.brokers),
            "listeners": ",".join(f"{name}://127.0.0.1:{port}" for name, port, _, _ in listeners)
                         + f",CONTROLLER://127.0.0.1:{broker.controller_port}",
            "advertised.listeners": ",".join(f"{name}://{to}" for name, _, to, _ in listeners),
            "listener.security.protocol.map": ",".join(
                ["CONTROLLER:PLAINTEXT", *(f"{name}:{protocol}" for name, _, _, protocol in listeners)]),
            "controller.listener.names": "CONTROLLER",
            "inter.broker.listener.name": "DIRECT",
            "log.dirs": broker.directory / "data",
            "num.network.threads": 2,
            "num.io.threads": 4,
            "num.partitions": 1,
            "auto.create.topics.enable": "false",
            "default.replication.factor": copies,
            "min.insync.replicas": min(2, copies),
            "offsets.topic.replication.factor": copies,
            "offsets.topic.num.partitions": 4,
            "transaction.state.log.replication.factor": copies,
            "transaction.state.log.min.isr": min(2, copies),
            "transaction.state.log.num.partitions": 4,
            "share.coordinator.state.topic.replication.factor": copies,
            "share.coordinator.state.topic.min.isr": 1,
            "group.initial.rebalance.delay.ms": 0,
            # A broker that is killed is missed in seconds, not in the usual nine and more.
            "broker.session.timeout.ms": 3000,
            "broker.heartbeat.interval.ms": 500,
            "controller.quorum.election.timeout.ms": 500,
            "controller.quorum.fetch.timeout.ms": 1500,
            "replica.lag.time.max.ms": 3000,
            "log.retention.hours": 24,
            "log.segment.bytes": 256 * 1024 * 1024,
            **properties,
        }
        path.write_text("".join(f"{key}={value}\n" for key, value in settings.items()))

    def _listeners(self, broker: Broker) -> list:
        """(name, port, address that is told to clients, protocol)"""
        advertised = broker.advertised_port if self._proxied else broker.proxied_port
        return [("DIRECT", broker.port, f"127.0.0.1:{broker.port}", "PLAINTEXT"),
                ("PROXIED", broker.proxied_port, f"127.0.0.1:{advertised}", "PLAINTEXT")]

    @property
    def bootstrap(self) -> str:
        return ",".join(f"127.0.0.1:{b.port}" for b in self.brokers)

    @property
    def proxied_bootstrap(self) -> str:
        return ",".join(f"127.0.0.1:{b.advertised_port}" for b in self.brokers)

    def __enter__(self) -> "Cluster":
        return self.start()

    def __exit__(self, *_):
        # Nothing of a test's broker is needed later: no clean shutdown.
        self.kill()

    def start(self) -> "Cluster":
        fresh = [b for b in self.brokers if not (b.directory / "data" / "meta.properties").exists()]
        formats = [
            subprocess.Popen(
                _java("kafka.tools.StorageTool", "format", "-t", self._cluster_id, "-c",
                      str(b.directory / "server.properties"),
                      extra=["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"], classpath=self._classpath),
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            for b in fresh]
        for job in formats:
            output, _ = job.communicate()
            if job.returncode != 0:
                raise RuntimeError(f"formatting Kafka's storage failed:\n{output}")
        if self._proxied:
            for b in self.brokers:
                if b.proxy is None:
                    b.proxy = Proxy(b.proxied_port, listen_port=b.advertised_port).start()
        for b in self.brokers:  # All before the first is waited for: one of three elects no controller.
            b.launch()
        for b in self.brokers:
            b.wait_listening()
        self.wait_ready(coordinators=bool(fresh))
        return self

    def stop(self):
        for b in reversed(self.brokers):
            b.stop()
        self._close()

    def kill(self):
        for b in self.brokers:
            b.kill()
        self._close()

    def _close(self):
        self._admin = None
        for b in self.brokers:
            if b.proxy is not None:
                b.proxy.stop()
                b.proxy = None

    def broker(self, node_id: int) -> Broker:
        return self.brokers[node_id - 1]

    @property
    def admin(self) -> AdminClient:
        if self._admin is None:
            self._admin = AdminClient({"bootstrap.servers": self.bootstrap, "log_level": 2,
                                       "socket.timeout.ms": 10000, "error_cb": lambda _: None})
        return self._admin

    def wait_ready(self, timeout_s: float = 120, coordinators: bool = False):
        """Returns once every running broker is known to the others and every partition has a leader.
        `coordinators` also waits for those of groups and transactions, which on a new cluster answer
        "Coordinator load in progress" for a while."""
        alive = {b.node_id for b in self.brokers if b.pid is not None}

        def ready():
            try:
                metadata = self.admin.list_topics(timeout=5)
            except KafkaException:
                return False
            partitions = [p for t in metadata.topics.values() for p in t.partitions.values()]
            return alive <= set(metadata.brokers) and all(p.leader in metadata.brokers for p in partitions)

        process.wait_until(ready, timeout_s, "the brokers know each other")
        if coordinators:
            process.wait_until(self._coordinators_answer, timeout_s, "the coordinators answer")

    def _coordinators_answer(self) -> bool:
        producer = Producer({"bootstrap.servers": self.bootstrap, "transactional.id": "parts-warm-up",
                             "transaction.timeout.ms": 1000,
                             "log_level": 2, "error_cb": lambda _: None})
        consumer = self._consumer("read_committed")
        try:
            producer.init_transactions(20)
            consumer.committed([TopicPartition("parts-warm-up", 0)], timeout=20)
            return True
        except KafkaException as failure:
            if failure.args[0].code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
                return True  # The group's coordinator looked, and there is nothing: it works.
            return False
        finally:
            consumer.close()

    def create_topic(self, name: str, partitions: int = 1, replication: int | None = None,
                     config: dict | None = None):
        topic = NewTopic(name, partitions, replication or min(3, len(self.brokers)), config=config or {})
        self.admin.create_topics([topic])[name].result(30)
        process.wait_until(lambda: self._has_leaders(name, partitions), 30, f"{name} has leaders")

    def add_partitions(self, name: str, total: int):
        self.admin.create_partitions([NewPartitions(name, total)])[name].result(30)
        process.wait_until(lambda: self._has_leaders(name, total), 30, f"{name} has {total} partitions")

    @contextlib.contextmanager
    def quota(self, client: str, **limits: int):
        """While it lasts, who calls itself so is held back: `quota("weir", producer_byte_rate=1000)`."""
        def alter(*change: str) -> None:
            tool("kafka.admin.ConfigCommand",
                 "--bootstrap-server", self.bootstrap, "--alter", "--entity-type", "clients", "--entity-name", client,
                 *change)

        alter("--add-config", ",".join(f"{name}={value}" for name, value in limits.items()))
        try:
            yield
        finally:
            alter("--delete-config", ",".join(limits))

    def delete_topic(self, name: str):
        self.admin.delete_topics([name])[name].result(30)
        process.wait_until(lambda: name not in self.topics(), 30, f"{name} is gone")

    def alter_topic(self, name: str, config: dict):
        from confluent_kafka.admin import AlterConfigOpType, ConfigEntry
        resource = ConfigResource(ResourceType.TOPIC, name, incremental_configs=[
            ConfigEntry(key, str(value), incremental_operation=AlterConfigOpType.SET)
            for key, value in config.items()])
        self.admin.incremental_alter_configs([resource])[resource].result(30)

    def delete_records(self, topic: str, before: dict):
        """Drops the records in front of `before[partition]`, as retention would."""
        wanted = [TopicPartition(topic, p, offset) for p, offset in before.items()]
        for answer in self.admin.delete_records(wanted).values():
            answer.result(30)

    def topics(self) -> list:
        return sorted(t for t in self.admin.list_topics(timeout=10).topics if not t.startswith("__"))

    def describe(self, name: str) -> dict:
        """{partition: {leader, replicas, isrs}} as the brokers see it now."""
        partitions = self.admin.list_topics(name, timeout=10).topics[name].partitions
        return {p: {"leader": m.leader, "replicas": list(m.replicas), "isrs": list(m.isrs)}
                for p, m in sorted(partitions.items())}

    def _has_leaders(self, name: str, partitions: int) -> bool:
        try:
            known = self.describe(name)
        except (KafkaException, KeyError):
            return False
        return len(known) == partitions and all(p["leader"] >= 0 for p in known.values())

    def wait_in_sync(self, name: str, timeout_s: float = 60):
        """Until every replica of the topic has caught up, as before the next broker goes down."""
        def in_sync():
            try:
                return all(len(p["isrs"]) == len(p["replicas"]) for p in self.describe(name).values())
            except (KafkaException, KeyError):
                return False
        process.wait_until(in_sync, timeout_s, f"all replicas of {name} are in sync")

    def transaction_coordinator(self, transactional_id: str) -> int:
        """The node that coordinates this transactional id's transactions."""
        return self._coordinator("__transaction_state", transactional_id)

    def group_coordinator(self, group: str) -> int:
        return self._coordinator("__consumer_offsets", group)

    def _coordinator(self, topic: str, key: str) -> int:
        hashed = 0
        for c in key:  # Java's String.hashCode.
            hashed = (31 * hashed + ord(c)) & 0xFFFFFFFF
        partitions = self.describe(topic)
        return partitions[(hashed & 0x7FFFFFFF) % len(partitions)]["leader"]

    def _consumer(self, isolation: str) -> Consumer:
        return Consumer({"bootstrap.servers": self.bootstrap, "group.id": "parts-reader",
                         "enable.auto.commit": False, "auto.offset.reset": "earliest",
                         "isolation.level": isolation, "enable.partition.eof": True,
                         "log_level": 2, "error_cb": lambda _: None})

    def produce(self, topic: str, records, **settings):
        """`records`: (key, value), (key, value, partition) or (key, value, partition, timestamp_ms).
        Returns when all are acknowledged."""
        producer = Producer({"bootstrap.servers": self.bootstrap, "partitioner": "murmur2_random",
                             "enable.idempotence": True, "linger.ms": 5, "log_level": 2, **settings})
        failed = []

        def delivered(error, _):
            if error is not None:
                failed.append(error)

        for key, value, *place in records:
            options = {}
            if place and place[0] is not None:
                options["partition"] = place[0]
            if len(place) > 1:
                options["timestamp"] = place[1]
            while True:
                try:
                    producer.produce(topic, value, key, on_delivery=delivered, **options)
                    break
                except BufferError:
                    producer.poll(0.1)
        if producer.flush(120) or failed:
            raise RuntimeError(f"producing to {topic} failed: {failed[:3] or 'timed out'}")

    def read_all(self, topic: str, isolation: str = "read_committed", timeout_s: float = 60) -> list:
        """Every record of the topic as it is now, each partition in its order. `timeout_s`: for so long
        nothing may come, however long all of it takes."""
        consumer = self._consumer(isolation)
        try:
            partitions = self.describe(topic)
            consumer.assign([TopicPartition(topic, p, 0) for p in partitions])
            ended, messages = set(), []
            deadline = time.monotonic() + timeout_s
            while len(ended) < len(partitions):
                if time.monotonic() > deadline:
                    raise TimeoutError(f"reading {topic} did not reach its end")
                for message in consumer.consume(5000, timeout=0.2):
                    if message.error() is None:
                        messages.append(message)
                        deadline = time.monotonic() + timeout_s
                    elif message.error().code() == KafkaError._PARTITION_EOF:
                        ended.add(message.partition())
                    elif not message.error().retriable() and message.error().fatal():
                        raise KafkaException(message.error())
            messages.sort(key=lambda m: (m.partition(), m.offset()))
            return messages
        finally:
            consumer.close()

    def end_offsets(self, topic: str, isolation: str = "read_committed") -> dict:
        consumer = self._consumer(isolation)
        try:
            return {p: consumer.get_watermark_offsets(TopicPartition(topic, p), timeout=10)[1]
                    for p in self.describe(topic)}
        finally:
            consumer.close()

    def committed(self, group: str, topic: str) -> dict:
        """{partition: offset} that a group has committed; None where it has not."""
        consumer = Consumer({"bootstrap.servers": self.bootstrap, "group.id": group, "log_level": 2,
                             "enable.auto.commit": False})
        try:
            answer = consumer.committed([TopicPartition(topic, p) for p in self.describe(topic)], timeout=20)
            return {t.partition: t.offset if t.offset >= 0 else None for t in answer}
        finally:
            consumer.close()


def main():
    """`./dev parts up|down kafka`: a broker that stays when the command ends."""
    parser = argparse.ArgumentParser(prog="parts.kafka")
    parser.add_argument("action", choices=["install", "up", "down"])
    parser.add_argument("--dir", type=pathlib.Path, default=process.PARTS_CACHE / "run" / "kafka")
    parser.add_argument("--brokers", type=int, default=1)
    parser.add_argument("--heap", default="512m")
    arguments = parser.parse_args()
    if arguments.action == "install":
        print(install())
        return
    if arguments.action == "down":
        if (arguments.dir / "layout.json").exists():
            Cluster(arguments.dir).stop()
            shutil.rmtree(arguments.dir)
        return
    cluster = Cluster(arguments.dir, brokers=arguments.brokers, heap=arguments.heap, outlive=True,
                      properties={"auto.create.topics.enable": "true", "num.partitions": 4})
    cluster.start()
    tables = arguments.dir / "tables"
    tables.mkdir(exist_ok=True)
    print(f"export BOOTSTRAP_SERVERS={cluster.bootstrap}")
    print("export KAFKA_SECURITY=plaintext")
    print(f"export TABLES={tables}")


if __name__ == "__main__":
    sys.exit(main())

"""The servers and proxies of the tests do what the tests rely on."""

import os
import socket
import threading

import boto3
from botocore.exceptions import ClientError
from confluent_kafka import KafkaError, Producer

from parts import proxy as proxies
from parts.process import dialled_from, wait_until
from parts.proxy import Proxy

QUIET = {"log_level": 0, "error_cb": lambda _: None}


def echo_server():
    server = socket.create_server(("127.0.0.1", 0))

    def echo(client):
        with client:
            while data := client.recv(65536):
                client.sendall(data)

    def serve():
        while True:
            try:
                client, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=echo, args=(client,), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    return server


def test_a_proxy_cuts_swallows_and_restores():
    with echo_server() as server:
        proxy = Proxy(server.getsockname()[1]).start()

        def connect():
            return socket.create_connection(("127.0.0.1", proxy.port), timeout=2)

        client = connect()
        client.sendall(b"one")
        assert client.recv(10) == b"one"

        proxy.blackhole()
        client.settimeout(0.2)
        client.sendall(b"two")
        try:
            assert client.recv(10) is None, "the hole answered"
        except TimeoutError:
            pass
        proxy.restore()
        client.settimeout(2)
        assert client.recv(10) == b"two"

        proxy.cut()
        assert client.recv(10) == b""
        try:
            connect()
            raise AssertionError("a cut proxy took a connection")
        except ConnectionRefusedError:
            pass
        proxy.restore()
        with connect() as client:
            client.sendall(b"three")
            assert client.recv(10) == b"three"
        proxy.stop()


def test_a_proxy_holds_one_way_of_one_who_dials():
    with echo_server() as server:
        ours, others = set(), set()
        proxy = Proxy(server.getsockname()[1], origin_of=lambda port: "us" if port in ours else "them").start()

        def connect(known: set[int]) -> socket.socket:
            client = socket.socket()
            client.bind(("127.0.0.1", 0))
            known.add(client.getsockname()[1])
            client.connect(("127.0.0.1", proxy.port))
            client.settimeout(5)
            client.sendall(b"here")
            assert client.recv(10) == b"here"
            return client

        one, other = connect(ours), connect(others)
        assert (proxy.connections("us"), proxy.connections("them"), proxy.connections()) == (1, 1, 2)
        for way in (proxies.UP, proxies.DOWN):
            proxy.hold(way, "us")
            one.sendall(way.encode())
            other.sendall(b"on")
            assert other.recv(10) == b"on"
            one.setblocking(False)
            try:
                raise AssertionError(f"{one.recv(10)} came through")
            except BlockingIOError:
                pass
            one.settimeout(5)
            proxy.restore()
            assert one.recv(10) == way.encode()
        # The end of a connection is held as well as what was sent before it.
        proxy.hold(proxies.UP, "us")
        one.sendall(b"last")
        one.close()
        assert proxy.connections("us") == 1
        proxy.restore()
        wait_until(lambda: proxy.connections("us") == 0, 5, "the end has come through")
        proxy.cut("us")
        with socket.create_connection(("127.0.0.1", proxy.port), timeout=5) as stranger:
            stranger.sendall(b"on")
            assert stranger.recv(10) == b"on"
        proxy.stop()


def test_who_dialled_is_found():
    with echo_server() as server, socket.create_connection(server.getsockname()) as client:
        port = client.getsockname()[1]
        assert dialled_from(port, [1 << 30, os.getpid()]) == os.getpid()
        assert dialled_from(port, [1 << 30]) is None


def send(bootstrap, topic, **settings):
    producer = Producer({"bootstrap.servers": bootstrap, "message.timeout.ms": 3000, **QUIET, **settings})
    answers = []
    producer.produce(topic, b"value", on_delivery=lambda error, _: answers.append(error))
    producer.flush(10)
    return answers[0]


def test_a_broker_keeps_its_records_over_a_kill(kafka):
    kafka.create_topic("kept", partitions=2)
    kafka.produce("kept", [(str(i), str(i)) for i in range(100)])
    kafka.brokers[0].kill()
    assert send(kafka.bootstrap, "kept").code() == KafkaError._MSG_TIMED_OUT
    kafka.brokers[0].start()
    kafka.wait_ready()
    assert sorted(int(m.value()) for m in kafka.read_all("kept")) == list(range(100))


def test_clients_behind_the_proxy_are_cut_off_and_others_are_not(kafka):
    kafka.create_topic("cut")
    proxy = kafka.brokers[0].proxy
    assert send(kafka.proxied_bootstrap, "cut") is None
    proxy.cut()
    assert send(kafka.proxied_bootstrap, "cut") is not None
    assert send(kafka.bootstrap, "cut") is None
    proxy.restore()
    assert send(kafka.proxied_bootstrap, "cut") is None


def test_an_s3_server_checks_what_weir_relies_on(s3):
    """Signatures, and that of two creations of an object the second is refused."""
    folder = s3.make_bucket("weir-parts")
    client = s3.client()
    client.put_object(Bucket="weir-parts", Key="a/b", Body=b"one", IfNoneMatch="*")
    for attempt in (lambda: client.put_object(Bucket="weir-parts", Key="a/b", Body=b"two", IfNoneMatch="*"),
                    lambda: boto3.client(
                        "s3", endpoint_url=s3.endpoint, region_name="us-east-1", aws_access_key_id="nobody",
                        aws_secret_access_key="x").list_objects_v2(Bucket="weir-parts")):
        try:
            raise AssertionError(f"answered {attempt()}")
        except ClientError as refused:
            assert refused.response["Error"]["Code"] in ("PreconditionFailed", "InvalidAccessKeyId")
    assert (folder / "a" / "b").read_bytes() == b"one"


def test_a_request_can_be_held_back_and_sent_late(kafka):
    """The last request of a transaction is caught; nobody sees the rows until it is sent again."""
    kafka.create_topic("late")
    proxy = kafka.brokers[0].proxy
    caught = []

    def catch(api_key, frame):
        if api_key == proxies.END_TXN:
            caught.append(frame)
            return proxies.DROP
        return proxies.PASS

    proxy.on_request = catch
    producer = Producer({"bootstrap.servers": kafka.proxied_bootstrap, "transactional.id": "late", **QUIET})
    producer.init_transactions(30)
    producer.begin_transaction()
    producer.produce("late", b"value")
    producer.flush(10)
    commit = threading.Thread(target=lambda: attempt(producer), daemon=True)
    commit.start()
    while not caught:
        commit.join(0.05)
    assert kafka.read_all("late") == []
    assert len(kafka.read_all("late", isolation="read_uncommitted")) == 1
    proxy.send_raw(caught[0])
    proxy.on_request = None
    proxy.drop_connections()
    commit.join(60)
    assert len(kafka.read_all("late")) == 1


def attempt(producer):
    try:
        producer.commit_transaction(30)
    except Exception as failure:  # The broker answered twice; what it holds is what counts.
        print(failure)

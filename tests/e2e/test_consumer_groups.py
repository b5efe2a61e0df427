"""Taking over from a consumer group, and handing back to one: nothing is lost, nothing doubled."""

import json
import pathlib

from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, TopicPartition
from confluent_kafka.admin import (AclBinding, AclBindingFilter, AclOperation, AclPermissionType,
                                   ResourcePatternType, ResourceType)

from e2e.test_bad_input import Case, refused
from e2e.weir import DONE, FAILED
from parts.kafka import Cluster


def consume(kafka, topic: str, group: str, count: int) -> list[int]:
    """What an ordinary member of the group gets, `count` numbers at most; it commits what it got."""
    consumer = Consumer({"bootstrap.servers": kafka.bootstrap, "group.id": group, "log_level": 2,
                         "enable.auto.commit": False, "auto.offset.reset": "error",
                         "isolation.level": "read_committed", "error_cb": lambda _: None})
    numbers: list[int] = []
    try:
        consumer.subscribe([topic])
        quiet = 0
        while len(numbers) < count and quiet < 100:
            message = consumer.poll(0.1)
            quiet = quiet + 1 if message is None else 0
            if message is not None and message.error() is None:
                numbers.append(json.loads(message.value())["n"])
                consumer.commit(message, asynchronous=False)
    finally:
        consumer.close()
    return numbers


def commit_start(kafka, topic: str, group: str) -> None:
    """Offset 0 of both partitions, as a consumer has that has read nothing."""
    asked = ConsumerGroupTopicPartitions(group, [TopicPartition(topic, p, 0) for p in (0, 1)])
    kafka.admin.alter_consumer_group_offsets([asked])[group].result(20)


def test_take_over_and_hand_back(kafka, weir_binary: pathlib.Path, tmp_path: pathlib.Path) -> None:
    case = Case(kafka, tmp_path, stop="never").topics()
    old, group = f"{case.topic}.old", f"weir-{case.topic}"
    case.path.write_text(case.path.read_text().replace("start: earliest", f"start: {{ group: {old} }}"))
    case.produce(0, 200)
    commit_start(kafka, case.topic, old)
    by_old = consume(kafka, case.topic, old, 90)
    assert len(by_old) == 90

    case.weir.start()
    case.wait_for(110)
    case.weir.kill()  # The group stands where some checkpoint stood, and weir where its last one did.
    case.produce(200, 260)
    case.weir.start()
    case.wait_for(170)
    assert case.weir.stop().code == DONE
    by_weir = case.numbers()
    assert sorted(by_old + by_weir) == list(range(260))

    case.produce(260, 300)
    by_new = consume(kafka, case.topic, group, 41)
    assert sorted(by_new) == list(range(260, 300))


def test_a_group_without_offsets(kafka, weir_binary: pathlib.Path, tmp_path: pathlib.Path) -> None:
    """Not a reason to read everything: its name may be wrong."""
    case = Case(kafka, tmp_path).topics()
    case.produce(0, 10)
    case.path.write_text(case.path.read_text().replace("start: earliest", "start: { group: nobody }"))
    refused(case.weir.run(), FAILED, "WEIR-K030", "nobody")
    assert case.weir.manifests() == []


def test_live_consumers_are_told(kafka, weir_binary: pathlib.Path, tmp_path: pathlib.Path) -> None:
    """Somebody still reads by the group that is taken over, and by the one that is told."""
    case = Case(kafka, tmp_path, options=", group: taken").topics()
    commit_start(kafka, case.topic, "taken")
    case.path.write_text(case.path.read_text().replace("start: earliest", "start: { group: taken }"))
    case.produce(0, 10)
    consumer = Consumer({"bootstrap.servers": kafka.bootstrap, "group.id": "taken", "log_level": 2,
                         "enable.auto.commit": False})
    try:
        consumer.subscribe([case.topic])
        while not consumer.assignment():
            consumer.poll(0.1)
        done = case.weir.run()
    finally:
        consumer.close()
    assert done.code == DONE, done.show()
    assert case.numbers() == list(range(10))
    assert "live consumers" in done.log and "WEIR-K029" in done.log, done.show()


def test_without_the_right(weir_binary: pathlib.Path, tmp_path: pathlib.Path) -> None:
    """A group that may not be used is told once, and holds nothing up."""
    properties = {
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "allow.everyone.if.no.acl.found": "true"}
    with Cluster(tmp_path / "guarded", properties=properties) as guarded:
        case = Case(guarded, tmp_path, stop="never").topics()
        denied = (ResourceType.GROUP, f"weir-{case.topic}", ResourcePatternType.LITERAL, "User:ANONYMOUS",
                  "*", AclOperation.READ, AclPermissionType.DENY)
        for made in guarded.admin.create_acls([AclBinding(*denied)]).values():
            made.result(20)
        case.produce(0, 100)
        case.weir.start()
        case.wait_for(100)
        told = case.weir.wait_log("positions of a source are not told")
        assert "WEIR-K006" in told and f"weir-{case.topic}" in told
        before = case.weir.manifests()[-1]
        case.weir.wait_until(lambda: case.weir.manifests()[-1] > before + 3, 20, "checkpoints go on")
        for gone in guarded.admin.delete_acls([AclBindingFilter(*denied)]).values():
            gone.result(20)
        case.weir.wait_log("positions of a source are told again")
        done = case.weir.stop()
        assert done.code == DONE, done.show()
        assert done.log.count("are not told") == 1
        assert guarded.committed(f"weir-{case.topic}", case.topic) == {0: 50, 1: 50}

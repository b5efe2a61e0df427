"""Records without a value: what a user of a compacted topic has for deletes."""

import json
import pathlib
import uuid

from e2e.test_bad_input import refused
from e2e.weir import DONE, FAILED, Weir

JOB = """
job: "{name}"
connections:
  broker: {{ kafka: {{ bootstrap_servers: "{bootstrap}" }} }}
sources:
  users:
    kafka: {{ connection: broker, topic: "{name}", stop: latest{options} }}
    columns: {{ name: string, age: int64 }}
    event_time: {{ column: kafka_timestamp }}
steps:
  grown:
    from: users
    where: kafka_tombstone or age >= 18
    select: {{ id: kafka_key, name: name, age: age, gone: kafka_tombstone }}
sinks:
  out:
    from: grown
    kafka: {{ connection: broker, topic: "{name}.out", key: id, tombstone: gone }}
"""

GIVEN = [(b"a", b'{"name":"ann","age":30}', 0), (b"b", None, 0), (b"c", b'{"name":"cid","age":7}', 0),
         (b"a", None, 0), (b"d", None, 1), (b"e", b'{"name":"eve","age":41}', 1)]


def run(kafka, tmp_path: pathlib.Path, options: str, given=GIVEN, **changes: str):
    name = f"tomb-{uuid.uuid4().hex[:8]}"
    for topic in (name, f"{name}.out"):
        kafka.create_topic(topic, partitions=2)
    kafka.produce(name, given)
    path = tmp_path / "job.yaml"
    text = JOB.format(name=name, bootstrap=kafka.bootstrap, options=options)
    for old, new in changes.items():
        text = text.replace(old, new)
    path.write_text(text)
    done = Weir(path, tmp_path / "run").run()
    return done, [(one.key(), one.value() and json.loads(one.value())["name"])
                  for one in kafka.read_all(f"{name}.out")]


def test_tombstones_go_through_as_rows(kafka, weir_binary: pathlib.Path, tmp_path: pathlib.Path) -> None:
    done, out = run(kafka, tmp_path, ", tombstones: row")
    assert done.code == DONE, done.show()
    assert sorted(out, key=str) == sorted(
        [(b"a", "ann"), (b"b", None), (b"a", None), (b"d", None), (b"e", "eve")], key=str)
    assert [value for key, value in out if key == b"a"] == ["ann", None]


def test_tombstones_are_left_out(kafka, weir_binary: pathlib.Path, tmp_path: pathlib.Path) -> None:
    done, out = run(kafka, tmp_path, ", tombstones: skip")
    assert done.code == DONE, done.show()
    assert sorted(out) == [(b"a", "ann"), (b"e", "eve")]


def test_tombstones_are_bad_rows(kafka, weir_binary: pathlib.Path, tmp_path: pathlib.Path) -> None:
    done, out = run(kafka, tmp_path, "")
    refused(done, FAILED, "WEIR-F004", "tombstone")
    assert out == []


def test_a_tombstone_without_a_key(kafka, weir_binary: pathlib.Path, tmp_path: pathlib.Path) -> None:
    done, out = run(kafka, tmp_path, ", tombstones: row", given=[(None, None, 0)])
    refused(done, FAILED, "WEIR-K031", "key")
    assert out == []


def test_broken_records_beside_tombstones(kafka, weir_binary: pathlib.Path,
                                          tmp_path: pathlib.Path) -> None:
    """Records that are rejected keep their places among those that are not."""
    given = []
    for i in range(300):
        value = [b"{", None, b'{"name":"%d","age":20}' % i][i % 3]
        given.append((b"%d" % i, value, i % 2))
    done, out = run(kafka, tmp_path, ", tombstones: row", given=given,
                    event_time="on_error: skip\n    event_time")
    assert done.code == DONE, done.show()
    assert sorted(out, key=str) == sorted(
        [(b"%d" % i, None if i % 3 == 1 else str(i)) for i in range(300) if i % 3], key=str)

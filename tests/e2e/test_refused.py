"""Records that the broker refuses although a checkpoint holds them: the user's choice, and what becomes
of each record by it."""

import base64
import json
import pathlib
import re
import shlex

import pytest

from e2e.test_bad_input import Case, run_to_the_middle
from e2e.weir import DECISION, DONE, USAGE, call

LARGE = "y" * 30_000


def stopped_by_a_lowered_limit(case: Case) -> str:
    """200 small records and a large one; the topic's limit falls while the job runs. What it told."""
    run_to_the_middle(case)
    case.kafka.alter_topic(f"{case.topic}.out", {"max.message.bytes": 20_000})
    case.produce(100, 150)
    case.produce(150, 151, text=LARGE)
    case.produce(151, 200)
    done = case.weir.wait(60)
    assert done.code == DECISION, done.show()
    assert "WEIR-K011" in done.log, done.show()
    return done.log


def with_dead_letter(case: Case) -> None:
    case.kafka.create_topic(f"{case.topic}.dead", partitions=1)
    case.path.write_text(case.path.read_text() + (
        f"    on_error: {{ dead_letter: {{ kafka: {{ connection: broker, "
        f"topic: \"{case.topic}.dead\" }} }} }}\n"))


def letters(case: Case) -> list[dict]:
    return [json.loads(m.value()) for m in case.kafka.read_all(f"{case.topic}.dead")]


def printed_commands(log: str) -> list[list[str]]:
    lines = re.search(r"to choose so:\n((?:  weir .*\n)+)", log)
    assert lines, log
    return [shlex.split(line) for line in lines[1].splitlines()]


@pytest.mark.parametrize("killed", [False, True], ids=["straight", "killed between"])
def test_a_refused_record_goes_to_the_dead_letter(kafka, weir_binary: pathlib.Path,
                                                  tmp_path: pathlib.Path, killed: bool) -> None:
    case = Case(kafka, tmp_path, stop="never").topics()
    with_dead_letter(case)
    resolve, run = printed_commands(stopped_by_a_lowered_limit(case))
    assert resolve == ["weir", "txn", "resolve", case.topic, "--sink", "out", "--state-dir",
                       str(case.weir.state), "--dead-letter"]
    assert run[:3] == ["weir", "run", str(case.path)] and "--rewind" not in run
    # It stops the same way until somebody chooses, and nothing of the epoch shows.
    assert case.weir.run().code == DECISION
    assert 150 not in case.numbers() and letters(case) == []

    done = call(*resolve[1:])
    assert done.code == DONE, done.show()
    if killed:
        case.weir.start("engine.recovery.set_aside=kill@1")
        assert case.weir.wait().killed
    case.weir.start()
    case.wait_for(199)
    case.produce(200, 210)
    case.wait_for(209)
    assert case.weir.stop().code == DONE, case.weir.log()
    assert case.numbers() == [n for n in range(210) if n != 150]
    [letter] = letters(case)
    assert letter["node"] == "out" and letter["code"] == "WEIR-K012"
    assert letter["topic"] == f"{case.topic}.out" and "max.message.bytes" in letter["reason"]
    assert json.loads(base64.b64decode(letter["value"])) == {"n": 150, "text": LARGE, "more": 151}
    assert letter["timestamp"] > 0 and letter["row"] is None
    # The word counts once: what is refused now goes by on_error, and a new start asks nothing.
    assert case.weir.start().running
    case.produce(210, 211)
    case.wait_for(210)
    assert case.weir.stop().code == DONE
    assert len(letters(case)) == 1


def test_without_a_dead_letter_it_is_asked_for(kafka, weir_binary: pathlib.Path,
                                               tmp_path: pathlib.Path) -> None:
    case = Case(kafka, tmp_path, stop="never").topics()
    log = stopped_by_a_lowered_limit(case)
    assert "give sink 'out' a dead letter" in log
    [resolve, _] = printed_commands(log)
    assert call(*resolve[1:]).code == DONE
    done = case.weir.run()
    assert done.code == DECISION and "WEIR-E016" in done.log, done.show()
    assert printed_commands(done.log)[0][-1] == "--drop"
    # It gets one: the word still stands.
    with_dead_letter(case)
    case.weir.start()
    case.wait_for(199)
    assert case.weir.stop().code == DONE, case.weir.log()
    assert case.numbers() == [n for n in range(200) if n != 150]
    assert len(letters(case)) == 1


def test_dropping_gives_up_what_waits(kafka, weir_binary: pathlib.Path,
                                      tmp_path: pathlib.Path) -> None:
    case = Case(kafka, tmp_path, stop="never").topics()
    stopped_by_a_lowered_limit(case)
    published = case.numbers()
    arguments = ["txn", "resolve", case.topic, "--sink", "out", "--state-dir", str(case.weir.state)]
    for wrong in ([], ["--drop", "--dead-letter"]):
        assert call(*arguments, *wrong).code == USAGE
    done = call(*arguments, "--drop")
    assert done.code == DONE and "dropped" in done.out, done.show()
    case.produce(200, 210)
    case.weir.start()
    case.weir.wait_until(lambda: set(range(200, 210)) <= set(case.numbers()), 30, "new rows are out")
    assert case.weir.stop().code == DONE, case.weir.log()
    after = case.numbers()
    assert set(range(200, 210)) <= set(after) and 150 not in after
    assert len(after) == len(set(after)) and set(published) <= set(after)

"""The job with many keys: its input, and what must come out of it."""

import json
import pathlib
import random
import uuid
from collections import defaultdict

from e2e import checker
from e2e.inputs import BASE_MS
from e2e.weir import Weir

JOB = pathlib.Path(__file__).parent / "jobs" / "keys.yaml"


class KeysJob:
    def __init__(self, kafka, work: pathlib.Path, seed: int, keys: int, hot: int, rows: int,
                 mutant: str | None = None):
        """`rows` rows of `keys` keys, of which the first `hot` get half of them."""
        self.kafka = kafka
        self.name = f"keys-{uuid.uuid4().hex[:8]}"
        kafka.create_topic(self.name, partitions=2)
        kafka.create_topic(f"{self.name}.counts", partitions=2)
        chance = random.Random(seed)
        self._given: dict[str, list[int]] = defaultdict(list)
        records = []
        for number in range(rows):
            # Half of the rows go to a few keys, which change all the time; the others to keys that
            # come again after a long while and push those out of memory.
            index = chance.randrange(hot) if chance.random() < 0.5 else number % keys
            key = f"{index:010d}{'x' * 300}"
            self._given[key].append(number)
            value = json.dumps({"key": key, "seq": number, "at": BASE_MS + number // 100})
            records.append((key.encode(), value.encode(), index % 2))
        kafka.produce(self.name, records)
        self.weir = Weir(JOB, work, mutant=mutant, flags=["--memory", "32MiB"], variables={
            "JOB": self.name, "BOOTSTRAP": kafka.bootstrap, "TOPIC": self.name})

    def judge(self) -> checker.Verdict:
        expected = {
            (key,): {"key": key, "n": len(numbers), "total": sum(numbers), "low": numbers[0],
                     "high": numbers[-1]}
            for key, numbers in self._given.items()
        }
        values = [m.value() for m in self.kafka.read_all(f"{self.name}.counts")]
        return checker.check_rows(expected, values, ("key",), "counts")

"""The places of the protocol where weir can be made to die, as the sources name them.

test_kills.py fails when a source has a failpoint that is not here, or the other way round.
"""

import pathlib
import re
from dataclasses import dataclass

from e2e.weir import ROOT

# Passed by a job that runs and takes checkpoints: a kill there, on the n-th pass, which is a second
# or two after its start, when windows close again.
RUNNING = {
    "engine.trigger": 12,
    "engine.barrier.before_positions": 30,
    "engine.barrier.one_input_aligned": 18,
    "engine.task.before_ack": 60,
    "engine.all_acked": 12,
    "engine.manifest_committed": 12,
    "engine.sinks_told": 12,
    "engine.cleaned_up": 15,
    "engine.source.poll": 90,
    "state.store.before_write": 18,
    "state.store.before_ingest": 18,
    "state.store.after_ingest": 18,
    "state.store.before_link": 18,
    "state.store.after_link": 18,
    "state.upload.file": 48,
    "state.upload.after_file": 48,
    "state.manifest.before_sync": 12,
    "state.manifest.after_sync": 12,
    "state.manifest.before_link": 12,
    "state.manifest.after_link": 12,
    "state.cleanup.before_manifest": 12,
    "state.cleanup.before_file": 36,
    "state.publishing": 3,
    "files.seal.write": 4,
    "kafka.publish.received": 12,
    "kafka.publish.begun": 12,
    "kafka.publish.produced": 13,
    "kafka.publish.marked": 13,
    "kafka.publish.commit_sent": 14,
    "kafka.publish.committed": 15,
}
# Passed by a start whose checkpoint counts on an unfinished file of a table.
WITH_AN_OPEN_FILE = ("files.publish.copied", "files.publish.renamed")
# Passed by a start that goes on from a checkpoint, before rows flow again.
RECOVERING = {
    "state.job.save": 1,
    "state.restore.begin": 1,
    "state.restore.file": 3,
    "state.restore.end": 1,
    "engine.recovery.fenced": 1,
    "engine.recovery.published": 1,
    "engine.recovery.task_restored": 2,
    "engine.task.before_first_row": 1,
}
# Passed by a worker that runs with others: test_cluster.py.
EXCHANGE = {
    "exchange.frame_sent": 150,
    "exchange.frame_received": 150,
    "exchange.credit": 150,
}
# Passed by a job that writes to a search server which refuses some of it: test_opensearch.py.
SEARCH = (
    "opensearch.publish.received",
    "opensearch.publish.some",
    "opensearch.publish.done",
    "engine.recovery.letters",
)
# Passed only by something that other tests do.
ELSEWHERE = {
    "kafka.publish.between": "only with the mutant marker_outside_transaction: test_mutants.py",
    "kafka.redrive.produced": "only of 'weir dlq redrive': test_dead_letters.py",
    "kafka.redrive.committed": "only of 'weir dlq redrive': test_dead_letters.py",
    "kafka.producer.lost": "as if a connection had been lost: test_recovery.py",
    "engine.recovery.set_aside": "only after 'weir txn resolve --dead-letter': test_refused.py",
    "state.key_value.write": "of the manager's job store: state/key_value_store_test.cc",
    "manager.etcd.write": "of a manager that shares an etcd: test_cluster_mutants.py",
    "files.upload.begun": "of a table in a bucket: test_lake.py",
    "files.upload.part": "of a table in a bucket: test_lake.py",
    "files.publish.put": "of a table in a bucket: test_lake.py",
    "files.publish.tail": "of a table in a bucket: test_lake.py",
    "files.publish.completed": "of a table in a bucket: test_lake.py",
    "files.publish.visible": "of a table, before its list: test_lake.py",
    "files.publish.listed": "of a table, after its list: test_lake.py",
    "files.cleanup.ended": "of a table in a bucket, at a start after a kill: test_lake.py",
    "state.savepoint.file": "of savepoints: test_savepoints.py",
    "state.savepoint.before_record": "of savepoints: test_savepoints.py",
    "state.upload.bytes": "only where an outbox is too large for the manifest: test_kills.py",
}

# A kill there leaves an open transaction behind, or one whose outcome nobody has heard.
IN_TRANSACTION = {
    "kafka.publish.begun", "kafka.publish.produced", "kafka.publish.marked",
    "kafka.publish.commit_sent",
}

MUTANTS = (
    "publish_before_manifest", "no_fencing", "marker_outside_transaction", "positions_late",
    "watermark_not_restored", "eviction_during_snapshot", "live_directory_reopened",
    "dropped_outbox_forgotten", "checksum_ignored", "idle_while_leader_away", "producer_reused",
    "manifest_gap", "gone_tasks_outbox_forgotten", "rescale_keeps_all_slots",
)
# Of several processes: test_cluster_mutants.py.
CLUSTER_MUTANTS = (
    "manifest_taken_accepted", "only_present_lanes", "etcd_leader_not_asked", "lower_term_accepted",
    "exchange_old_attempt_accepted",
)


@dataclass(frozen=True)
class Switches:
    failpoints: set[str]
    mutants: set[str]


def in_sources() -> Switches:
    """Those that the sources hold now."""
    failpoints, mutants = set(), set()
    for folder in ("base", "batch", "config", "expr", "clients", "formats", "state", "operators",
                   "connectors", "engine", "daemon", "cli"):
        for path in (ROOT / folder).rglob("*.[ch]*"):
            if path.name.startswith("failpoint") or "_test" in path.name:
                continue
            text = pathlib.Path(path).read_text()
            failpoints |= set(re.findall(r'WEIR_FAILPOINT\("([^"]+)"\)', text))
            mutants |= set(re.findall(r'WEIR_MUTANT\("([^"]+)"\)', text))
    return Switches(failpoints, mutants)

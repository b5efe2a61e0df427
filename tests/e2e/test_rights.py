"""A right is taken away while the job runs: it is told which, and all is there once it is back."""

import pathlib

import pytest
from confluent_kafka.admin import (AclBinding, AclBindingFilter, AclOperation, AclPermissionType,
                                   ResourcePatternType, ResourceType)

from e2e.campaign import Campaign
from parts.kafka import Cluster

SEED = 77
GUARDED = {"authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
           "allow.everyone.if.no.acl.found": "true"}


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    with Cluster(tmp_path_factory.mktemp("guarded"), properties=GUARDED) as cluster:
        yield cluster


RESOURCES = {"topic": ResourceType.TOPIC, "group": ResourceType.GROUP,
             "transactional id": ResourceType.TRANSACTIONAL_ID}


class Denied:
    """While it lasts, nobody may do `operation` to the resource."""

    def __init__(self, kafka, kind: str, name: str, operation: AclOperation):
        self.kafka = kafka
        self.place = (RESOURCES[kind], name, ResourcePatternType.LITERAL, "User:ANONYMOUS", "*",
                      operation, AclPermissionType.DENY)

    def __enter__(self) -> None:
        for made in self.kafka.admin.create_acls([AclBinding(*self.place)]).values():
            made.result(20)

    def __exit__(self, *_) -> None:
        for gone in self.kafka.admin.delete_acls([AclBindingFilter(*self.place)]).values():
            gone.result(20)


def begin(campaign: Campaign) -> None:
    campaign.start()
    campaign.wait_for_windows(campaign.feed.newest_ms + 1_000)
    campaign.feed.pause()  # It is the same user's, and would be refused too.
    campaign.feed.send(500)
    campaign.feed.flush()


@pytest.mark.parametrize("kind, name, operation", [
    ("topic", "{}.passed", AclOperation.WRITE),
    ("transactional id", "weir-{}-passed_topic-0", AclOperation.WRITE),
    ("group", "weir-{}-passed_topic-0", AclOperation.READ),
])
def test_a_right_to_publish(guarded, weir_binary: pathlib.Path, tmp_path: pathlib.Path, kind: str,
                            name: str, operation: AclOperation) -> None:
    """Stops, and goes on from its checkpoint when it is started with the right again."""
    with Campaign(guarded, tmp_path, SEED, rate=800) as campaign:
        begin(campaign)
        what = name.format(campaign.name)
        with Denied(guarded, kind, what, operation):
            campaign.feed.resume()
            stopped = campaign.weir.wait(60)
        assert stopped.code == 1, stopped.show()
        assert "WEIR-K006" in stopped.log and what in stopped.log, stopped.show()
        campaign.finish_clean(patience_s=20)


def refusals(kafka: Cluster, topic: str) -> int:
    """How often the broker has said no to somebody who asked for the topic."""
    return sum("is Denied" in line and f"Topic:LITERAL:{topic} " in line
               for line in kafka.brokers[0].log.read_text().splitlines())


def test_the_right_to_read(guarded, weir_binary: pathlib.Path, tmp_path: pathlib.Path) -> None:
    """Waits, says for what, and goes on by itself."""
    with Campaign(guarded, tmp_path, SEED, rate=800) as campaign:
        begin(campaign)
        with Denied(guarded, "topic", campaign.name, AclOperation.READ):
            line = campaign.weir.wait_log("kafka partition cannot be read")
            assert "WEIR-K006" in line and f"partition={campaign.name}/" in line and "right" in line
            told = refusals(guarded, campaign.name)
            campaign.weir.wait_until(lambda: refusals(guarded, campaign.name) >= told + 35, 30,
                                     "the broker is asked again and again")
            assert campaign.weir.running, campaign.weir.log()
        campaign.feed.resume()
        campaign.finish_clean(patience_s=20)
        assert campaign.weir.starts == 1

"""What weir needs at AWS: as it says itself, and as its sources show."""

import json
import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]


def declared(binary: pathlib.Path) -> list:
    printed = subprocess.run([binary, "rights", "--output", "json"], check=True, capture_output=True, text=True, timeout=60)
    return json.loads(printed.stdout)


def rights_by_use(binary: pathlib.Path) -> dict:
    found = {}
    for right in declared(binary):
        found.setdefault(right["use"], set()).add(right["action"])
    return found


def sources(*patterns: str) -> str:
    """Sources without their tests."""
    return "".join(file.read_text() for pattern in patterns for file in sorted(ROOT.glob(pattern))
                   if not file.stem.endswith("_test"))


# What S3 wants for a request: https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
OF_S3 = {
    ("GET", ""): "s3:GetObject", ("HEAD", ""): "s3:GetObject", ("PUT", ""): "s3:PutObject",
    ("POST", "uploads"): "s3:PutObject", ("PUT", "partNumber"): "s3:PutObject", ("POST", "uploadId"): "s3:PutObject",
    ("DELETE", "uploadId"): "s3:AbortMultipartUpload",
    ("DELETE", ""): "s3:DeleteObject", ("POST", "delete"): "s3:DeleteObject",
    ("GET", "list-type"): "s3:ListBucket", ("GET", "uploads"): "s3:ListBucketMultipartUploads",
}


def of_s3_client() -> set:
    """From the requests that are built: a method, and the first word of the query that follows it."""
    text = sources("clients/s3*.cc")
    needed = set()
    for method, body in re.findall(r'\.method = "(\w+)";(.*?)(?=\.method = |\Z)', text, re.DOTALL):
        query = re.search(r'\.query = \{\{"([\w-]+)"', body.partition("Send")[0])
        needed.add(OF_S3[method, query[1] if query else ""])
    return needed


def of_glue_client() -> set:
    return {f"glue:{name}" for name in re.findall(r'(?:AWSGlue\.|Call\(")([A-Z]\w+)"', sources("clients/glue_registry.cc"))}


def of_secrets_client() -> set:
    return {f"secretsmanager:{name}" for name in re.findall(r'"secretsmanager\.(\w+)"', sources("clients/secrets_manager.cc"))}


# Nobody needs a right to ask who he is; a web identity is let in by the role's own policy.
OF_STS = {"AssumeRole": {"sts:AssumeRole"}, "AssumeRoleWithWebIdentity": set(), "GetCallerIdentity": set()}


def of_sts_client() -> set:
    called = re.findall(r'Call\(sts, "(\w+)"', sources("clients/sts.cc"))
    return set().union(*(OF_STS[name] for name in called))


def of_search_client() -> set:
    """A domain's rights are by the method: es:ESHttpPost."""
    text = sources("connectors/opensearch/*.cc", "connectors/opensearch/*.h")
    return {f"es:ESHttp{method.capitalize()}" for method in re.findall(r'(?:method = |Ask\(connection, )"([A-Z]+)"', text)}


_TOPIC = {"Connect", "DescribeTopic"}
# What MSK wants for a call of librdkafka's, with what that depends on:
# https://docs.aws.amazon.com/msk/latest/developerguide/kafka-actions.html
OF_KAFKA = {
    "rd_kafka_metadata": {"Connect", "DescribeCluster", "DescribeTopic"},
    "rd_kafka_DescribeTopics": _TOPIC,
    "rd_kafka_ListOffsets": _TOPIC,
    "rd_kafka_DescribeConfigs": {"Connect", "DescribeTopicDynamicConfiguration", "DescribeClusterDynamicConfiguration"},
    "rd_kafka_ListConsumerGroupOffsets": {"Connect", "DescribeGroup"},
    "rd_kafka_DescribeConsumerGroups": {"Connect", "DescribeGroup"},
    "rd_kafka_AlterConsumerGroupOffsets": {"Connect", "DescribeGroup", "AlterGroup"},
    "rd_kafka_consume_batch_queue": _TOPIC | {"ReadData"},
    "rd_kafka_init_transactions": {"Connect", "DescribeTransactionalId", "AlterTransactionalId", "WriteDataIdempotently"},
    "rd_kafka_send_offsets_to_transaction": {"Connect", "DescribeGroup", "AlterGroup", "ReadData",
                                             "DescribeTransactionalId", "AlterTransactionalId"},
    "rd_kafka_commit_transaction": {"DescribeTransactionalId", "AlterTransactionalId"},
    "rd_kafka_produceva": _TOPIC | {"WriteData"},
}
# Calls that ask a broker for something end in one of these, or are named above.
ASKS = re.compile(r"\b(rd_kafka_(?:(?:List|Describe|Alter|Create|Delete|Incremental|Elect)[A-Za-z]+|metadata|committed|"
                  r"commit\w*|consume\w*|\w+_transactions?|produce\w*))\(")
LOCAL = {"rd_kafka_begin_transaction", "rd_kafka_consumer_poll", "rd_kafka_consumer_group_metadata_new",
         "rd_kafka_consumer_group_metadata_destroy"}


def of_kafka_connector() -> set:
    called = {name for name in ASKS.findall(sources("connectors/kafka/*.cc")) } - LOCAL
    assert called == set(OF_KAFKA), "what such a call takes is to be told here"
    return {f"kafka-cluster:{right}" for name in called for right in OF_KAFKA[name]}

#include "clients/aws_rights.h"

#include <vector>

namespace weir {
namespace {

using namespace aws_use;

constexpr AwsRight kRights[] = {
    {kKafka, "kafka-cluster:Connect", "cluster", "logs in"},
    {kKafka, "kafka-cluster:DescribeCluster", "cluster", "finds brokers and coordinators"},
    {kKafka, "kafka-cluster:DescribeClusterDynamicConfiguration", "cluster",
     "learns how long transactions and offsets live; without it takes Kafka's defaults for "
     "granted"},
    {kKafka, "kafka-cluster:WriteDataIdempotently", "cluster", "writes each record once"},
    {kKafka, "kafka-cluster:DescribeTopic", "topic", "finds partitions, leaders and offsets"},
    {kKafka, "kafka-cluster:DescribeTopicDynamicConfiguration", "topic",
     "learns the largest record of an output topic; without it takes Kafka's default for granted"},
    {kKafka, "kafka-cluster:ReadData", "topic", "reads"},
    {kKafka, "kafka-cluster:WriteData", "topic", "writes"},
    {kKafka, "kafka-cluster:DescribeGroup", "group",
     "reads the marker of what is published, and positions of a group that is taken over"},
    {kKafka, "kafka-cluster:AlterGroup", "group",
     "writes the marker, and positions for others to see"},
    {kKafka, "kafka-cluster:DescribeTransactionalId", "transactional-id",
     "finds the coordinator of its transactions"},
    {kKafka, "kafka-cluster:AlterTransactionalId", "transactional-id",
     "publishes in transactions, and fences who did so before"},

    {kSecret, "secretsmanager:GetSecretValue", "secret", "reads user and password"},
    {kSecret, "kms:Decrypt", "key of the secret", "has them decrypted"},

    {kRole, "sts:AssumeRole", "role",
     "takes the role on; its trust policy names who may, or whose web identity"},

    {kReadSchemas, "glue:GetSchemaVersion", "registry and schemas",
     "reads the schema that a record names by its id, and the newest of a name"},
    {kReadSchemas, "glue:GetSchemaByDefinition", "registry and schemas",
     "finds the id of the schema that it writes by"},
    {kReadSchemas, "glue:ListSchemaVersions", "registry and schemas",
     "looks behind a newest version that Glue has refused"},
    {kReadSchemas, "glue:GetSchema", "registry and schemas", "reads a schema's compatibility"},
    {kWriteSchemas, "glue:CreateSchema", "registry and schemas", "registers the first version"},
    {kWriteSchemas, "glue:RegisterSchemaVersion", "registry and schemas", "registers a later one"},
    {kWriteSchemas, "glue:UpdateSchema", "registry and schemas", "sets a schema's compatibility"},

    {kObjects, "s3:GetObject", "bucket/*", "reads"},
    {kObjects, "s3:PutObject", "bucket/*", "writes, large objects in parts"},
    {kObjects, "s3:AbortMultipartUpload", "bucket/*", "takes back parts of what it gave up"},
    {kObjects, "s3:DeleteObject", "bucket/*", "removes what no checkpoint needs any more"},
    {kObjects, "s3:ListBucket", "bucket",
     "finds what is there, and is told that an object is missing, and not that it is forbidden"},
    {kObjects, "s3:ListBucketMultipartUploads", "bucket",
     "finds parts of files that nobody finishes any more"},
    {kEncryptedObjects, "kms:GenerateDataKey", "kms_key", "writes with that key"},
    {kEncryptedObjects, "kms:Decrypt", "kms_key", "reads, and writes in parts"},

    {kSearch, "es:ESHttpGet", "domain/*", "looks at an index and its mapping"},
    {kSearch, "es:ESHttpPost", "domain/*", "writes documents in bulk"},
    {kSearch, "es:ESHttpPut", "domain/*", "makes an index with its mapping"},
};

}  // namespace

std::span<const AwsRight> AwsRights() { return kRights; }

std::string ActionsOf(std::string_view use) {
  std::vector<std::string_view> actions;
  for (const AwsRight& right : kRights) {
    if (right.use == use) actions.push_back(right.action);
  }
  std::string text;
  for (size_t i = 0; i < actions.size(); i++) {
    if (i > 0) text += i + 1 == actions.size() ? " and " : ", ";
    text += actions[i];
  }
  return text;
}

}  // namespace weir

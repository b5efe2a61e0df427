#include "connectors/kafka/admin.h"

#include <librdkafka/rdkafka.h>

#include <algorithm>

#include <fmt/format.h>

#include "config/yaml.h"
#include "connectors/kafka/admin_request.h"
#include "connectors/kafka/errors.h"

namespace weir::kafka {
namespace {

/// None where the broker has not told: who sees a topic has the right to describe it at least.
std::optional<TopicRights> ParseRights(const rd_kafka_TopicDescription_t* topic) {
  size_t count = 0;
  const rd_kafka_AclOperation_t* operations =
      rd_kafka_TopicDescription_authorized_operations(topic, &count);
  if (operations == nullptr || count == 0) return std::nullopt;
  TopicRights rights;
  for (size_t i = 0; i < count; i++) {
    rights.read = rights.read || operations[i] == RD_KAFKA_ACL_OPERATION_READ;
    rights.write = rights.write || operations[i] == RD_KAFKA_ACL_OPERATION_WRITE;
  }
  return rights;
}

void ParsePartition(const rd_kafka_TopicPartitionInfo_t* partition, TopicFacts& facts) {
  const auto* leader = rd_kafka_TopicPartitionInfo_leader(partition);
  if (leader == nullptr || rd_kafka_Node_id(leader) < 0) {
    facts.leaderless.push_back(rd_kafka_TopicPartitionInfo_partition(partition));
  }
  size_t in_step = 0;
  size_t copies = 0;
  (void)rd_kafka_TopicPartitionInfo_isr(partition, &in_step);
  (void)rd_kafka_TopicPartitionInfo_replicas(partition, &copies);
  if (in_step < copies) facts.under_replicated++;
}

TopicsAnswer ParseTopics(const rd_kafka_event_t* event) {
  TopicsAnswer answer;
  size_t count = 0;
  const auto** topics = rd_kafka_DescribeTopics_result_topics(
      rd_kafka_event_DescribeTopics_result(const_cast<rd_kafka_event_t*>(event)), &count);
  for (size_t i = 0; i < count; i++) {
    TopicFacts facts;
    facts.name = rd_kafka_TopicDescription_name(topics[i]);
    facts.error = rd_kafka_error_code(rd_kafka_TopicDescription_error(topics[i]));
    if (facts.error == 0) {
      if (const auto* id = rd_kafka_TopicDescription_topic_id(topics[i])) {
        const bool none = rd_kafka_Uuid_most_significant_bits(id) == 0 &&
                          rd_kafka_Uuid_least_significant_bits(id) == 0;
        if (!none) facts.id = rd_kafka_Uuid_base64str(id);
      }
      size_t partitions = 0;
      const auto** infos = rd_kafka_TopicDescription_partitions(topics[i], &partitions);
      facts.partitions = static_cast<int32_t>(partitions);
      for (size_t p = 0; p < partitions; p++) ParsePartition(infos[p], facts);
      facts.rights = ParseRights(topics[i]);
    }
    answer.push_back(std::move(facts));
  }
  return answer;
}

OffsetsAnswer ParseOffsets(const rd_kafka_event_t* event) {
  OffsetsAnswer answer;
  size_t count = 0;
  const auto** infos = rd_kafka_ListOffsets_result_infos(
      rd_kafka_event_ListOffsets_result(const_cast<rd_kafka_event_t*>(event)), &count);
  for (size_t i = 0; i < count; i++) {
    const auto* at = rd_kafka_ListOffsetsResultInfo_topic_partition(infos[i]);
    answer.push_back({{at->topic, at->partition},
                      at->err,
                      at->offset,
                      rd_kafka_topic_partition_get_leader_epoch(at)});
  }
  return answer;
}

SettingsAnswer ParseSettings(const rd_kafka_event_t* event, int* error, std::string* reason) {
  SettingsAnswer answer;
  size_t count = 0;
  const auto** resources = rd_kafka_DescribeConfigs_result_resources(
      rd_kafka_event_DescribeConfigs_result(const_cast<rd_kafka_event_t*>(event)), &count);
  for (size_t i = 0; i < count; i++) {
    if (const auto fault = rd_kafka_ConfigResource_error(resources[i])) {
      *error = fault;
      const char* text = rd_kafka_ConfigResource_error_string(resources[i]);
      *reason = text != nullptr ? text : "";
      continue;
    }
    size_t entries = 0;
    const auto** entry = rd_kafka_ConfigResource_configs(resources[i], &entries);
    for (size_t e = 0; e < entries; e++) {
      const char* value = rd_kafka_ConfigEntry_value(entry[e]);
      if (value != nullptr) answer[rd_kafka_ConfigEntry_name(entry[e])] = value;
    }
  }
  return answer;
}

Result<SettingsAnswer> Settings(Client& client, rd_kafka_ResourceType_t type,
                                const std::string& name, Duration timeout) {
  const std::string what = fmt::format("reading the settings of {} {}",
                                       type == RD_KAFKA_RESOURCE_TOPIC ? "topic" : "broker", name);
  int error = 0;
  std::string reason;
  auto pending = std::make_unique<PendingEvent<SettingsAnswer>>(
      client, what,
      [&](const rd_kafka_event_t* event) { return ParseSettings(event, &error, &reason); });
  Owned<rd_kafka_ConfigResource_t> resource(rd_kafka_ConfigResource_new(type, name.c_str()));
  rd_kafka_ConfigResource_t* resources[] = {resource.get()};
  auto options = Options(client, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, timeout);
  rd_kafka_DescribeConfigs(client.get(), resources, 1, options.get(), pending->queue());
  auto answer = WEIR_TRY(Await<SettingsAnswer>(client, std::move(pending), timeout, what));
  if (error != 0) return client.Failure(error, reason, what);
  return answer;
}

}  // namespace

std::unique_ptr<Pending<TopicsAnswer>> AskTopics(Client& client,
                                                 const std::vector<std::string>& names,
                                                 Duration timeout, AskRights rights) {
  auto pending = std::make_unique<PendingEvent<TopicsAnswer>>(
      client, "describing topics", [&client](const rd_kafka_event_t* event) {
        TopicsAnswer answer = ParseTopics(event);
        for (const TopicFacts& topic : answer) {
          const auto leaderless = static_cast<int32_t>(topic.leaderless.size());
          client.connection().SawTopic(topic.name, {leaderless, topic.under_replicated});
        }
        return answer;
      });
  std::vector<const char*> list;
  for (const std::string& name : names) list.push_back(name.c_str());
  Owned<rd_kafka_TopicCollection_t> topics(
      rd_kafka_TopicCollection_of_topic_names(list.data(), list.size()));
  auto options = Options(client, RD_KAFKA_ADMIN_OP_DESCRIBETOPICS, timeout);
  Owned<rd_kafka_error_t> fault(rd_kafka_AdminOptions_set_include_authorized_operations(
      options.get(), rights == AskRights::kYes ? 1 : 0));
  WEIR_CHECK(!fault);
  rd_kafka_DescribeTopics(client.get(), topics.get(), options.get(), pending->queue());
  return pending;
}

std::unique_ptr<Pending<OffsetsAnswer>> AskOffsets(Client& client,
                                                   const std::vector<OffsetQuery>& queries,
                                                   Isolation isolation, Duration timeout) {
  auto pending =
      std::make_unique<PendingEvent<OffsetsAnswer>>(client, "asking for offsets", ParseOffsets);
  Owned<rd_kafka_topic_partition_list_t> list(
      rd_kafka_topic_partition_list_new(static_cast<int>(queries.size())));
  for (const OffsetQuery& query : queries) {
    auto* added =
        rd_kafka_topic_partition_list_add(list.get(), query.at.topic.c_str(), query.at.partition);
    added->offset = query.spec;
  }
  auto options = Options(client, RD_KAFKA_ADMIN_OP_LISTOFFSETS, timeout);
  Owned<rd_kafka_error_t> fault(rd_kafka_AdminOptions_set_isolation_level(
      options.get(), isolation == Isolation::kReadCommitted
                         ? RD_KAFKA_ISOLATION_LEVEL_READ_COMMITTED
                         : RD_KAFKA_ISOLATION_LEVEL_READ_UNCOMMITTED));
  WEIR_CHECK(!fault);
  rd_kafka_ListOffsets(client.get(), list.get(), options.get(), pending->queue());
  return pending;
}

Result<TopicsAnswer> DescribeTopics(Client& client, const std::vector<std::string>& names,
                                    Duration timeout, AskRights rights) {
  if (names.empty()) return TopicsAnswer{};
  return Await<TopicsAnswer>(client, AskTopics(client, names, timeout, rights), timeout,
                             "describing topics");
}

Result<OffsetsAnswer> ListOffsets(Client& client, const std::vector<OffsetQuery>& queries,
                                  Isolation isolation, Duration timeout) {
  if (queries.empty()) return OffsetsAnswer{};
  return Await<OffsetsAnswer>(client, AskOffsets(client, queries, isolation, timeout), timeout,
                              "asking for offsets");
}

Result<std::vector<std::string>> ListTopics(Client& client, Duration timeout) {
  const rd_kafka_metadata_t* found = nullptr;
  if (const auto error =
          rd_kafka_metadata(client.get(), /*all_topics=*/1, nullptr, &found, Millis(timeout))) {
    return client.Failure(error, client.last_error(), "listing topics");
  }
  Owned<const rd_kafka_metadata_t> metadata(found);
  std::vector<std::string> names;
  for (int i = 0; i < metadata->topic_cnt; i++) {
    const std::string_view name = metadata->topics[i].topic;
    if (!name.starts_with("__")) names.emplace_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

Result<SettingsAnswer> TopicSettings(Client& client, const std::string& topic, Duration timeout) {
  return Settings(client, RD_KAFKA_RESOURCE_TOPIC, topic, timeout);
}

namespace {

Result<Owned<const rd_kafka_metadata_t>> ListBrokers(Client& client, Duration timeout) {
  const rd_kafka_metadata_t* found = nullptr;
  if (const auto error =
          rd_kafka_metadata(client.get(), /*all_topics=*/0, nullptr, &found, Millis(timeout))) {
    return client.Failure(error, client.last_error(), "listing brokers");
  }
  Owned<const rd_kafka_metadata_t> metadata(found);
  if (metadata->broker_cnt == 0) {
    return client.Failure(RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, "", "listing brokers");
  }
  return metadata;
}

}  // namespace

Result<uint32_t> CountBrokers(Client& client, Duration timeout) {
  const auto metadata = WEIR_TRY(ListBrokers(client, timeout));
  return static_cast<uint32_t>(metadata->broker_cnt);
}

Result<SettingsAnswer> BrokerSettings(Client& client, Duration timeout) {
  const auto metadata = WEIR_TRY(ListBrokers(client, timeout));
  return Settings(client, RD_KAFKA_RESOURCE_BROKER, std::to_string(metadata->brokers[0].id),
                  timeout);
}

Status ProvokeCreation(Client& producer, const std::string& topic, Duration timeout) {
  Owned<rd_kafka_topic_t> handle(rd_kafka_topic_new(producer.get(), topic.c_str(), nullptr));
  if (!handle) {
    return producer.Failure(rd_kafka_last_error(), "", fmt::format("topic '{}'", topic));
  }
  const rd_kafka_metadata_t* found = nullptr;
  if (const auto error =
          rd_kafka_metadata(producer.get(), 0, handle.get(), &found, Millis(timeout))) {
    return producer.Failure(error, producer.last_error(),
                            fmt::format("creating topic '{}'", topic));
  }
  Owned<const rd_kafka_metadata_t> metadata(found);
  return Status::Ok();
}

Status MissingTopic(Client& client, const std::string& topic, std::string_view cure,
                    Duration timeout) {
  std::string message = fmt::format("there is no topic '{}' at {}", topic, client.address());
  if (const auto names = ListTopics(client, timeout); names.ok()) {
    const std::string near = NearestName(topic, *names);
    if (!near.empty()) message += fmt::format(", did you mean '{}'?", near);
  }
  return Status(errors::kTopicMissing, std::move(message), std::string(cure));
}

}  // namespace weir::kafka

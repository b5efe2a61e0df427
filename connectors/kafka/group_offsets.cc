#include "connectors/kafka/group_offsets.h"

#include <fmt/format.h>

#include "connectors/kafka/admin_request.h"

namespace weir::kafka {
namespace {

Owned<rd_kafka_topic_partition_list_t> ListOf(const std::vector<GroupOffset>& offsets) {
  Owned<rd_kafka_topic_partition_list_t> list(
      rd_kafka_topic_partition_list_new(static_cast<int>(offsets.size())));
  for (const GroupOffset& one : offsets) {
    rd_kafka_topic_partition_list_add(list.get(), one.at.topic.c_str(), one.at.partition)->offset =
        one.offset;
  }
  return list;
}

/// Of the only group that was asked about; a fault of the whole group is that of each partition.
GroupOffsetsAnswer ParseGroup(const rd_kafka_group_result_t** groups, size_t count) {
  GroupOffsetsAnswer answer;
  if (count != 1) return answer;
  const auto* fault = rd_kafka_group_result_error(groups[0]);
  const auto* offsets = rd_kafka_group_result_partitions(groups[0]);
  for (int i = 0; offsets != nullptr && i < offsets->cnt; i++) {
    const auto& found = offsets->elems[i];
    answer.push_back({{found.topic, found.partition},
                      fault != nullptr ? rd_kafka_error_code(fault) : found.err,
                      found.offset,
                      {static_cast<const char*>(found.metadata), found.metadata_size}});
  }
  if (answer.empty()) answer.push_back({{}, rd_kafka_error_code(fault), -1, {}});
  return answer;
}

}  // namespace

Result<std::unique_ptr<Client>> GroupClient(const ConnectionPtr& connection,
                                            const std::string& group) {
  return Client::Make(Client::Kind::kConsumer, connection, {{"group.id", group}});
}

Result<GroupOffsetsAnswer> ListGroupOffsets(Client& client, const std::string& group,
                                            const std::vector<TopicPartition>& partitions,
                                            bool settled, Duration timeout,
                                            const std::string& what) {
  auto pending = std::make_unique<PendingEvent<GroupOffsetsAnswer>>(
      client, what, [](const rd_kafka_event_t* event) {
        size_t count = 0;
        const auto** groups = rd_kafka_ListConsumerGroupOffsets_result_groups(
            rd_kafka_event_ListConsumerGroupOffsets_result(const_cast<rd_kafka_event_t*>(event)),
            &count);
        return ParseGroup(groups, count);
      });
  std::vector<GroupOffset> asked;
  for (const TopicPartition& at : partitions) asked.push_back({at, 0, -1, {}});
  const auto list = ListOf(asked);
  Owned<rd_kafka_ListConsumerGroupOffsets_t> question(
      rd_kafka_ListConsumerGroupOffsets_new(group.c_str(), list.get()));
  auto options = Options(client, RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS, timeout);
  Owned<rd_kafka_error_t> fault(
      rd_kafka_AdminOptions_set_require_stable_offsets(options.get(), settled ? 1 : 0));
  WEIR_CHECK(!fault);
  rd_kafka_ListConsumerGroupOffsets_t* questions[] = {question.get()};
  rd_kafka_ListConsumerGroupOffsets(client.get(), questions, 1, options.get(), pending->queue());
  auto answer = WEIR_TRY(Await<GroupOffsetsAnswer>(client, std::move(pending), timeout, what));
  for (const GroupOffset& one : answer) {
    if (one.error != 0) return client.Failure(one.error, "", what);
  }
  if (answer.size() != partitions.size()) {
    return client.Failure(RD_KAFKA_RESP_ERR__BAD_MSG, "", what);
  }
  return answer;
}

std::unique_ptr<Pending<GroupOffsetsAnswer>> CommitGroupOffsets(
    Client& client, const std::string& group, const std::vector<GroupOffset>& offsets,
    Duration timeout) {
  auto pending = std::make_unique<PendingEvent<GroupOffsetsAnswer>>(
      client, fmt::format("committing positions to group '{}'", group),
      [](const rd_kafka_event_t* event) {
        size_t count = 0;
        const auto** groups = rd_kafka_AlterConsumerGroupOffsets_result_groups(
            rd_kafka_event_AlterConsumerGroupOffsets_result(const_cast<rd_kafka_event_t*>(event)),
            &count);
        return ParseGroup(groups, count);
      });
  const auto list = ListOf(offsets);
  Owned<rd_kafka_AlterConsumerGroupOffsets_t> order(
      rd_kafka_AlterConsumerGroupOffsets_new(group.c_str(), list.get()));
  auto options = Options(client, RD_KAFKA_ADMIN_OP_ALTERCONSUMERGROUPOFFSETS, timeout);
  rd_kafka_AlterConsumerGroupOffsets_t* orders[] = {order.get()};
  rd_kafka_AlterConsumerGroupOffsets(client.get(), orders, 1, options.get(), pending->queue());
  return pending;
}

Result<size_t> GroupMembers(Client& client, const std::string& group, Duration timeout) {
  const std::string what = fmt::format("describing group '{}'", group);
  int error = RD_KAFKA_RESP_ERR__BAD_MSG;
  auto pending =
      std::make_unique<PendingEvent<size_t>>(client, what, [&error](const rd_kafka_event_t* event) {
        size_t count = 0;
        const auto** groups = rd_kafka_DescribeConsumerGroups_result_groups(
            rd_kafka_event_DescribeConsumerGroups_result(const_cast<rd_kafka_event_t*>(event)),
            &count);
        if (count != 1) return size_t{0};
        error = rd_kafka_error_code(rd_kafka_ConsumerGroupDescription_error(groups[0]));
        return rd_kafka_ConsumerGroupDescription_member_count(groups[0]);
      });
  auto options = Options(client, RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS, timeout);
  const char* names[] = {group.c_str()};
  rd_kafka_DescribeConsumerGroups(client.get(), names, 1, options.get(), pending->queue());
  const size_t members = WEIR_TRY(Await<size_t>(client, std::move(pending), timeout, what));
  // A group that nobody has made is an empty one; newer brokers tell the two apart.
  if (error == 0 || error == RD_KAFKA_RESP_ERR_GROUP_ID_NOT_FOUND) return members;
  return client.Failure(error, "", what);
}

}  // namespace weir::kafka

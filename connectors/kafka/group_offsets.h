#pragma once

#include <memory>
#include <string>
#include <vector>

#include "connectors/kafka/admin.h"

namespace weir::kafka {

/// What a consumer group has committed for a partition.
struct GroupOffset {
  TopicPartition at;
  int error = 0;
  int64_t offset = -1;  ///< Of the next record to read; below 0: it has committed none.
  std::string metadata;
};
using GroupOffsetsAnswer = std::vector<GroupOffset>;

/// `client` must be a consumer of the group (see GroupClient). `settled`: waits for the end of
/// transactions that commit offsets of the group. `what` is said in errors.
Result<GroupOffsetsAnswer> ListGroupOffsets(Client& client, const std::string& group,
                                            const std::vector<TopicPartition>& partitions,
                                            bool settled, Duration timeout,
                                            const std::string& what);
/// Commits offsets from outside of the group, which the broker allows only while it has no live
/// members. The answer tells the error of each partition.
std::unique_ptr<Pending<GroupOffsetsAnswer>> CommitGroupOffsets(
    Client& client, const std::string& group, const std::vector<GroupOffset>& offsets,
    Duration timeout);
/// How many live members a group has.
Result<size_t> GroupMembers(Client& client, const std::string& group, Duration timeout);

/// A consumer of the group, though it consumes nothing: a handle without a group is dereferenced by
/// librdkafka (2.8) when the answer is that the group's coordinator has moved.
Result<std::unique_ptr<Client>> GroupClient(const ConnectionPtr& connection,
                                            const std::string& group);

}  // namespace weir::kafka

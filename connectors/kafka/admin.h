#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "base/time.h"
#include "connectors/kafka/client.h"
#include "connectors/kafka/options.h"

namespace weir::kafka {

struct TopicPartition {
  std::string topic;
  int32_t partition = 0;
  auto operator<=>(const TopicPartition&) const = default;
};

/// What this client may do with a topic that it sees.
struct TopicRights {
  bool read = false;
  bool write = false;
};
enum class AskRights { kNo, kYes };

/// What the cluster says of a topic.
struct TopicFacts {
  std::string name;
  int error = 0;   ///< The library's code; 0: it is there.
  std::string id;  ///< Drawn anew when a topic is made; empty from brokers without ids.
  int32_t partitions = 0;
  std::vector<int32_t> leaderless;  ///< Partitions without a leader.
  int32_t under_replicated = 0;     ///< Partitions with fewer copies in step than they should have.
  std::optional<TopicRights> rights;  ///< Where asked for, and told.
};

/// An offset of a partition, or why there is none.
struct OffsetFacts {
  TopicPartition at;
  int error = 0;
  int64_t offset = -1;  ///< -1: no record so late (only where a timestamp was asked).
  int32_t leader_epoch = -1;
};

/// Which offset to ask for.
struct OffsetQuery {
  static constexpr int64_t kLatest = -1;
  static constexpr int64_t kEarliest = -2;
  TopicPartition at;
  int64_t spec = kLatest;  ///< kLatest, kEarliest, or a timestamp in milliseconds (0 or more).
};

/// A question put to the cluster in the background. Must not outlive its Client.
template <typename T>
class Pending {
 public:
  virtual ~Pending() = default;
  /// The answer if it is there within the wait; once only.
  virtual std::optional<Result<T>> Poll(Duration wait) = 0;
};

using TopicsAnswer = std::vector<TopicFacts>;
using OffsetsAnswer = std::vector<OffsetFacts>;
using SettingsAnswer = std::map<std::string, std::string>;

/// Names are each once. Answers come in the order of the names, after `timeout` at the latest. How
/// the partitions fare is noted at the client's connection, too.
std::unique_ptr<Pending<TopicsAnswer>> AskTopics(Client& client,
                                                 const std::vector<std::string>& names,
                                                 Duration timeout,
                                                 AskRights rights = AskRights::kNo);
/// With read_committed the latest offset is the last stable one, else the high watermark. Answered
/// by the partitions' leaders.
std::unique_ptr<Pending<OffsetsAnswer>> AskOffsets(Client& client,
                                                   const std::vector<OffsetQuery>& queries,
                                                   Isolation isolation, Duration timeout);

/// The same, waited for.
Result<TopicsAnswer> DescribeTopics(Client& client, const std::vector<std::string>& names,
                                    Duration timeout, AskRights rights = AskRights::kNo);
Result<OffsetsAnswer> ListOffsets(Client& client, const std::vector<OffsetQuery>& queries,
                                  Isolation isolation, Duration timeout);
/// Names of all topics that this client may see, sorted, without the cluster's internal ones.
Result<std::vector<std::string>> ListTopics(Client& client, Duration timeout);
/// How many brokers the cluster has just now, one at least.
Result<uint32_t> CountBrokers(Client& client, Duration timeout);
/// Settings of a topic, or of any broker that answers.
Result<SettingsAnswer> TopicSettings(Client& client, const std::string& topic, Duration timeout);
Result<SettingsAnswer> BrokerSettings(Client& client, Duration timeout);
/// Asks for a topic in the way that makes a broker with auto.create.topics.enable create it.
Status ProvokeCreation(Client& producer, const std::string& topic, Duration timeout);

/// The error of a topic that was asked for and is not there, with the nearest name as a guess.
Status MissingTopic(Client& client, const std::string& topic, std::string_view cure,
                    Duration timeout);

}  // namespace weir::kafka

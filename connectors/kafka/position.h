#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"

namespace weir::kafka {

/// Where reading of a partition goes on, as checkpoints keep it:
///
///   position = offset ["/" leader_epoch] ["@" topic_id]
///
/// e.g. `1204/3@Kq0mXyQFTl6uRBS9mpbV7A`. `offset` is the next record's; the leader epoch of the
/// last record read lets the broker tell a log that was cut off and grew again; the topic id tells
/// a topic that was deleted and made anew under its name. A stop has the same form.
struct Position {
  int64_t offset = 0;
  int32_t leader_epoch = -1;
  std::string topic_id;
  bool operator==(const Position&) const = default;
};

std::string EncodePosition(const Position& position);
/// kBadKafkaPosition where the text is none; `split` is named in the message.
Result<Position> DecodePosition(std::string_view text, std::string_view split);

/// `clicks/2` of a topic and partition, and back.
std::string SplitId(std::string_view topic, int32_t partition);
struct SplitName {
  std::string topic;
  int32_t partition = 0;
};
Result<SplitName> ParseSplitId(std::string_view id);

}  // namespace weir::kafka

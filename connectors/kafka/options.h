#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "config/spec.h"

namespace weir::kafka {

enum class StartWhere { kEarliest, kLatest };
std::vector<Choice<StartWhere>> ChoicesOf(StartWhere);
enum class StopWhere { kNever, kLatest };
std::vector<Choice<StopWhere>> ChoicesOf(StopWhere);
enum class Isolation { kReadCommitted, kReadUncommitted };
std::vector<Choice<Isolation>> ChoicesOf(Isolation);
enum class LostOffsets { kFail, kEarliest, kLatest };
std::vector<Choice<LostOffsets>> ChoicesOf(LostOffsets);
/// What becomes of records without a value.
enum class Tombstones { kReject, kSkip, kRow };
std::vector<Choice<Tombstones>> ChoicesOf(Tombstones);
enum class Compression { kNone, kGzip, kSnappy, kLz4, kZstd };
std::vector<Choice<Compression>> ChoicesOf(Compression);

/// A moment, written as ISO 8601 or as epoch milliseconds.
struct Moment {
  EventTime time;
};
bool ReadValue(const YamlNode& node, Diagnostics& diagnostics, Moment& out);
internal::ValueInfo DescribeValue(internal::Tag<Moment>);
std::string ShowValue(const Moment& value);

/// Where reading begins when there is no checkpoint.
struct StartOptions {
  StartWhere where = StartWhere::kEarliest;
  std::optional<Moment> timestamp;
  /// By partition: `0`, or `clicks/0` where the source has several topics. Others begin at their
  /// first record.
  std::optional<std::map<std::string, int64_t>> offsets;
  std::optional<std::string> group;  ///< A consumer group, whose committed offsets count.
  /// With `group`: where partitions begin that it has no offset of. None: at their first record,
  /// and a group that has no offset at all is a fault.
  std::optional<StartWhere> otherwise;
  static const Spec<StartOptions>& Describe();
};

/// Where reading ends.
struct StopOptions {
  StopWhere where = StopWhere::kNever;
  std::optional<Moment> timestamp;
  bool bounded() const { return timestamp.has_value() || where == StopWhere::kLatest; }
  static const Spec<StopOptions>& Describe();
};

struct SourceOptions {
  std::string connection;
  std::optional<std::string> topic;
  std::optional<std::vector<std::string>> topics;
  std::optional<std::string> pattern;
  StartOptions start;
  StopOptions stop;
  Isolation isolation = Isolation::kReadCommitted;
  LostOffsets on_lost_offsets = LostOffsets::kFail;
  std::string group;  ///< See GroupOf.
  Tombstones tombstones = Tombstones::kReject;
  static const Spec<SourceOptions>& Describe();
};

/// The consumer group that is told how far a source of `job` was read; empty: none.
std::string GroupOf(const SourceOptions& options, std::string_view job);

struct SinkOptions {
  std::string connection;
  std::string topic;
  ExpressionText key;
  ExpressionText partition;
  ExpressionText headers;
  ExpressionText timestamp;
  ExpressionText tombstone;
  Compression compression = Compression::kNone;
  static const Spec<SinkOptions>& Describe();
};

/// The library's name of a compression.
std::string_view CompressionName(Compression compression);

/// Whether `name` can be a consumer group's that CloudWatch shows too: 1 to 249 visible ASCII
/// characters without ':'.
bool IsGroupName(std::string_view name);

/// Whether `name` can be a topic's: 1 to 249 of letters, digits, `.`, `_`, `-`, not `.` or `..`.
bool IsTopicName(std::string_view name);

}  // namespace weir::kafka

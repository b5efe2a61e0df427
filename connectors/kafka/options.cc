#include "connectors/kafka/options.h"

#include <algorithm>

#include <fmt/format.h>

#include "batch/time_text.h"
#include "config/errors.h"
#include "connectors/kafka/errors.h"

namespace weir::kafka {

std::vector<Choice<StartWhere>> ChoicesOf(StartWhere) {
  return {{"earliest", StartWhere::kEarliest}, {"latest", StartWhere::kLatest}};
}
std::vector<Choice<StopWhere>> ChoicesOf(StopWhere) {
  return {{"never", StopWhere::kNever}, {"latest", StopWhere::kLatest}};
}
std::vector<Choice<Isolation>> ChoicesOf(Isolation) {
  return {{"read_committed", Isolation::kReadCommitted},
          {"read_uncommitted", Isolation::kReadUncommitted}};
}
std::vector<Choice<LostOffsets>> ChoicesOf(LostOffsets) {
  return {{"fail", LostOffsets::kFail},
          {"earliest", LostOffsets::kEarliest},
          {"latest", LostOffsets::kLatest}};
}
std::vector<Choice<Tombstones>> ChoicesOf(Tombstones) {
  return {{"reject", Tombstones::kReject}, {"skip", Tombstones::kSkip}, {"row", Tombstones::kRow}};
}
std::vector<Choice<Compression>> ChoicesOf(Compression) {
  return {{"none", Compression::kNone},
          {"gzip", Compression::kGzip},
          {"snappy", Compression::kSnappy},
          {"lz4", Compression::kLz4},
          {"zstd", Compression::kZstd}};
}

std::string_view CompressionName(Compression compression) {
  switch (compression) {
    case Compression::kNone:
      return "none";
    case Compression::kGzip:
      return "gzip";
    case Compression::kSnappy:
      return "snappy";
    case Compression::kLz4:
      return "lz4";
    case Compression::kZstd:
      return "zstd";
  }
  return "none";
}

bool ReadValue(const YamlNode& node, Diagnostics& diagnostics, Moment& out) {
  if (node.kind() == YamlNode::Kind::kScalar) {
    if (const Result<int64_t> millis = ParseInteger(node.text()); millis.ok()) {
      constexpr int64_t kMost = INT64_MAX / 1000;
      if (*millis >= 0 && *millis <= kMost) {
        out.time = {*millis * 1000};
        return true;
      }
    } else if (const auto time = ParseTime(node.text())) {
      out.time = *time;
      return true;
    }
  }
  diagnostics.Error(errors::kBadValue, node.place(),
                    "a time is expected, as 2026-01-02T03:04:05Z or in epoch milliseconds");
  return false;
}
internal::ValueInfo DescribeValue(internal::Tag<Moment>) {
  return {"time", R"({"type":["string","integer"]})", nullptr};
}
std::string ShowValue(const Moment& value) { return FormatIso8601(value.time); }

const Spec<StartOptions>& StartOptions::Describe() {
  static const Spec<StartOptions> spec(
      "start", "Where reading begins when there is no checkpoint.",
      {Bare(&StartOptions::where, "The first record there is, or only what comes from now on."),
       Optional("timestamp", &StartOptions::timestamp,
                "The first record of each partition that is not older than this."),
       Optional("offsets", &StartOptions::offsets,
                "Offset by partition (`0`, or `clicks/0` with several topics); partitions not "
                "named begin at their first record."),
       Optional("group", &StartOptions::group,
                "Name of a consumer group: each partition begins at its committed offset.",
                NotEmpty),
       Optional(
           "otherwise", &StartOptions::otherwise,
           "With group: where partitions begin that it has committed no offset of. Left out: at "
           "their first record, and a group without any offset is a fault.")},
      "start: { timestamp: 2026-01-02T00:00:00Z }");
  return spec;
}

const Spec<StopOptions>& StopOptions::Describe() {
  static const Spec<StopOptions> spec(
      "stop", "Where reading ends.",
      {Bare(&StopOptions::where,
            "Never, or at the end that each partition has when the job first starts."),
       Optional("timestamp", &StopOptions::timestamp,
                "Before the first record of each partition that is not older than this, at most at "
                "the end that the partition has when the job first starts.")},
      "stop: latest");
  return spec;
}

const Spec<SourceOptions>& SourceOptions::Describe() {
  static const Spec<SourceOptions> spec(
      "kafka", "Reads topics of a Kafka cluster.",
      {Required("connection", &SourceOptions::connection, "Name of a kafka connection.", NotEmpty),
       Optional("topic", &SourceOptions::topic, "The topic to read.", NotEmpty),
       Optional("topics", &SourceOptions::topics, "Several topics to read.", NotEmpty),
       Optional("pattern", &SourceOptions::pattern,
                "Regular expression (RE2) that the whole name of a topic must match; topics that "
                "come later are read too.",
                NotEmpty),
       Optional("start", &SourceOptions::start,
                "Where reading begins when there is no checkpoint: earliest (the default), latest, "
                "{ timestamp }, { offsets } or { group }."),
       Optional("stop", &SourceOptions::stop,
                "Where reading ends: never (the default), latest, or { timestamp }."),
       Optional("isolation", &SourceOptions::isolation, Isolation::kReadCommitted,
                "Whether records of aborted and open transactions are read."),
       Optional("on_lost_offsets", &SourceOptions::on_lost_offsets, LostOffsets::kFail,
                "What to do where records were removed before they were read."),
       Optional("tombstones", &SourceOptions::tombstones, Tombstones::kReject,
                "Records without a value, which delete their key in a compacted topic: bad rows, "
                "left out, or rows of nulls, told by kafka_tombstone."),
       Optional(
           "group", &SourceOptions::group,
           "Consumer group that each checkpoint's positions are committed to, for tools that show "
           "lag, and for whoever goes on after weir; weir-JOB where left out, no group where it is "
           "none.",
           Condition("a group's name: visible ASCII without ':', 249 at most; or none",
                     [](const std::string& name) { return IsGroupName(name); }))},
      "kafka: { connection: main, topic: clicks, start: earliest }");
  return spec;
}

const Spec<SinkOptions>& SinkOptions::Describe() {
  static const Spec<SinkOptions> spec(
      "kafka", "Writes rows to a topic of a Kafka cluster, exactly once.",
      {Required("connection", &SinkOptions::connection, "Name of a kafka connection.", NotEmpty),
       Required("topic", &SinkOptions::topic, "The topic to write to; it must be there.", NotEmpty,
                Condition("a topic's name: letters, digits, '.', '_' and '-', 249 at most",
                          [](const std::string& name) { return IsTopicName(name); })),
       Optional(
           "key", &SinkOptions::key,
           "Column or expression: bytes as they are, text as UTF-8, others as JSON; null is "
           "no key. Records of one key go to one partition, the one Java's client would take."),
       Optional("partition", &SinkOptions::partition,
                "Column or expression: number of the partition; null leaves it to the key."),
       Optional("headers", &SinkOptions::headers,
                "Column or expression: list<struct<key:string,value:bytes>> or a map."),
       Optional("timestamp", &SinkOptions::timestamp,
                "Column or expression: the record's time; left out or null: now."),
       Optional("tombstone", &SinkOptions::tombstone,
                "Condition: rows for which it holds are written without a value, which deletes "
                "their key in a compacted topic."),
       Optional("compression", &SinkOptions::compression, Compression::kNone,
                "How batches are compressed.")},
      "kafka: { connection: main, topic: counts, key: product }");
  return spec;
}

std::string GroupOf(const SourceOptions& options, std::string_view job) {
  if (options.group == "none") return "";
  return options.group.empty() ? fmt::format("weir-{}", job) : options.group;
}

bool IsGroupName(std::string_view name) {
  if (name.empty() || name.size() > 249) return false;
  return std::all_of(name.begin(), name.end(),
                     [](char c) { return c > ' ' && c <= '~' && c != ':'; });
}

bool IsTopicName(std::string_view name) {
  if (name.empty() || name.size() > 249 || name == "." || name == "..") return false;
  for (const char c : name) {
    const bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '.' || c == '_' || c == '-';
    if (!good) return false;
  }
  return true;
}

}  // namespace weir::kafka

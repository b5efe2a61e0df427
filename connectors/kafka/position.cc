#include "connectors/kafka/position.h"

#include <charconv>

#include <fmt/format.h>

#include "connectors/kafka/errors.h"
#include "connectors/kafka/options.h"

namespace weir::kafka {
namespace {

/// Reads a number of 0 or more that takes all of `text`, in the one way weir writes it.
template <typename T>
bool ReadNumber(std::string_view text, T& out) {
  if (text.empty() || (text.size() > 1 && text[0] == '0') || text[0] == '-') return false;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), out);
  return fault == std::errc() && end == text.data() + text.size();
}

}  // namespace

std::string EncodePosition(const Position& position) {
  std::string text = std::to_string(position.offset);
  if (position.leader_epoch >= 0) text += "/" + std::to_string(position.leader_epoch);
  if (!position.topic_id.empty()) text += "@" + position.topic_id;
  return text;
}

Result<Position> DecodePosition(std::string_view text, std::string_view split) {
  Position position;
  std::string_view rest = text;
  bool good = true;
  if (const size_t at = rest.find('@'); at != std::string_view::npos) {
    position.topic_id = rest.substr(at + 1);
    good = !position.topic_id.empty() && position.topic_id.size() <= 64;
    rest = rest.substr(0, at);
  }
  if (const size_t slash = rest.find('/'); slash != std::string_view::npos) {
    good = good && ReadNumber(rest.substr(slash + 1), position.leader_epoch);
    rest = rest.substr(0, slash);
  }
  if (good && ReadNumber(rest, position.offset)) return position;
  return Status(
      errors::kBadKafkaPosition,
      fmt::format("the checkpoint's position of {} is not one: '{}'", split, text.substr(0, 80)),
      "take an older checkpoint, or begin anew with --fresh");
}

std::string SplitId(std::string_view topic, int32_t partition) {
  return fmt::format("{}/{}", topic, partition);
}

Result<SplitName> ParseSplitId(std::string_view id) {
  SplitName name;
  const size_t slash = id.rfind('/');
  if (slash != std::string_view::npos && IsTopicName(id.substr(0, slash)) &&
      ReadNumber(id.substr(slash + 1), name.partition)) {
    name.topic = id.substr(0, slash);
    return name;
  }
  return Status(errors::kBadKafkaPosition,
                fmt::format("'{}' is not a partition's name", id.substr(0, 300)),
                "take an older checkpoint, or begin anew with --fresh");
}

}  // namespace weir::kafka

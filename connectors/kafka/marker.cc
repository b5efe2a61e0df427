#include "connectors/kafka/marker.h"

#include "base/hex.h"

#include <charconv>
#include <optional>

#include <fmt/format.h>

namespace weir::kafka {
namespace {

constexpr std::string_view kMagic = "weir1";
constexpr std::string_view kNobody = "?";

std::string_view NextWord(std::string_view& rest) {
  const size_t end = std::min(rest.find(' '), rest.size());
  const std::string_view word = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return word;
}

}  // namespace

/// The checksum as digits: brokers keep metadata as text, and bytes that are not would come back
/// changed.
std::string EncodeMarker(const Marker& marker) {
  return fmt::format("{} {} {} {}", kMagic, marker.instance, marker.epoch.value,
                     marker.manifest_checksum.empty() ? "-" : Hex(marker.manifest_checksum));
}

LaneMarker ReadLaneMarker(int64_t offset, std::string_view metadata) {
  LaneMarker found;
  if (offset < 0) return found;
  found.found = true;
  found.epoch = {static_cast<uint64_t>(offset)};
  std::string_view rest = metadata;
  const std::string_view magic = NextWord(rest);
  const std::string_view instance = NextWord(rest);
  const std::string_view epoch = NextWord(rest);
  const std::string_view last = NextWord(rest);
  const std::optional<std::string> checksum = last == "-" ? std::string() : FromHex(last);
  uint64_t number = 0;
  const auto [end, fault] = std::from_chars(epoch.data(), epoch.data() + epoch.size(), number);
  const bool good = magic == kMagic && !instance.empty() && instance.size() <= 256 &&
                    fault == std::errc() && end == epoch.data() + epoch.size() &&
                    number == found.epoch.value && checksum;
  found.instance = good ? instance : kNobody;
  if (good) found.manifest_checksum = *checksum;
  return found;
}

std::string LanesName(std::string_view job, std::string_view sink) {
  return fmt::format("weir-{}-{}", job, sink);
}

std::string LaneName(std::string_view job, std::string_view sink, uint32_t lane) {
  return fmt::format("{}-{}", LanesName(job, sink), lane);
}

}  // namespace weir::kafka

#pragma once

#include <string>
#include <string_view>

#include "connectors/connector.h"

namespace weir::kafka {

/// What stands beside a lane's committed offset (which is the epoch):
///
///   marker = "weir1" SP instance SP epoch SP manifest_checksum
///
/// each without spaces; the checksum is written in hex, an empty one as `-`.
struct Marker {
  std::string instance;
  Epoch epoch;
  std::string manifest_checksum;
  bool operator==(const Marker&) const = default;
};

/// Of the output topic: the marker is a group's offset of it.
inline constexpr int32_t kMarkerPartition = 0;

std::string EncodeMarker(const Marker& marker);
/// What a committed offset and its metadata mean. An offset of -1001 and below is none. Metadata
/// that weir did not write, or that contradicts the offset, gives an instance that no job has, so
/// that the coordinator takes it for somebody else's (rule 14).
LaneMarker ReadLaneMarker(int64_t offset, std::string_view metadata);

/// `weir-<job>-<sink>`: what the names of a sink's lanes begin with.
std::string LanesName(std::string_view job, std::string_view sink);
/// `weir-<job>-<sink>-<lane>`: transactional id and group of a lane.
std::string LaneName(std::string_view job, std::string_view sink, uint32_t lane);

}  // namespace weir::kafka

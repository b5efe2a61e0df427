#include "connectors/kafka/marker_reader.h"

#include <chrono>
#include <thread>

#include <fmt/format.h>

#include "base/time.h"
#include "connectors/kafka/group_offsets.h"

namespace weir::kafka {
namespace {

constexpr Duration kAnswer = Duration::Seconds(5);
constexpr Duration kPatience = Duration::Seconds(30);

}  // namespace

Result<std::unique_ptr<MarkerReader>> MarkerReader::Make(const ConnectionPtr& connection,
                                                         std::string lane, std::string topic) {
  auto client = WEIR_TRY(GroupClient(connection, lane));
  return std::unique_ptr<MarkerReader>(
      new MarkerReader(connection, std::move(client), std::move(lane), std::move(topic)));
}

Result<LaneMarker> MarkerReader::Read(bool settled) {
  const Clock& clock = SystemClock();
  const Duration begun = clock.Monotonic();
  client_->Serve(/*timeout_ms=*/0);  // What it has told since the last time.
  while (true) {
    Result<LaneMarker> marker = Ask(settled);
    if (marker.ok() || marker.status().kind() != ErrorKind::kRetry ||
        clock.Monotonic().us - begun.us > kPatience.us) {
      return marker;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    // A new connection: the old one goes on asking the coordinator that it knows, also where that
    // one has moved or is gone.
    client_ = WEIR_TRY(GroupClient(connection_, lane_));
  }
}

Result<LaneMarker> MarkerReader::Ask(bool settled) {
  const auto found = WEIR_TRY(ListGroupOffsets(
      *client_, lane_, {{topic_, kMarkerPartition}}, settled, kAnswer,
      fmt::format("reading the marker of lane '{}' for topic '{}'", lane_, topic_)));
  return ReadLaneMarker(found.front().offset, found.front().metadata);
}

}  // namespace weir::kafka

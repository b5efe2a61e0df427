#pragma once

#include <memory>
#include <string>

#include "connectors/kafka/client.h"
#include "connectors/kafka/marker.h"

namespace weir::kafka {

/// Reads the marker of one lane, and disturbs nobody by it. What it reads holds for as long as
/// nobody publishes on the lane: for certain only while the caller has fenced it.
class MarkerReader {
 public:
  /// `lane` is the group that the marker is committed to, for partition 0 of `topic`.
  static Result<std::unique_ptr<MarkerReader>> Make(const ConnectionPtr& connection,
                                                    std::string lane, std::string topic);

  /// Asks again for half a minute while coordinators move or are away; only an answer says that
  /// there is none. `settled`: waits for the end of a transaction whose marker is being worked in,
  /// which may be as far away as the transaction's time-out unless the lane was fenced.
  Result<LaneMarker> Read(bool settled);

 private:
  MarkerReader(ConnectionPtr connection, std::unique_ptr<Client> client, std::string lane,
               std::string topic)
      : connection_(std::move(connection)),
        client_(std::move(client)),
        lane_(std::move(lane)),
        topic_(std::move(topic)) {}
  Result<LaneMarker> Ask(bool settled);

  const ConnectionPtr connection_;
  std::unique_ptr<Client> client_;
  const std::string lane_;
  const std::string topic_;
};

}  // namespace weir::kafka

#pragma once

#include <memory>
#include <string>
#include <vector>

#include "connectors/connector.h"
#include "connectors/kafka/group_offsets.h"

namespace weir::kafka {

/// Commits the positions of checkpoints to a consumer group, as a consumer of that group would that
/// had read so far: tools show lag by it, and another consumer can go on from there.
class GroupTeller final : public PositionTeller {
 public:
  GroupTeller(ConnectionPtr connection, std::string group)
      : connection_(std::move(connection)), group_(std::move(group)) {}

  Status Tell(const std::vector<Split>& splits) override;
  std::optional<Status> Poll(Duration wait) override;

 private:
  const ConnectionPtr connection_;
  const std::string group_;
  std::unique_ptr<Client> client_;
  std::unique_ptr<Pending<GroupOffsetsAnswer>> pending_;  // Goes before its client.
};

}  // namespace weir::kafka

#pragma once

#include <string>

#include "connectors/kafka/client.h"
#include "connectors/link.h"

namespace weir::kafka {

/// Whether the group may be read and written. `client` must be a consumer of it (see GroupClient).
Observation LookAtGroup(Client& client, const std::string& group);

/// Whether transactions may be begun in the name `id`, to write to `topic`. The cluster keeps the
/// name for a week. Whoever publishes by it is shut out: it must be nobody's.
Observation LookAtTransactions(const ConnectionPtr& connection, const std::string& id,
                               const std::string& topic);

}  // namespace weir::kafka

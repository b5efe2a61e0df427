#pragma once

#include <string>

#include "connectors/kafka/admin.h"
#include "connectors/kafka/connection.h"
#include "connectors/kafka/writer.h"

namespace weir::kafka {

/// What a sink must know of its cluster before it writes.
struct SinkFacts {
  TopicLimits limits;
  /// The longest that the broker lets a transaction be open; Kafka's default where it does not say.
  int transaction_timeout_ms = 900'000;
};

/// Whether a broker with these settings makes topics by itself when they are asked for.
bool CreatesTopics(const Result<SettingsAnswer>& broker);

/// Asks the cluster. A topic that is not there is an error, unless the broker makes topics by
/// itself when they are asked for: then it is made now.
Result<SinkFacts> LearnSink(const ConnectionPtr& connection, const std::string& topic);

}  // namespace weir::kafka

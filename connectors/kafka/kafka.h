#pragma once

#include "connectors/connector.h"

namespace weir {

/// Topics of Apache Kafka and Amazon MSK, as sources and, exactly once, as sinks.
const Connector& KafkaConnector();

}  // namespace weir

#pragma once

#include "connectors/connector.h"

namespace weir {

/// Documents of an OpenSearch or Elasticsearch index.
const Connector& OpenSearchConnector();

}  // namespace weir

#pragma once

#include "connectors/connector.h"

namespace weir {

/// A sink that counts rows and drops them: for measuring what comes before it.
const Connector& BlackholeConnector();

}  // namespace weir

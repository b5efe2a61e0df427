#pragma once

#include "connectors/connector.h"
#include "connectors/opensearch/connection.h"

namespace weir::opensearch {

/// Looks at a server step by step, as far as the step before allows: name and port, TLS, login,
/// which server it is and its version, how its cluster is.
void ExamineServer(Connection& connection, const Examination& examination);

}  // namespace weir::opensearch

#pragma once

#include "connectors/connector.h"

namespace weir {

/// Files of a local (or mounted) folder, as source (`files: { path: clicks/*.json.gz }`) and as
/// sink (`files: { path: out, partition_by: [dt], roll: { size: 128MiB } }`).
const Connector& FilesConnector();

}  // namespace weir

#pragma once

#include <cstdint>

namespace weir::kafka {

/// Connections that a running job keeps to a cluster of so many brokers at most. Pure.
///
/// A handle of the client library dials each broker that it has something to ask of, and, where it
/// has a group or a transactional id, that one's coordinator by a connection of its own, whichever
/// broker it is. Handles that stand in for another's for a moment are not counted, nor what an
/// address that no broker advertises (a tunnel's) costs: one more for each handle.

/// Of a source: a reader for each task, one handle that looks for partitions and, where it tells a
/// group how far it was read, one for that.
uint32_t SourceConnections(uint32_t tasks, bool tells_group, uint32_t brokers);

/// Of a sink: for each lane a handle that publishes, and one that reads its marker.
uint32_t SinkConnections(uint32_t lanes, uint32_t brokers);

}  // namespace weir::kafka

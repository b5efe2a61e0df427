#include "connectors/kafka/connection_count.h"

#include <algorithm>

namespace weir::kafka {
namespace {

/// Of a handle that asks the leaders of partitions, which may be all brokers.
uint32_t AllBrokers(uint32_t brokers) { return brokers; }
uint32_t AllBrokersAndCoordinator(uint32_t brokers) { return brokers + 1; }
/// Of a handle that reads or writes a group's offsets only: the broker that it met first, the one
/// that coordinates the group, and that one as the coordinator.
uint32_t OneGroup(uint32_t brokers) { return std::min(brokers, 2U) + 1; }

}  // namespace

uint32_t SourceConnections(uint32_t tasks, bool tells_group, uint32_t brokers) {
  return tasks * AllBrokersAndCoordinator(brokers) + AllBrokers(brokers) +
         (tells_group ? OneGroup(brokers) : 0);
}

uint32_t SinkConnections(uint32_t lanes, uint32_t brokers) {
  return lanes * (AllBrokersAndCoordinator(brokers) + OneGroup(brokers));
}

}  // namespace weir::kafka

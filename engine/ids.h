#pragma once

#include <compare>
#include <cstdint>
#include <string>

#include "engine/attempt_id.h"

namespace weir {

/// A task of the job: which fragment, and which of its instances.
struct TaskId {
  std::string fragment;
  uint32_t index = 0;
  auto operator<=>(const TaskId&) const = default;
  std::string ToString() const { return fragment + "/" + std::to_string(index); }
};

/// A sink's place to publish from. Lanes of a sink are numbered from 0, one for each host of the
/// attempt that has writers of it; ids and markers at the outside belong to lanes, not to hosts.
struct LaneId {
  std::string sink;
  uint32_t number = 0;
  auto operator<=>(const LaneId&) const = default;
  std::string ToString() const { return sink + "-" + std::to_string(number); }
};

}  // namespace weir

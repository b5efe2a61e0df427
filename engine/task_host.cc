#include "engine/task_host.h"

#include <algorithm>

namespace weir {

uint32_t WidthOf(const JobPlan& plan) {
  uint32_t width = 1;
  for (const FragmentPlan& fragment : plan.fragments) width = std::max(width, fragment.parallelism);
  return width;
}

std::vector<TaskId> TasksOf(const JobPlan& plan, const std::vector<uint32_t>& host_of,
                            uint32_t host) {
  std::vector<TaskId> tasks;
  for (const FragmentPlan& fragment : plan.fragments) {
    for (uint32_t i = 0; i < fragment.parallelism; i++) {
      if (host_of[i] == host) tasks.push_back({fragment.name, i});
    }
  }
  return tasks;
}

std::set<LaneId> LanesOf(const JobPlan& plan, const std::vector<uint32_t>& host_of) {
  std::set<LaneId> lanes;
  for (const NodePlan& node : plan.nodes) {
    if (node.role != NodePlan::Role::kSink || !node.sink->Publishes()) continue;
    const FragmentPlan& fragment = plan.fragments[static_cast<size_t>(node.fragment)];
    for (uint32_t i = 0; i < fragment.parallelism; i++) lanes.insert({node.user_name, host_of[i]});
  }
  return lanes;
}

}  // namespace weir

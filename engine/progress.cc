#include "engine/progress.h"

namespace weir {

JobSums SumsOf(const JobPlan& plan, const std::map<std::string, int64_t>& totals) {
  JobSums sums;
  const auto of = [&](const NodePlan& node, const char* count) {
    const auto it = totals.find(node.name + "." + count);
    return it == totals.end() ? 0 : it->second;
  };
  for (const NodePlan& node : plan.nodes) {
    if (node.role == NodePlan::Role::kSource) sums.rows_in += of(node, "in");
    if (node.role == NodePlan::Role::kSink && !node.is_dead_letter) {
      sums.rows_out += of(node, "passed");
    }
    sums.late += of(node, "late");
    sums.rejected += of(node, "rejected");
  }
  return sums;
}

}  // namespace weir

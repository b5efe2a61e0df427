#include "engine/connection_budget.h"

#include <algorithm>

namespace weir {

uint32_t ConnectionBudget::Sum() const {
  uint32_t sum = 0;
  for (const auto& [node, connections] : nodes) sum += connections;
  return sum;
}

std::vector<ConnectionBudget> BudgetOf(const JobPlan& plan, uint32_t workers,
                                       const std::map<std::string, uint32_t>& brokers) {
  std::vector<ConnectionBudget> budgets;
  for (const auto& [cluster, count] : brokers) {
    ConnectionBudget budget{cluster, count, {}};
    for (const NodePlan& node : plan.nodes) {
      const Linked* linked = node.Outside();
      if (linked == nullptr || linked->cluster() != cluster) continue;
      const uint32_t tasks = plan.fragments[static_cast<size_t>(node.fragment)].parallelism;
      const uint32_t places = node.source ? tasks : std::min(tasks, workers);
      budget.nodes.emplace_back(node.user_name, linked->MostConnections(places, count));
    }
    budgets.push_back(std::move(budget));
  }
  return budgets;
}

}  // namespace weir

#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "engine/plan.h"

namespace weir {

/// Connections that a running job keeps to one cluster at most.
struct ConnectionBudget {
  std::string cluster;
  uint32_t brokers = 0;
  std::vector<std::pair<std::string, uint32_t>> nodes;  ///< By the name of the source or sink.
  uint32_t Sum() const;
};

/// For each cluster of `brokers` (how many it has), by its address, where the job runs on so many
/// workers: a sink has a lane on each worker that has tasks of it. Pure.
std::vector<ConnectionBudget> BudgetOf(const JobPlan& plan, uint32_t workers,
                                       const std::map<std::string, uint32_t>& brokers);

}  // namespace weir

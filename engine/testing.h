#pragma once

#include <utility>
#include <vector>

#include "engine/plan.h"

namespace weir::testing {

/// A plan with names and edges alone: clicks -> (exchange) -> sessions -> screen, and dead letters
/// of clicks. Two tasks, then one.
inline JobPlan ShopPlan() {
  JobPlan plan;
  plan.name = "shop";
  const auto add = [&](NodePlan::Role role, const char* name, std::vector<int> inputs, int part) {
    NodePlan node;
    node.role = role;
    node.name = node.user_name = name;
    node.inputs = std::move(inputs);
    node.fragment = part;
    plan.nodes.push_back(std::move(node));
  };
  add(NodePlan::Role::kSource, "clicks", {}, 0);
  add(NodePlan::Role::kOperator, "sessions", {0}, 1);
  add(NodePlan::Role::kSink, "screen", {1}, 1);
  add(NodePlan::Role::kSink, "letters", {0}, 0);
  plan.nodes.back().is_dead_letter = true;
  plan.fragments = {{"clicks", 2, {0, 3}, true}, {"sessions", 1, {1, 2}, false}};
  plan.exchanges.push_back({0, 1, true, {}, "clicks -> sessions"});
  return plan;
}

}  // namespace weir::testing

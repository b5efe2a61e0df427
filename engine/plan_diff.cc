#include "engine/plan_diff.h"

#include <algorithm>
#include <map>
#include <optional>

#include <fmt/format.h>

#include "engine/recovery.h"

namespace weir {
namespace {

using Fate = NodeDifference::Fate;

/// A node as the job names it.
struct NamedNode {
  std::string kind;
  std::string name;
  uint32_t tasks = 1;
};

/// Dead letters go with their nodes.
std::vector<NamedNode> NodesOf(const JobPlan& plan) {
  std::vector<NamedNode> nodes;
  for (const NodePlan& node : plan.nodes) {
    if (node.is_dead_letter) continue;
    const char* kind = node.role == NodePlan::Role::kSource ? "source"
                       : node.role == NodePlan::Role::kSink ? "sink"
                                                            : "step";
    const uint32_t tasks = plan.fragments[static_cast<size_t>(node.fragment)].parallelism;
    const auto known = std::find_if(nodes.begin(), nodes.end(), [&](const NamedNode& one) {
      return one.kind == kind && one.name == node.user_name;
    });
    // The last of a step's operators is the one behind its exchange, where its state is.
    if (known == nodes.end()) {
      nodes.push_back({kind, node.user_name, tasks});
    } else {
      known->tasks = tasks;
    }
  }
  return nodes;
}

NodeDifference OfBoth(const NamedNode& before, const NamedNode& after,
                      const std::map<std::string, std::string>& shapes_before,
                      const std::map<std::string, std::string>& shapes_after) {
  NodeDifference difference{after.kind, after.name, Fate::kKept, ""};
  if (before.tasks != after.tasks) {
    difference.fate = Fate::kMoved;
    difference.detail = fmt::format("from {} tasks to {}", before.tasks, after.tasks);
  }
  const auto add = [&](std::string_view text) {
    difference.detail += (difference.detail.empty() ? "" : "; ") + std::string(text);
  };
  if (after.kind == "source") {
    add("goes on from its positions");
  } else if (after.kind == "step") {
    const auto old_shape = shapes_before.find(after.name);
    const auto new_shape = shapes_after.find(after.name);
    if (old_shape == shapes_before.end()) {
      if (new_shape != shapes_after.end()) add("begins to keep state, without any");
    } else if (new_shape == shapes_after.end()) {
      difference.fate = Fate::kRefused;
      add("it kept state, and would keep none");
    } else if (old_shape->second != new_shape->second) {
      difference.fate = Fate::kRefused;
      add(fmt::format("it would keep other state: {} (before: {})", new_shape->second,
                      old_shape->second));
    } else {
      add("keeps its state");
    }
  }
  return difference;
}

}  // namespace

std::string_view NameOf(NodeDifference::Fate fate) {
  switch (fate) {
    case Fate::kKept:
      return "kept";
    case Fate::kMoved:
      return "moved";
    case Fate::kNew:
      return "new";
    case Fate::kGone:
      return "gone";
    case Fate::kRefused:
      return "refused";
  }
  return "refused";
}

std::vector<NodeDifference> DiffPlans(const JobPlan& before, const JobPlan& after) {
  const std::vector<NamedNode> olds = NodesOf(before);
  const std::vector<NamedNode> news = NodesOf(after);
  const auto shapes_before = StateShapes(before);
  const auto shapes_after = StateShapes(after);
  const auto find = [](const std::vector<NamedNode>& nodes, const NamedNode& wanted) {
    return std::find_if(nodes.begin(), nodes.end(), [&](const NamedNode& node) {
      return node.kind == wanted.kind && node.name == wanted.name;
    });
  };
  std::vector<NodeDifference> differences;
  for (const NamedNode& node : news) {
    const auto old = find(olds, node);
    if (old != olds.end()) {
      differences.push_back(OfBoth(*old, node, shapes_before, shapes_after));
    } else {
      differences.push_back({node.kind, node.name, Fate::kNew,
                             node.kind == "source"              ? "begins at its start"
                             : shapes_after.contains(node.name) ? "begins without state"
                                                                : ""});
    }
  }
  for (const NamedNode& node : olds) {
    if (find(news, node) != news.end()) continue;
    NodeDifference gone{node.kind, node.name, Fate::kGone, ""};
    if (node.kind == "source") {
      gone.fate = Fate::kRefused;
      gone.detail = "its positions would be given up";
    } else if (shapes_before.contains(node.name)) {
      gone.fate = Fate::kRefused;
      gone.detail = "its state would be given up";
    } else if (node.kind == "sink") {
      gone.detail = "all that it was given is published before";
    }
    differences.push_back(std::move(gone));
  }
  return differences;
}

}  // namespace weir

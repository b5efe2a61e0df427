#include "engine/plan_diff.h"

#include <algorithm>
#include <map>
#include <optional>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "engine/errors.h"
#include "engine/recovery.h"

namespace weir {
namespace {

using Fate = NodeDifference::Fate;

/// A node as the job names it.
struct NamedNode {
  std::string kind;
  std::string name;
  uint32_t tasks = 1;
  const SourcePlan* source = nullptr;
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
      nodes.push_back({kind, node.user_name, tasks, node.source.get()});
    } else {
      known->tasks = tasks;
    }
  }
  return nodes;
}

bool Names(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

NodeDifference OfBoth(const NamedNode& before, const NamedNode& after,
                      const std::map<std::string, std::string>& shapes_before,
                      const std::map<std::string, std::string>& shapes_after, bool drop) {
  NodeDifference difference{after.kind, after.name, Fate::kKept, "", false};
  if (before.tasks != after.tasks) {
    difference.fate = Fate::kMoved;
    difference.detail = fmt::format("from {} tasks to {}", before.tasks, after.tasks);
  }
  const auto add = [&](std::string_view text) {
    difference.detail += (difference.detail.empty() ? "" : "; ") + std::string(text);
  };
  if (after.kind == "source") {
    difference.keeps = true;
    if (drop) difference.fate = Fate::kRebuilt;
    add(drop ? "begins at its start; its positions are dropped" : "goes on from its positions");
    if (!drop && before.source && after.source) {
      for (const std::string& input : before.source->Inputs()) {
        if (after.source->Reads(input)) continue;
        add(fmt::format("{} is no longer read: its positions are dropped", input));
      }
      for (const std::string& input : after.source->Inputs()) {
        if (before.source->Reads(input)) continue;
        add(fmt::format("{} is new: it is read from its first record", input));
      }
    }
  } else if (after.kind == "step") {
    const auto old_shape = shapes_before.find(after.name);
    const auto new_shape = shapes_after.find(after.name);
    if (old_shape == shapes_before.end()) {
      if (new_shape != shapes_after.end()) add("begins to keep state, without any");
      return difference;
    }
    difference.keeps = true;
    if (new_shape == shapes_after.end()) {
      difference.fate = Fate::kRebuilt;
      add("it kept state, and keeps none");
    } else if (old_shape->second != new_shape->second) {
      difference.fate = Fate::kRebuilt;
      add(fmt::format("it keeps other state: {} (before: {})", new_shape->second,
                      old_shape->second));
    } else if (drop) {
      difference.fate = Fate::kRebuilt;
      add("begins without state; what it kept is dropped");
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
    case Fate::kRebuilt:
      return "rebuilt";
    case Fate::kDropped:
      return "dropped";
  }
  return "dropped";
}

std::vector<NodeDifference> DiffPlans(const JobPlan& before, const JobPlan& after,
                                      const std::vector<std::string>& drop_state) {
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
      differences.push_back(
          OfBoth(*old, node, shapes_before, shapes_after, Names(drop_state, node.name)));
    } else {
      differences.push_back({node.kind, node.name, Fate::kNew,
                             node.kind == "source"              ? "begins at its start"
                             : shapes_after.contains(node.name) ? "begins without state"
                                                                : "",
                             false});
    }
  }
  for (const NamedNode& node : olds) {
    if (find(news, node) != news.end()) continue;
    NodeDifference gone{node.kind, node.name, Fate::kGone, "", false};
    if (node.kind == "source" || shapes_before.contains(node.name)) {
      gone.fate = Fate::kDropped;
      gone.keeps = true;
      gone.detail = node.kind == "source" ? "its positions are dropped" : "its state is dropped";
    } else if (node.kind == "sink") {
      gone.detail = "all that it was given is published before";
    }
    differences.push_back(std::move(gone));
  }
  return differences;
}

Status CheckDrops(const std::vector<NodeDifference>& differences,
                  const std::vector<std::string>& drop_state) {
  std::vector<std::string> keeping;
  std::vector<std::string> unsaid;
  std::string told;
  for (const NodeDifference& one : differences) {
    if (!one.keeps) continue;
    keeping.push_back(one.name);
    const bool drops = one.fate == Fate::kRebuilt || one.fate == Fate::kDropped;
    if (!drops || Names(drop_state, one.name)) continue;
    unsaid.push_back(one.name);
    told += fmt::format("\n  {} '{}': {}", one.kind, one.name, one.detail);
  }
  for (const std::string& name : drop_state) {
    if (Names(keeping, name)) continue;
    return Status(errors::kNothingToDrop,
                  fmt::format("the job keeps nothing of a step or source '{}'", name),
                  keeping.empty()
                      ? "it keeps nothing that could be dropped"
                      : fmt::format("it keeps state or positions of {}", fmt::join(keeping, ", ")));
  }
  if (unsaid.empty()) return Status::Ok();
  return Status(errors::kWouldDrop,
                fmt::format("the change would drop what the job keeps:{}", told),
                fmt::format("keep those as they were, run the new job under another name, or say "
                            "that it may be dropped: --drop-state {}",
                            fmt::join(unsaid, ",")));
}

}  // namespace weir

#include "engine/recovery.h"

#include <algorithm>

#include <fmt/format.h>

#include "engine/errors.h"

namespace weir {

uint64_t ContentNumber(const proto::Manifest& manifest) {
  return manifest.content_number() != 0 ? manifest.content_number() : manifest.number();
}

Result<LaneDecision> DecideLane(const LaneStanding& standing, const std::string& instance,
                                uint64_t number, const RecoveryChoices& choices) {
  const std::string lane =
      fmt::format("sink '{}', lane {}", standing.lane.sink, standing.lane.number);
  if (!standing.has_markers) {
    if (standing.publishing_begun.value > number && !choices.rewind) {
      return Status(errors::kStaleMarker,
                    fmt::format("{}: checkpoint {} began to be published, but the newest usable "
                                "checkpoint is {}",
                                lane, standing.publishing_begun.value, number),
                    "going on would write its results a second time. Bring the newer checkpoint "
                    "back, or accept that with --rewind");
    }
    return LaneDecision{Epoch{0}, false};
  }
  const LaneMarker& marker = standing.marker;
  if (!marker.found) {
    if (standing.opened_before && !standing.unpublished.empty() && !choices.rewind) {
      return Status(errors::kMarkerGone,
                    fmt::format("{}: its marker at the broker is gone (group offsets expire), and "
                                "checkpoint {} holds results that may or may not be published",
                                lane, standing.unpublished.back().value),
                    "look at the topic: publish them (again) with --rewind, or drop them with "
                    "'weir txn resolve --drop'");
    }
    return LaneDecision{Epoch{0}, true};
  }
  if (marker.instance != instance) {
    if (!choices.take_over) {
      return Status(errors::kForeignMarker,
                    fmt::format("{}: the broker holds a marker of another instance of this job "
                                "({}, checkpoint {})",
                                lane, marker.instance, marker.epoch.value),
                    "another state directory or cluster has published under this name. Give the "
                    "job another name, or take over from it with --take-over");
    }
    return LaneDecision{Epoch{0}, true};
  }
  if (marker.epoch.value > number) {
    if (!choices.rewind) {
      return Status(errors::kStaleMarker,
                    fmt::format("{}: checkpoint {} is published, but the newest usable checkpoint "
                                "is {}",
                                lane, marker.epoch.value, number),
                    "going on would publish its results a second time. Bring the newer checkpoint "
                    "back, or accept that with --rewind");
    }
    return LaneDecision{Epoch{number}, true};
  }
  return LaneDecision{marker.epoch, false};
}

std::map<std::string, std::string> StateShapes(const JobPlan& plan) {
  std::map<std::string, std::string> shapes;
  for (const NodePlan& node : plan.nodes) {
    if (node.op && node.op->stateful) shapes[node.user_name] += node.op->state_shape;
  }
  return shapes;
}

Status CheckSameJob(const JobPlan& plan, const proto::Manifest& manifest) {
  std::string differences;
  const auto differs = [&](std::string line) { differences += "\n  " + std::move(line); };
  const std::map<std::string, std::string> shapes = StateShapes(plan);
  for (const auto& [step, old_shape] : manifest.state_shapes()) {
    const auto now = shapes.find(step);
    if (now == shapes.end()) {
      differs(fmt::format("step '{}' is gone, and it has state", step));
    } else if (now->second != old_shape) {
      differs(fmt::format("step '{}' keeps other state: {} (before: {})", step, now->second,
                          old_shape));
    }
  }
  const auto has_node = [&](const std::string& name, NodePlan::Role role) {
    return std::any_of(plan.nodes.begin(), plan.nodes.end(), [&](const NodePlan& node) {
      return node.role == role && node.user_name == name;
    });
  };
  for (const proto::SourceState& source : manifest.sources()) {
    if (!has_node(source.source(), NodePlan::Role::kSource)) {
      differs(fmt::format("source '{}' is gone", source.source()));
    }
  }
  for (const proto::LaneState& lane : manifest.lanes()) {
    if (lane.unpublished_size() > 0 && !has_node(lane.sink(), NodePlan::Role::kSink)) {
      differs(
          fmt::format("sink '{}' is gone, and results of it are not published yet", lane.sink()));
    }
  }
  if (differences.empty()) return Status::Ok();
  return Status(
      errors::kChangedJob,
      fmt::format("the job file has changed against checkpoint {} in a way that its state "
                  "does not fit:{}",
                  manifest.number(), differences),
      "undo the change, run it under another name, or begin anew with --fresh");
}

}  // namespace weir

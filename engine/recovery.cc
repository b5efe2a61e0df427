#include "engine/recovery.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "engine/errors.h"
#include "state/task_state.h"

namespace weir {

uint64_t ContentNumber(const proto::Manifest& manifest) {
  return manifest.content_number() != 0 ? manifest.content_number() : manifest.number();
}

Status CheckGoesBack(const proto::Manifest& savepoint, const proto::Manifest* newest,
                     const std::string& where) {
  if (newest == nullptr) return Status::Ok();
  const std::string& instance = savepoint.instance();
  const bool same = instance == newest->instance() || instance == newest->heir_of();
  if (same && ContentNumber(savepoint) <= newest->number()) return Status::Ok();
  const std::string why =
      same ? fmt::format("is of checkpoint {}, and the newest checkpoint that is here is {}",
                         ContentNumber(savepoint), newest->number())
           : fmt::format(
                 "is of another instance of the job ({}), and there are checkpoints of this "
                 "one here",
                 instance);
  return Status(errors::kOtherSavepoint, fmt::format("{} {}", where, why),
                "give it a checkpoint store of its own, or have the checkpoints that are here "
                "forgotten with --fresh");
}

Result<LaneDecision> DecideLane(const LaneStanding& standing, const MarkerOwners& owners,
                                uint64_t number, const RecoveryChoices& choices) {
  const std::string lane =
      fmt::format("sink '{}', lane {}", standing.lane.sink, standing.lane.number);
  // What was chosen besides has to be said again.
  const std::string rewind =
      choices.from.empty() ? "--rewind" : fmt::format("--from {} --rewind", choices.from);
  if (!standing.has_markers) {
    if (standing.publishing_begun.value > number && !choices.rewind) {
      return Status(errors::kStaleMarker,
                    fmt::format("{}: checkpoint {} began to be published, but the checkpoint to go "
                                "on from is {}",
                                lane, standing.publishing_begun.value, number),
                    "going on would write its results a second time. Bring the newer checkpoint "
                    "back, or accept that with " +
                        rewind);
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
  const bool inherited = !owners.heir_of.empty() && marker.instance == owners.heir_of;
  if (marker.instance != owners.instance && !inherited) {
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
                    fmt::format("{}: checkpoint {} is published, but the checkpoint to go on from "
                                "is {}",
                                lane, marker.epoch.value, number),
                    "going on would publish its results a second time. Bring the newer checkpoint "
                    "back, or accept that with " +
                        rewind);
    }
    return LaneDecision{Epoch{number}, true};
  }
  return LaneDecision{marker.epoch, inherited};
}

std::map<std::string, std::string> StateShapes(const JobPlan& plan) {
  std::map<std::string, std::string> shapes;
  for (const NodePlan& node : plan.nodes) {
    if (node.op && node.op->stateful) shapes[node.user_name] += node.op->state_shape;
  }
  return shapes;
}

Result<std::set<std::string>> StillToDrop(const JobPlan& plan, const proto::Manifest& manifest,
                                          const std::vector<std::string>& drop_state) {
  if (drop_state.empty() || manifest.job_text() == plan.text) return std::set<std::string>();
  std::set<std::string> kept;
  for (const auto& [step, shape] : manifest.state_shapes()) kept.insert(step);
  for (const proto::SourceState& source : manifest.sources()) kept.insert(source.source());
  for (const std::string& name : drop_state) {
    if (kept.contains(name)) continue;
    return Status(errors::kNothingToDrop,
                  fmt::format("checkpoint {} keeps nothing of a step or source '{}'",
                              manifest.number(), name),
                  kept.empty()
                      ? "it keeps nothing that could be dropped"
                      : fmt::format("it keeps state or positions of {}", fmt::join(kept, ", ")));
  }
  return std::set<std::string>(drop_state.begin(), drop_state.end());
}

namespace {

bool HasNode(const JobPlan& plan, const std::string& name, NodePlan::Role role) {
  return std::any_of(plan.nodes.begin(), plan.nodes.end(), [&](const NodePlan& node) {
    return node.role == role && node.user_name == name;
  });
}

/// Why what the manifest keeps of a step or source can't be gone on from: by name.
std::map<std::string, std::string> Misfits(const JobPlan& plan, const proto::Manifest& manifest) {
  std::map<std::string, std::string> misfits;
  const std::map<std::string, std::string> shapes = StateShapes(plan);
  for (const auto& [step, old_shape] : manifest.state_shapes()) {
    const auto now = shapes.find(step);
    if (now == shapes.end()) {
      misfits[step] = fmt::format("step '{}' is gone, and it has state", step);
    } else if (now->second != old_shape) {
      misfits[step] =
          fmt::format("step '{}' keeps other state: {} (before: {})", step, now->second, old_shape);
    }
  }
  for (const proto::SourceState& source : manifest.sources()) {
    if (HasNode(plan, source.source(), NodePlan::Role::kSource)) continue;
    misfits[source.source()] = fmt::format("source '{}' is gone", source.source());
  }
  return misfits;
}

}  // namespace

std::set<std::string> MustDrop(const JobPlan& plan, const proto::Manifest& manifest) {
  std::set<std::string> names;
  for (const auto& [name, why] : Misfits(plan, manifest)) names.insert(name);
  return names;
}

Status CheckSameJob(const JobPlan& plan, const proto::Manifest& manifest,
                    const std::set<std::string>& dropped) {
  std::string differences;
  std::set<std::string> to_drop(dropped);
  for (const auto& [name, why] : Misfits(plan, manifest)) {
    if (to_drop.insert(name).second) differences += "\n  " + why;
  }
  for (const proto::LaneState& lane : manifest.lanes()) {
    if (lane.unpublished_size() > 0 && !HasNode(plan, lane.sink(), NodePlan::Role::kSink)) {
      differences += fmt::format("\n  sink '{}' is gone, and results of it are not published yet",
                                 lane.sink());
    }
  }
  if (differences.empty()) return Status::Ok();
  return Status(
      errors::kChangedJob,
      fmt::format("the job file has changed against checkpoint {} in a way that its state "
                  "does not fit:{}",
                  ContentNumber(manifest), differences),
      to_drop == dropped
          ? "undo the change, run it under another name, or begin anew with --fresh"
          : fmt::format("undo the change, run it under another name, or give up what does not fit "
                        "with --drop-state {}",
                        fmt::join(to_drop, ",")));
}

std::map<std::string, int64_t> DropState(proto::Manifest& manifest,
                                         const std::set<std::string>& steps) {
  std::map<std::string, int64_t> held;
  if (steps.empty()) return held;
  auto& totals = *manifest.mutable_totals()->mutable_values();
  for (proto::TaskCheckpoint& task : *manifest.mutable_tasks()) {
    (void)RestrictTo(task, [&](const std::string& step) { return !steps.contains(step); });
    for (proto::NodeCounts& counts : *task.mutable_counts()) {
      const std::string step = counts.node().substr(0, counts.node().find('/'));
      if (!steps.contains(step) || counts.held_after() == 0) continue;
      held[step] += counts.held_after();
      totals[counts.node() + ".given_up"] += counts.held_after();
      totals.erase(counts.node() + ".held");
      counts.set_held_after(0);
    }
  }
  return held;
}

}  // namespace weir

#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "connectors/connector.h"
#include "engine/ids.h"
#include "engine/plan.h"
#include "proto/manifest.pb.h"

namespace weir {

/// What a user has chosen where weir could go on in more than one way.
struct RecoveryChoices {
  bool rewind = false;     ///< Go on from an older checkpoint although later results are out.
  bool take_over = false;  ///< Take a lane that another instance of the job has written to.
};

/// Where one lane stands, and what the newest usable manifest says of it.
struct LaneStanding {
  LaneId lane;
  bool has_markers = false;
  LaneMarker marker;               ///< Read after fencing; only with markers.
  Epoch publishing_begun;          ///< Newest epoch whose publishing may have begun; only without.
  bool opened_before = false;      ///< A manifest names the lane.
  std::vector<Epoch> unpublished;  ///< Epochs with rows that the manifest holds for it.
};

/// What to do with a lane before tasks start.
struct LaneDecision {
  Epoch publish_after;        ///< Epochs of the manifest above this are published.
  bool write_marker = false;  ///< The lane's marker is set to the manifest's number.
};

/// The number that the manifest's content was written under first: a claim repeats an older one.
uint64_t ContentNumber(const proto::Manifest& manifest);

/// Decides one lane (protocol rules 14, 15, 16, 19), or says what the user must choose, with the
/// option to say it by. `number` is the manifest that the job goes on from (0: none), `instance`
/// the job's. Pure.
Result<LaneDecision> DecideLane(const LaneStanding& standing, const std::string& instance,
                                uint64_t number, const RecoveryChoices& choices);

/// Whether a job can go on from what the manifest holds: steps with state have the same name and
/// shape, sources and unpublished sinks are still there. The error lists every difference. Pure.
Status CheckSameJob(const JobPlan& plan, const proto::Manifest& manifest);

/// The shape of each step's state, as `CheckSameJob` compares it: by step name.
std::map<std::string, std::string> StateShapes(const JobPlan& plan);

}  // namespace weir

#pragma once

#include <map>
#include <optional>
#include <set>
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
  /// Steps whose state, and sources whose positions, the changed job does not go on from.
  std::vector<std::string> drop_state = {};
  /// Go on from this in place of the newest checkpoint: the number of a savepoint or checkpoint of
  /// the job's store, or where a savepoint lies. Empty: from the newest.
  std::string from = {};
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

/// Whose markers the job's lanes may hold.
struct MarkerOwners {
  std::string instance;  ///< The job's own.
  std::string heir_of;   ///< An instance whose savepoint it goes on from; empty: none.
};

/// Decides one lane (protocol rules 14, 15, 16, 19), or says what the user must choose, with the
/// option to say it by. `number` is the manifest that the job goes on from (0: none). Pure.
Result<LaneDecision> DecideLane(const LaneStanding& standing, const MarkerOwners& owners,
                                uint64_t number, const RecoveryChoices& choices);

/// Which of `drop_state` is still to be dropped: all while the job's text is another than the
/// manifest's, none once a manifest of the new text stands, so that a second start drops nothing
/// that was gathered since. An error for a name that the manifest keeps nothing of. Pure.
Result<std::set<std::string>> StillToDrop(const JobPlan& plan, const proto::Manifest& manifest,
                                          const std::vector<std::string>& drop_state);

/// Steps and sources of the manifest whose state or positions have no place in the plan. Pure.
std::set<std::string> MustDrop(const JobPlan& plan, const proto::Manifest& manifest);
/// Whether the content of a savepoint can become the next manifest behind `newest` (null: the log
/// is empty), so that all published epochs are below the numbers to come: it must be of the same
/// instance and not newer. The error says what can be done. Pure.
Status CheckGoesBack(const proto::Manifest& savepoint, const proto::Manifest* newest,
                     const std::string& where);

/// Whether a job can go on from what the manifest holds: steps with state have the same name and
/// shape, sources and unpublished sinks are still there, but for `dropped` steps and sources. The
/// error lists every difference, and its cure what would have to be dropped. Pure.
Status CheckSameJob(const JobPlan& plan, const proto::Manifest& manifest,
                    const std::set<std::string>& dropped);

/// Takes the state of steps, and the rows that they held, out of what a manifest says; the totals
/// tell these rows as `node.given_up`. Positions of sources are not touched. How many rows were
/// held, for each step that held some. Pure.
std::map<std::string, int64_t> DropState(proto::Manifest& manifest,
                                         const std::set<std::string>& steps);

/// The shape of each step's state, as `CheckSameJob` compares it: by step name.
std::map<std::string, std::string> StateShapes(const JobPlan& plan);

}  // namespace weir

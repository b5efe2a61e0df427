#include "daemon/manager/states/all.h"
#include "daemon/manager/states/at_rest.h"

namespace weir::manager::states {
namespace {

constexpr JobState kWaysOut[] = {JobState::kWaiting, JobState::kCancelled};

/// weir could go on in more than one way. The user says which by submitting or restarting it with a
/// choice.
class NeedsDecisionState final : public AtRest {
 public:
  JobState name() const override { return JobState::kNeedsDecision; }
  std::span<const JobState> ways_out() const override { return kWaysOut; }

  /// Nothing is to become of it any more.
  Status Cancel(Job& job, Turn& turn) const override {
    turn.MoveTo(job, JobState::kCancelled);
    return Status::Ok();
  }

  std::string Describe(const Job& job, const Cluster&, Duration) const override {
    return job.record.failure ? job.record.failure->ToString() : "a choice is needed";
  }
};

}  // namespace

const State& NeedsDecision() {
  static const NeedsDecisionState state;
  return state;
}

}  // namespace weir::manager::states

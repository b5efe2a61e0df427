#include "daemon/manager/states/all.h"
#include "daemon/manager/states/at_rest.h"

namespace weir::manager::states {
namespace {

constexpr JobState kWaysOut[] = {JobState::kWaiting, JobState::kCancelled};

/// It failed in a way that does not pass, or too often in a row.
class FailedState final : public AtRest {
 public:
  JobState name() const override { return JobState::kFailed; }
  std::span<const JobState> ways_out() const override { return kWaysOut; }

  /// Nothing is to become of it any more.
  Status Cancel(Job& job, Turn& turn) const override {
    turn.MoveTo(job, JobState::kCancelled);
    return Status::Ok();
  }

  std::string Describe(const Job& job, const Cluster&, Duration) const override {
    return job.record.failure ? job.record.failure->ToString() : "failed";
  }
};

}  // namespace

const State& Failed() {
  static const FailedState state;
  return state;
}

}  // namespace weir::manager::states

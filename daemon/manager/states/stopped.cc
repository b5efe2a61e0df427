#include <fmt/format.h>

#include "daemon/manager/states/all.h"
#include "daemon/manager/states/at_rest.h"

namespace weir::manager::states {
namespace {

constexpr JobState kWaysOut[] = {JobState::kWaiting};

/// The user has stopped it, with a last checkpoint where it was running.
class StoppedState final : public AtRest {
 public:
  JobState name() const override { return JobState::kStopped; }
  std::span<const JobState> ways_out() const override { return kWaysOut; }

  std::string Describe(const Job& job, const Cluster&, Duration) const override {
    if (!job.record.note.empty()) return job.record.note;
    return fmt::format("stopped with checkpoint {}", job.record.savepoint);
  }
};

}  // namespace

const State& Stopped() {
  static const StoppedState state;
  return state;
}

}  // namespace weir::manager::states

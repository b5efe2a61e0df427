#include <fmt/format.h>

#include "daemon/manager/states/all.h"
#include "daemon/manager/states/at_rest.h"

namespace weir::manager::states {
namespace {

constexpr JobState kWaysOut[] = {JobState::kWaiting};

/// A bounded job that has read and published all of its input.
class EndedState final : public AtRest {
 public:
  JobState name() const override { return JobState::kEnded; }
  std::span<const JobState> ways_out() const override { return kWaysOut; }

  Status Restart(Job& job, const commands::Restart& restart, Turn& turn) const override {
    if (!restart.choices.fresh) return WrongState(job, "--fresh runs it again from the beginning");
    return AtRest::Restart(job, restart, turn);
  }

  Status MayResolve(const Job& job) const override {
    return WrongState(job, "all of its results are published");
  }

  std::string Describe(const Job& job, const Cluster&, Duration) const override {
    return fmt::format("all of its input was read and published, by attempt {}",
                       job.record.attempts);
  }
};

}  // namespace

const State& Ended() {
  static const EndedState state;
  return state;
}

}  // namespace weir::manager::states

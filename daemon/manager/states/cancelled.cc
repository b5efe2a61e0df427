#include "daemon/manager/states/all.h"
#include "daemon/manager/states/at_rest.h"

namespace weir::manager::states {
namespace {

constexpr JobState kWaysOut[] = {JobState::kWaiting};

/// The user has ended it at once. What its last checkpoint holds unpublished waits for the next
/// start.
class CancelledState final : public AtRest {
 public:
  JobState name() const override { return JobState::kCancelled; }
  std::span<const JobState> ways_out() const override { return kWaysOut; }

  std::string Describe(const Job&, const Cluster&, Duration) const override {
    return "cancelled; what its last checkpoint holds unpublished waits for the next start";
  }
};

}  // namespace

const State& Cancelled() {
  static const CancelledState state;
  return state;
}

}  // namespace weir::manager::states

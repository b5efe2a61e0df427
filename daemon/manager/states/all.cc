#include "daemon/manager/states/all.h"

#include <algorithm>

#include "daemon/manager/states/state.h"

namespace weir::manager {

const State& StateOf(JobState state) {
  switch (state) {
    case JobState::kWaiting:
      return states::Waiting();
    case JobState::kStarting:
      return states::Starting();
    case JobState::kRunning:
      return states::Running();
    case JobState::kStopping:
      return states::Stopping();
    case JobState::kStopped:
      return states::Stopped();
    case JobState::kEnded:
      return states::Ended();
    case JobState::kCancelled:
      return states::Cancelled();
    case JobState::kFailed:
      return states::Failed();
    case JobState::kNeedsDecision:
      return states::NeedsDecision();
  }
  WEIR_CHECK(false, "a job state that has no file");
}

bool IsWayOut(JobState from, JobState to) {
  const auto ways = StateOf(from).ways_out();
  return std::find(ways.begin(), ways.end(), to) != ways.end();
}

}  // namespace weir::manager

#pragma once

#include "daemon/manager/states/state.h"

namespace weir::manager::states {

/// A job with an attempt: what its end means is the same in all these states, but for the one that
/// has asked for it.
class UnderWay : public State {
 public:
  void OnEnded(Job& job, const AttemptOutcome& outcome, Turn& turn) const override;
  void OnLost(Job& job, const std::string& reason, Turn& turn) const override;
  Status Cancel(Job& job, Turn& turn) const override;

 protected:
  /// The attempt ended as if it had been asked to stop.
  virtual void OnStopped(Job& job, const AttemptOutcome& outcome, Turn& turn) const;

  /// What is to be done of a rescale, an upgrade or a stop, once rows flow. Refused while another
  /// change waits.
  static Status PlanRescale(Job& job, const commands::Rescale& rescale, Turn& turn);
  static Status PlanUpgrade(Job& job, const commands::Upgrade& upgrade, Turn& turn);
};

/// `its attempt 3.7 on w1 and w2`.
std::string DescribeAttempt(const Job& job);

}  // namespace weir::manager::states

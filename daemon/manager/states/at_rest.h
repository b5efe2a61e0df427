#pragma once

#include "daemon/manager/states/state.h"

namespace weir::manager::states {

/// A job without an attempt that waits for nobody but the user: it can be submitted again, with
/// another text too, or restarted.
class AtRest : public State {
 public:
  Status Submit(Job& job, const commands::Submit& submit, Turn& turn) const override;
  Status Restart(Job& job, const commands::Restart& restart, Turn& turn) const override;
  Status MayRemove(const Job&) const override { return Status::Ok(); }
  Status MayResolve(const Job&) const override { return Status::Ok(); }

 protected:
  static void GoOn(Job& job, const AttemptChoices& choices, const std::string& instance,
                   Turn& turn);
};

}  // namespace weir::manager::states

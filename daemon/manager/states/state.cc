#include "daemon/manager/states/state.h"

#include <fmt/format.h>

#include "daemon/manager/errors.h"

namespace weir::manager {

Status State::WrongState(const Job& job, std::string cure) {
  return Status(errors::kWrongState,
                fmt::format("job {} is in state '{}'", job.record.name, NameOf(job.record.state)),
                std::move(cure));
}

Status State::Submit(Job& job, const commands::Submit&, Turn&) const {
  return Status(errors::kJobActive,
                fmt::format("there is a job {} in state '{}' already", job.record.name,
                            NameOf(job.record.state)),
                "change it with 'weir upgrade', or stop it first");
}

Status State::Restart(Job& job, const commands::Restart&, Turn&) const {
  return WrongState(job, "only a job at rest can be restarted; stop it first");
}

Status State::Stop(Job& job, const commands::Stop&, Turn&) const {
  return WrongState(job, "it is at rest already");
}

Status State::Cancel(Job& job, Turn&) const { return WrongState(job, "it is at rest already"); }

Status State::Savepoint(Job& job, RequestId, Turn&) const {
  return WrongState(job, "only a running job can take a savepoint");
}

Status State::Rescale(Job& job, const commands::Rescale&, Turn&) const {
  return WrongState(job, "'weir restart' it first");
}

Status State::Upgrade(Job& job, const commands::Upgrade&, Turn&) const {
  return WrongState(job, "'weir submit' its new text: it goes on from its last checkpoint");
}

Status State::MayRemove(const Job& job) const {
  return WrongState(job, "'weir stop' or 'weir cancel' it first");
}

Status State::MayResolve(const Job& job) const {
  return WrongState(job, "a job that is not at rest publishes by itself; 'weir stop' it first");
}

}  // namespace weir::manager

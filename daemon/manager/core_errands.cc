// What workers do for users at the checkpoints, to which they alone know the way.

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/failpoint.h"
#include "daemon/manager/core.h"
#include "daemon/manager/describe.h"
#include "daemon/manager/errors.h"
#include "daemon/manager/states/state.h"

namespace weir::manager {

const Worker* Core::WorkerForErrand(const Job& job) const {
  const auto here = [this](const std::string& id) {
    const Worker* worker = cluster_.Find(id);
    return worker && worker->present() ? worker : nullptr;
  };
  // Those that have, or had, the job have its store for certain. The lead is the first of them.
  if (job.record.attempt) {
    for (const AttemptWorker& worker : job.record.attempt->placement.workers) {
      if (const Worker* found = here(worker.id)) return found;
    }
  }
  for (const std::string& id : job.record.previous_workers) {
    if (const Worker* found = here(id)) return found;
  }
  const Worker* other = nullptr;
  for (const auto& [id, worker] : cluster_.workers()) {
    if (worker.present() && (!other || (!other->usable() && worker.usable()))) other = &worker;
  }
  return other;
}

std::string Core::StoreOf(const std::string& job) const {
  const auto it = jobs_.find(job);
  const Worker* worker = it == jobs_.end() ? nullptr : WorkerForErrand(it->second);
  return worker ? worker->store_url : std::string();
}

Status Core::CheckNotBusy(const Job& job) const {
  const std::string& name = job.record.name;
  const bool resolving = std::any_of(errands_.begin(), errands_.end(), [&](const auto& entry) {
    return entry.second.job == name && entry.second.errand.writes_checkpoint();
  });
  if (!resolving && !job.record.removed) return Status::Ok();
  return Status(errors::kChangeUnderWay,
                job.record.removed
                    ? fmt::format("job {} is being removed", name)
                    : fmt::format("what waits of job {} is being decided about just now", name),
                "ask again in a moment");
}

Status Core::Give(const commands::RunErrand& wanted, const facts::Asked& asked, Turn& turn) {
  const auto it = jobs_.find(wanted.job);
  if (it == jobs_.end()) return NoSuchJob(wanted.job);
  Job& job = it->second;
  if (wanted.errand.changes()) WEIR_TRY(CheckNotBusy(job));
  if (wanted.errand.writes_checkpoint()) WEIR_TRY(StateOf(job.record.state).MayResolve(job));
  if (errands_.size() >= options_.most_errands) {
    return Status(errors::kTooManyErrands,
                  fmt::format("workers look at checkpoints for {} others just now, and that is as "
                              "many as may",
                              errands_.size()),
                  "ask again in a moment");
  }
  const Worker* worker = WorkerForErrand(job);
  if (!worker) {
    return Status(errors::kNoWorkerHere,
                  "workers know where checkpoints are, and none is here" +
                      DescribeMissing(cluster_, turn.now()),
                  "start one; 'weir workers' shows those that are known");
  }
  tell::RunErrand order;
  order.id = {term_, ++errands_given_};
  order.job = wanted.job;
  order.errand = wanted.errand;
  order.limit = options_.errand_limit;
  errands_[order.id.number] = {
      asked,         wanted.job,
      wanted.errand, *worker->session,
      worker->id,    {turn.now().us + options_.errand_limit.us + options_.errand_slack.us}};
  if (!wanted.errand.writes_checkpoint()) {
    turn.Tell(*worker->session, std::move(order));
    return Status::Ok();
  }
  // It needs a number as an attempt does: durable, and nobody else's.
  if (!WEIR_MUTANT("manager_errand_unnumbered")) job.record.attempts++;
  order.attempt = {term_, job.record.attempts};
  order.instance = job.record.instance;
  turn.Changed(job);
  errands_[order.id.number].untold = std::move(order);
  return Status::Ok();
}

void Core::TellErrands(const Job& job, Turn& turn) {
  for (auto& [number, errand] : errands_) {
    if (errand.job != job.record.name || !errand.untold) continue;
    turn.Tell(errand.session, *std::exchange(errand.untold, std::nullopt));
  }
}

void Core::OnErrandDone(const facts::ErrandDone& done, Turn& turn) {
  const auto it = errands_.find(done.errand.number);
  if (done.errand.term != term_ || it == errands_.end() || it->second.session != done.session) {
    return;
  }
  const ErrandUnderWay& errand = it->second;
  if (errand.errand.changes() && !done.status.ok()) {
    turn.Say(AuditOf(errand.asked, done.status));
  }
  turn.Say(actions::Reply{errand.asked.request, done.status, 0, {}, done.told});
  errands_.erase(it);
}

void Core::EndLostErrands(Turn& turn) {
  for (auto it = errands_.begin(); it != errands_.end();) {
    const ErrandUnderWay& errand = it->second;
    const bool gone = cluster_.OfSession(errand.session) == nullptr;
    if (!gone && turn.now() < errand.until) {
      ++it;
      continue;
    }
    Status cut(errors::kErrandCut,
               gone ? fmt::format("worker {} left before it had answered", errand.worker)
                    : fmt::format("worker {} has not answered in time", errand.worker),
               errand.errand.writes_checkpoint() ? "'weir txn list' shows whether it was done"
               : errand.errand.changes() ? "'weir checkpoint list' shows whether it was done"
                                         : "ask again");
    if (errand.errand.changes()) turn.Say(AuditOf(errand.asked, cut));
    turn.Say(actions::Reply{errand.asked.request, std::move(cut), 0});
    it = errands_.erase(it);
  }
}

}  // namespace weir::manager

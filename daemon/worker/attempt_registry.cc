#include "daemon/worker/attempt_registry.h"

#include <fmt/format.h>

#include "daemon/worker/errors.h"

namespace weir {

Status AttemptRegistry::Old(const std::string& job, const AttemptId& attempt,
                            const AttemptId& newest) {
  return Status(errors::kAttemptOver,
                fmt::format("attempt {} of job '{}' is over: there is attempt {}",
                            attempt.ToString(), job, newest.ToString()));
}

void AttemptRegistry::SawLocked(Job& job, const std::string& name, const AttemptId& attempt) {
  if (attempt <= job.newest) return;
  job.newest = attempt;
  if (job.on_broken) job.on_broken(Old(name, job.here, attempt), {});
}

Status AttemptRegistry::Enter(const std::string& job, const AttemptId& attempt, Duration patience,
                              OnBroken on_broken) {
  std::unique_lock lock(mutex_);
  Job& entry = jobs_[job];
  SawLocked(entry, job, attempt);
  if (attempt < entry.newest) return Old(job, attempt, entry.newest);
  left_.wait_for(lock, patience.ToChrono(),
                 [&] { return !entry.on_broken || attempt < entry.newest; });
  if (attempt < entry.newest) return Old(job, attempt, entry.newest);
  if (entry.on_broken) {
    return Status(
        errors::kPartStillThere,
        fmt::format("tasks of attempt {} of job '{}' do not end", entry.here.ToString(), job),
        "see the worker's log; where it stays so, restart the worker");
  }
  entry.here = attempt;
  entry.on_broken = std::move(on_broken);
  return Status::Ok();
}

void AttemptRegistry::Leave(const std::string& job, const AttemptId& attempt) {
  {
    std::lock_guard lock(mutex_);
    const auto entry = jobs_.find(job);
    if (entry == jobs_.end() || !entry->second.on_broken || entry->second.here != attempt) return;
    entry->second.on_broken = nullptr;
  }
  left_.notify_all();
}

void AttemptRegistry::Break(const std::string& job, const AttemptId& attempt, const Status& reason,
                            const std::string& channel) {
  std::lock_guard lock(mutex_);
  const auto entry = jobs_.find(job);
  if (entry == jobs_.end() || !entry->second.on_broken || entry->second.here != attempt) return;
  entry->second.on_broken(reason, channel);
}

void AttemptRegistry::Saw(const std::string& job, const AttemptId& attempt) {
  {
    std::lock_guard lock(mutex_);
    SawLocked(jobs_[job], job, attempt);
  }
  left_.notify_all();
}

std::vector<std::pair<std::string, AttemptId>> AttemptRegistry::Hosted() const {
  std::lock_guard lock(mutex_);
  std::vector<std::pair<std::string, AttemptId>> hosted;
  for (const auto& [name, job] : jobs_) {
    if (job.on_broken) hosted.emplace_back(name, job.here);
  }
  return hosted;
}

}  // namespace weir

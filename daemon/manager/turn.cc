#include "daemon/manager/turn.h"

#include <algorithm>

#include "base/check.h"
#include "base/failpoint.h"
#include "daemon/manager/states/state.h"

namespace weir::manager {

void Turn::MoveTo(Job& job, JobState to) {
  const JobState from = job.record.state;
  WEIR_CHECK(IsWayOut(from, to));
  job.record.state = to;
  job.since = now();
  job.record.changed_at = wall();
  Changed(job);
  Log(actions::Log::Level::kInfo, "job changes state",
      {{"job", job.record.name},
       {"from", std::string(NameOf(from))},
       {"to", std::string(NameOf(to))}});
  StateOf(to).Enter(job, *this);
}

void Turn::Changed(Job& job) {
  job.keeping.changes++;
  changed_.insert(job.record.name);
}

void Turn::WhenStored(Job& job, Action action) {
  if (job.durable() || WEIR_MUTANT("manager_answers_before_stored")) {
    Say(std::move(action));
  } else {
    job.keeping.WhenStored(std::move(action));
  }
}

void Turn::Tell(SessionId session, WorkerMessage message) {
  Say(actions::Tell{session, term_, std::move(message)});
}

bool Turn::TellWorker(const AttemptWorker& worker, WorkerMessage message) {
  const Worker* known = cluster_.Find(worker.id);
  if (!known || !known->present() || known->incarnation != worker.incarnation) return false;
  Tell(*known->session, std::move(message));
  return true;
}

void Turn::Log(actions::Log::Level level, const char* message,
               std::vector<std::pair<const char*, std::string>> fields) {
  Say(actions::Log{level, message, std::move(fields)});
}

}  // namespace weir::manager

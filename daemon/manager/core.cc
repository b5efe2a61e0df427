#include "daemon/manager/core.h"

#include <algorithm>
#include <tuple>

#include <fmt/format.h>

#include "base/failpoint.h"
#include "daemon/manager/attempts.h"
#include "daemon/manager/errors.h"
#include "daemon/manager/states/state.h"

namespace weir::manager {

Core::Core(CoreOptions options) : options_(std::move(options)) {}

Core::~Core() = default;

std::vector<Action> Core::On(Fact fact, Now now) {
  if (auto* elected = std::get_if<facts::Elected>(&fact)) {
    Begin(std::move(*elected), now);
    fact = facts::Tick{};
  }
  if (!leading_) {
    // It came too early, or to the wrong manager: nobody would ever welcome it here. Workers come
    // by again and again until they find the one that leads.
    if (const auto* opened = std::get_if<facts::SessionOpened>(&fact)) {
      return {actions::CloseSession{opened->session, ""}};
    }
    return {};
  }
  if (LeaseIsOver(now.monotonic) || std::holds_alternative<facts::Deposed>(fact)) {
    StepDown();
    return {};
  }
  Turn turn(now, term_, options_, cluster_);
  std::visit(
      [&](auto& told) {
        using Told = std::decay_t<decltype(told)>;
        if constexpr (std::is_same_v<Told, facts::LeaseRenewed>) {
          lease_until_ = std::max(lease_until_, told.until);
        } else if constexpr (std::is_same_v<Told, facts::Stored>) {
          OnStored(told.write, turn);
        } else if constexpr (std::is_same_v<Told, facts::StoreFailed>) {
          OnStoreFailed(told, turn);
        } else if constexpr (std::is_same_v<Told, facts::SessionOpened>) {
          OnOpened(told, turn);
        } else if constexpr (std::is_same_v<Told, facts::SessionBroken>) {
          // Its tasks are given up when it is not back in time.
          if (Worker* worker = cluster_.OfSession(told.session)) {
            cluster_.EndSession(*worker, turn.now());
          }
        } else if constexpr (std::is_same_v<Told, facts::Heartbeat>) {
          if (Worker* worker = cluster_.OfSession(told.session)) {
            worker->heard_at = turn.now();
            Reconcile(*worker, told.standing, /*hello=*/false, turn);
          }
        } else if constexpr (std::is_same_v<Told, facts::AttemptReported>) {
          OnReported(told, turn);
        } else if constexpr (std::is_same_v<Told, facts::AttemptEnded>) {
          OnEnded(told, turn);
        } else if constexpr (std::is_same_v<Told, facts::ErrandDone>) {
          OnErrandDone(told, turn);
        } else if constexpr (std::is_same_v<Told, facts::DrainAsked>) {
          if (Worker* worker = cluster_.OfSession(told.session)) {
            worker->drained_by_itself = true;
            turn.LookForRoom();
          }
        } else if constexpr (std::is_same_v<Told, facts::Asked>) {
          Ask(told, turn);
        } else if constexpr (std::is_same_v<Told, facts::Tick>) {
          OnTick(turn);
        }
      },
      fact);
  if (!leading_) return {};
  EndLostErrands(turn);
  if (turn.look_for_room()) LookForRoom(turn);
  Write(turn);
  return std::move(turn.out());
}

// ---------------------------------------------------------------------------------------------
// Leading

void Core::Begin(facts::Elected elected, Now now) {
  StepDown();
  leading_ = true;
  term_ = elected.term;
  lease_until_ = elected.lease_until;
  grace_until_ = {now.monotonic.us + options_.worker_timeout.us + options_.move_over.us};
  if (WEIR_MUTANT("manager_no_grace")) grace_until_ = now.monotonic;
  for (const WorkerRecord& record : elected.workers) {
    Worker& worker = cluster_.Add(record.id);
    worker.drained_by_user = record.draining;
    worker.away_since = now.monotonic;
  }
  for (RetiredJob& retired : elected.retired) retired_[retired.name] = std::move(retired);
  for (JobRecord& record : elected.jobs) {
    Job& job = jobs_[record.name];
    job.record = std::move(record);
    if (WEIR_MUTANT("manager_counts_attempts_anew")) job.record.attempts = 0;
    job.since = now.monotonic;
    if (job.record.attempt) {
      // Its workers will tell whether it is alive; until then it holds its slots.
      job.deployed = true;
      job.deployed_at = now.monotonic;
      for (const AttemptWorker& host : job.record.attempt->placement.workers) {
        Worker& worker = cluster_.Add(host.id);
        worker.incarnation = host.incarnation;
        worker.address = host.address;
        worker.away_since = now.monotonic;
      }
      cluster_.Hold(job.record.name, job.record.attempt->placement.Slots());
    } else if (job.record.state == JobState::kWaiting && job.record.failures_in_row > 0) {
      const Duration wait = BackoffAfter(job.record.policy, job.record.failures_in_row, false);
      job.try_at = {now.monotonic.us + wait.us};
    }
  }
}

void Core::StepDown() {
  leading_ = false;
  cluster_ = {};
  jobs_.clear();
  retired_.clear();
  errands_.clear();
  drains_.clear();
  writing_.clear();
}

bool Core::LeaseIsOver(Duration now) const {
  if (lease_until_ == Duration::Max() || WEIR_MUTANT("manager_lease_end_ignored")) return false;
  return now.us >= lease_until_.us - options_.lease_margin.us;
}

// ---------------------------------------------------------------------------------------------
// The store

void Core::Write(Turn& turn) {
  for (const std::string& name : turn.changed()) {
    if (const auto it = jobs_.find(name); it != jobs_.end()) WriteJob(it->second, turn);
  }
}

void Core::WriteJob(Job& job, Turn& turn) {
  Keeping& keeping = job.keeping;
  if (keeping.writing != 0 || keeping.durable() || turn.now() < keeping.not_before) return;
  keeping.writing = keeping.changes;
  const WriteId write{++writes_begun_};
  writing_[write] = {job.record.name, {}};
  turn.Say(actions::Store{write, {job.record}, {}});
}

void Core::WriteDrain(const std::string& worker, Turn& turn) {
  Keeping& keeping = drains_[worker];
  if (keeping.writing != 0 || keeping.durable() || turn.now() < keeping.not_before) return;
  keeping.writing = keeping.changes;
  const WriteId write{++writes_begun_};
  writing_[write] = {{}, worker};
  const Worker* known = cluster_.Find(worker);
  turn.Say(actions::Store{write, {}, {{worker, known && known->drained_by_user}}});
}

namespace {

void SayStored(Keeping& keeping, Turn& turn) {
  keeping.stored = keeping.writing;
  keeping.writing = 0;
  auto& waiting = keeping.when_stored;
  const auto rest = std::find_if(waiting.begin(), waiting.end(),
                                 [&](const auto& entry) { return entry.first > keeping.stored; });
  for (auto it = waiting.begin(); it != rest; ++it) turn.Say(std::move(it->second));
  waiting.erase(waiting.begin(), rest);
}

}  // namespace

void Core::OnStored(WriteId write, Turn& turn) {
  const auto it = writing_.find(write);
  if (it == writing_.end()) return;
  const Writing what = std::move(it->second);
  writing_.erase(it);
  if (what.job.empty()) {
    SayStored(drains_[what.worker], turn);
    WriteDrain(what.worker, turn);
    return;
  }
  Job& job = jobs_.at(what.job);
  SayStored(job.keeping, turn);
  if (!job.durable()) {
    WriteJob(job, turn);
    return;
  }
  for (const auto& [id, attempt] : std::exchange(job.to_cancel, {})) {
    const Worker* worker = cluster_.Find(id);
    if (worker && worker->present()) {
      turn.Tell(*worker->session, tell::CancelAttempt{job.record.name, attempt});
    }
  }
  if (job.record.removed) {
    turn.Say(actions::Forget{what.job});
    retired_[what.job] = RetiredJob::Of(job.record);
    jobs_.erase(what.job);
    return;
  }
  TellErrands(job, turn);
  StateOf(job.record.state).WhenDurable(job, turn);
}

void Core::OnStoreFailed(const facts::StoreFailed& failed, Turn& turn) {
  const auto it = writing_.find(failed.write);
  if (it == writing_.end()) return;
  Keeping& keeping =
      it->second.job.empty() ? drains_[it->second.worker] : jobs_.at(it->second.job).keeping;
  keeping.writing = 0;
  keeping.not_before = {turn.now().us + options_.store_again.us};
  turn.Log(actions::Log::Level::kError, "job store could not be written; will try again",
           {{"reason", failed.reason.ToString()}});
  writing_.erase(it);
}

// ---------------------------------------------------------------------------------------------
// Workers

void Core::OnOpened(const facts::SessionOpened& opened, Turn& turn) {
  const WorkerHello& hello = opened.hello;
  if (hello.highest_term > term_ && !WEIR_MUTANT("lower_term_accepted")) {
    StepDown();
    return;
  }
  const auto refuse = [&](Status reason) {
    turn.Log(actions::Log::Level::kWarn, "worker refused",
             {{"worker", hello.id}, {"address", hello.address}, {"reason", reason.ToString()}});
    turn.Tell(opened.session, tell::Refuse{std::move(reason)});
  };
  if (hello.id.empty() || hello.incarnation.empty() || hello.slots == 0) {
    return refuse(Status(errors::kBadHello, "a worker needs an id, an incarnation and a slot"));
  }
  if (hello.version != options_.version) {
    return refuse(Status(errors::kOtherVersion,
                         fmt::format("worker {} is weir {}, this manager is weir {}", hello.id,
                                     hello.version, options_.version),
                         "install the same version on both"));
  }
  Worker* known = cluster_.Find(hello.id);
  if (known && known->present()) {
    const bool taken =
        known->incarnation != hello.incarnation && !WEIR_MUTANT("manager_old_incarnation_accepted");
    if (taken) {
      return refuse(
          Status(errors::kWorkerIdTaken,
                 fmt::format("worker {} has a session already, from {}", hello.id, known->address),
                 "give each worker an id of its own; after a crash the other is given up in " +
                     fmt::format("{} s", options_.worker_timeout.us / 1'000'000)));
    }
    turn.Say(actions::CloseSession{*known->session, "the worker has opened another one"});
    cluster_.EndSession(*known, turn.now());
  }
  Worker& worker = cluster_.Add(hello.id);
  if (!WEIR_MUTANT("manager_old_incarnation_accepted")) {
    const std::set<std::string> jobs = worker.jobs;
    for (const std::string& name : jobs) {
      Job& job = jobs_.at(name);
      if (!job.record.attempt) continue;
      const AttemptWorker* host = job.record.attempt->placement.Find(worker.id);
      if (host && host->incarnation != hello.incarnation) {
        StateOf(job.record.state)
            .OnLost(job, fmt::format("worker {} was started anew", worker.id), turn);
      }
    }
  }
  if (worker.incarnation != hello.incarnation) cluster_.ForgetApartOf(worker.id);
  worker.incarnation = hello.incarnation;
  worker.address = hello.address;
  worker.version = hello.version;
  worker.labels = hello.labels;
  worker.store = hello.store;
  worker.store_url = hello.store_url;
  worker.slots = hello.slots;
  worker.heard_at = turn.now();
  worker.drained_by_itself = hello.draining;
  worker.drained_told = false;
  cluster_.SetSession(worker, opened.session);
  turn.Tell(opened.session, tell::Welcome{});
  Reconcile(worker, hello.standing, /*hello=*/true, turn);
  turn.LookForRoom();
}

Job* Core::LedBy(const Worker& worker, const std::string& name, AttemptId attempt) {
  const auto it = jobs_.find(name);
  if (it == jobs_.end() || !it->second.record.attempt) return nullptr;
  const AttemptRecord& current = *it->second.record.attempt;
  const AttemptWorker& lead = current.placement.lead();
  if (current.id != attempt && !WEIR_MUTANT("manager_adopts_any_attempt")) return nullptr;
  if (lead.id != worker.id || lead.incarnation != worker.incarnation) return nullptr;
  return &it->second;
}

void Core::NotCurrent(const Worker& worker, const std::string& name, AttemptId attempt,
                      Turn& turn) {
  const auto it = jobs_.find(name);
  // Until the record that says so is durable, a successor of this manager may still want it.
  if (it != jobs_.end() && !it->second.durable()) return;
  if (WEIR_MUTANT("manager_leaves_old_attempts")) return;
  turn.Tell(*worker.session, tell::CancelAttempt{name, attempt});
}

void Core::Seen(Job& job, AttemptPhase phase, Turn& turn) {
  job.deployed = job.taken_up = true;
  job.phase = phase;
  StateOf(job.record.state).OnPhase(job, phase, turn);
}

void Core::Reconcile(Worker& worker, const WorkerStanding& standing, bool hello, Turn& turn) {
  std::set<std::string> led;
  for (const LedAttempt& attempt : standing.leads) {
    Job* job = LedBy(worker, attempt.job, attempt.id);
    if (!job) {
      NotCurrent(worker, attempt.job, attempt.id, turn);
      continue;
    }
    led.insert(attempt.job);
    if (attempt.ended) {
      StateOf(job->record.state).OnEnded(*job, *attempt.ended, turn);
    } else {
      Seen(*job, attempt.phase, turn);
    }
  }
  for (const HostedAttempt& hosted : standing.hosts) {
    const auto it = jobs_.find(hosted.job);
    const bool current = it != jobs_.end() && it->second.record.attempt &&
                         it->second.record.attempt->id == hosted.id;
    if (!current) NotCurrent(worker, hosted.job, hosted.id, turn);
  }
  const std::set<std::string> jobs = worker.jobs;
  for (const std::string& name : jobs) {
    Job& job = jobs_.at(name);
    if (led.contains(name) || !job.record.attempt) continue;
    if (job.record.attempt->placement.lead().id != worker.id) continue;
    if (!job.deployed) {
      // Its session was broken when the attempt was to be told.
      if (job.durable()) StateOf(job.record.state).WhenDurable(job, turn);
    } else if (hello || job.taken_up) {
      StateOf(job.record.state)
          .OnLost(job, fmt::format("worker {} does not lead it any more", worker.id), turn);
    } else if (turn.now().us - job.deployed_at.us >= options_.take_up.us &&
               turn.now() >= grace_until_) {
      // It is heard, and does not hear: a fresh session may mend that. Its other tasks are well.
      turn.Say(actions::CloseSession{*worker.session, "what it was told did not reach it"});
      cluster_.EndSession(worker, turn.now());
      StateOf(job.record.state)
          .OnLost(job, fmt::format("worker {} did not take the attempt up", worker.id), turn);
      return;
    }
  }
}

void Core::OnReported(const facts::AttemptReported& reported, Turn& turn) {
  Worker* worker = cluster_.OfSession(reported.session);
  if (!worker) return;
  worker->heard_at = turn.now();
  Job* job = LedBy(*worker, reported.job, reported.attempt);
  if (!job) return;
  job->report = reported.report;
  Seen(*job, reported.report.phase, turn);
  if (job->record.attempt) {
    StateOf(job->record.state).OnReport(*job, reported.report, turn);
  }
}

void Core::OnEnded(const facts::AttemptEnded& ended, Turn& turn) {
  Worker* worker = cluster_.OfSession(ended.session);
  if (!worker) return;
  worker->heard_at = turn.now();
  if (Job* job = LedBy(*worker, ended.job, ended.attempt)) {
    StateOf(job->record.state).OnEnded(*job, ended.outcome, turn);
  } else {
    NotCurrent(*worker, ended.job, ended.attempt, turn);
  }
}

Duration Core::LostAt(const Worker& worker) const {
  if (worker.lost) return Duration::Max();
  if (worker.present()) return {worker.heard_at.us + options_.worker_timeout.us};
  return std::max(Duration{worker.away_since.us + options_.session_back.us}, grace_until_);
}

void Core::Lose(Worker& worker, const std::string& reason, Turn& turn) {
  worker.lost = true;
  cluster_.ForgetApartOf(worker.id);
  const std::set<std::string> jobs = worker.jobs;
  turn.Log(actions::Log::Level::kWarn, "worker lost",
           {{"worker", worker.id}, {"reason", reason}, {"jobs", std::to_string(jobs.size())}});
  for (const std::string& name : jobs) {
    Job& job = jobs_.at(name);
    if (job.record.attempt && job.record.attempt->placement.Find(worker.id)) {
      StateOf(job.record.state).OnLost(job, reason, turn);
    } else {
      std::map<std::string, uint32_t> kept = *cluster_.HeldBy(name);
      kept.erase(worker.id);
      cluster_.Hold(name, kept);
    }
  }
  turn.LookForRoom();
}

// ---------------------------------------------------------------------------------------------
// Time

void Core::OnTick(Turn& turn) {
  std::vector<std::string> gone;
  for (auto& [id, worker] : cluster_.workers_by_id()) {
    if (!worker.present() && worker.lost && worker.jobs.empty() && !worker.drained_by_user &&
        turn.now().us - worker.away_since.us > options_.remember_lost.us) {
      gone.push_back(id);
    }
    if (turn.now() < LostAt(worker)) continue;
    std::string reason;
    if (worker.present()) {
      reason = fmt::format("worker {} was silent for {} ms", id,
                           (turn.now().us - worker.heard_at.us) / 1000);
      turn.Say(actions::CloseSession{*worker.session, "it was silent for too long"});
      cluster_.EndSession(worker, turn.now());
    } else {
      reason = fmt::format("the session of worker {} broke", id);
    }
    Lose(worker, reason, turn);
  }
  for (const std::string& id : gone) cluster_.Forget(id);
  if (cluster_.ForgetApart(turn.now())) turn.LookForRoom();
  for (auto& [name, job] : jobs_) {
    StateOf(job.record.state).OnTime(job, turn);
    WriteJob(job, turn);
  }
  for (const auto& [worker, keeping] : drains_) WriteDrain(worker, turn);
}

Duration Core::NextDeadline() const {
  if (!leading_) return Duration::Max();
  Duration next = cluster_.NextMeeting();
  for (const auto& [number, errand] : errands_) next = std::min(next, errand.until);
  for (const auto& [id, worker] : cluster_.workers()) next = std::min(next, LostAt(worker));
  for (const auto& [name, job] : jobs_) {
    next = std::min(next, StateOf(job.record.state).NextDeadline(job));
    const Keeping& keeping = job.keeping;
    if (!keeping.durable() && keeping.writing == 0) next = std::min(next, keeping.not_before);
  }
  for (const auto& [worker, keeping] : drains_) {
    if (!keeping.durable() && keeping.writing == 0) next = std::min(next, keeping.not_before);
  }
  return next;
}

void Core::LookForRoom(Turn& turn) {
  // First those that have slots of an attempt that has just ended, so that nobody takes them away;
  // then by how long they wait. One that does not fit holds nobody up.
  std::vector<std::tuple<bool, Duration, std::string>> waiting;
  for (auto& [name, job] : jobs_) {
    if (job.record.state != JobState::kWaiting || turn.now() < job.try_at) continue;
    waiting.emplace_back(cluster_.HeldBy(name) == nullptr, job.since, name);
  }
  std::sort(waiting.begin(), waiting.end());
  uint32_t free = cluster_.FreeSlots();
  for (const auto& [holds_nothing, since, name] : waiting) {
    Job& job = jobs_.at(name);
    const auto& autoscale = job.record.policy.autoscale;
    const uint32_t least = autoscale ? std::max(1u, autoscale->min) : job.record.parallelism;
    // Many may wait for a room that is not there.
    if (holds_nothing && least > free) continue;
    if (!BeginAttempt(job, turn)) cluster_.Hold(name, {});
    free = cluster_.FreeSlots();
  }
  MoveFromDrained(turn);
}

void Core::MoveFromDrained(Turn& turn) {
  for (auto& [id, worker] : cluster_.workers_by_id()) {
    if (!worker.draining() || !worker.present()) continue;
    const std::set<std::string> jobs = worker.jobs;
    for (const std::string& name : jobs) {
      Job& job = jobs_.at(name);
      if (StateOf(job.record.state).Move(job, turn)) {
        turn.Log(actions::Log::Level::kInfo, "job is moved from a drained worker",
                 {{"job", name}, {"worker", id}});
      }
    }
    if (worker.jobs.empty() && !worker.drained_told) {
      worker.drained_told = true;
      turn.Tell(*worker.session, tell::Drained{});
    }
  }
}

}  // namespace weir::manager

#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "daemon/manager/core.h"
#include "tests/catch.h"

namespace weir::manager::testing {

template <typename A>
std::vector<A> All(const std::vector<Action>& actions) {
  std::vector<A> found;
  for (const Action& action : actions) {
    if (const A* one = std::get_if<A>(&action)) found.push_back(*one);
  }
  return found;
}

/// What workers were told, of one kind.
template <typename M>
std::vector<M> Told(const std::vector<Action>& actions) {
  std::vector<M> found;
  for (const actions::Tell& tell : All<actions::Tell>(actions)) {
    if (const M* one = std::get_if<M>(&tell.message)) found.push_back(*one);
  }
  return found;
}

/// A core with its store and clock in the test's hand. Stores are durable at once, unless held.
class CoreHarness {
 public:
  static CoreOptions Options() {
    CoreOptions options;
    options.version = "1";
    return options;
  }
  explicit CoreHarness(CoreOptions options = Options()) : core(std::move(options)) {}

  /// Tells it, and of what it stored. All actions that came.
  std::vector<Action> Do(Fact fact) {
    std::vector<Action> all = core.On(std::move(fact), Time());
    for (size_t i = 0; i < all.size(); i++) {
      const auto* store = std::get_if<actions::Store>(&all[i]);
      if (!store) continue;
      if (hold_stores) {
        held.push_back(*store);
        continue;
      }
      Keep(*store);
      for (Action& more : core.On(facts::Stored{store->write}, Time())) {
        all.push_back(std::move(more));
      }
    }
    return all;
  }
  std::vector<Action> ReleaseStores() {
    hold_stores = false;
    std::vector<Action> all;
    for (const actions::Store& store : std::exchange(held, {})) {
      Keep(store);
      for (Action& more : Do(facts::Stored{store.write})) all.push_back(std::move(more));
    }
    return all;
  }
  void Keep(const actions::Store& store) {
    for (const JobRecord& job : store.jobs) {
      if (job.removed) {
        stored.erase(job.name);
        retired[job.name] = RetiredJob::Of(job);
      } else {
        stored[job.name] = job;
      }
    }
    for (const WorkerRecord& worker : store.workers) stored_workers[worker.id] = worker;
  }
  Now Time() const { return {Duration::Millis(now_ms), {now_ms * 1000}}; }
  /// Time passes; it is told of it every 10 ms, and of heartbeats of those in `alive`.
  std::vector<Action> Pass(int64_t ms) {
    std::vector<Action> all;
    for (const int64_t end = now_ms + ms; now_ms < end;) {
      now_ms += 10;
      if (now_ms % 500 == 0) {
        for (const auto& [id, session] : std::map(alive)) {
          for (Action& a : Do(facts::Heartbeat{session, standings[id]})) all.push_back(a);
        }
      }
      for (Action& a : Do(facts::Tick{})) all.push_back(a);
    }
    return all;
  }

  std::vector<Action> Elect(uint64_t term = 1, std::vector<JobRecord> jobs = {}) {
    facts::Elected elected;
    elected.term = term;
    elected.lease_until = Duration::Max();
    elected.jobs = std::move(jobs);
    for (const auto& [id, worker] : stored_workers) elected.workers.push_back(worker);
    for (const auto& [name, job] : retired) elected.retired.push_back(job);
    return Do(std::move(elected));
  }
  std::vector<JobRecord> Records() const {
    std::vector<JobRecord> records;
    for (const auto& [name, record] : stored) records.push_back(record);
    return records;
  }
  /// A session of worker `id`; its heartbeats come with Pass from then on.
  std::vector<Action> Open(const std::string& id, uint32_t slots = 2,
                           const std::string& incarnation = "a") {
    WorkerHello hello;
    hello.id = id;
    hello.incarnation = incarnation;
    hello.address = id + ":1";
    hello.version = "1";
    hello.slots = slots;
    hello.standing = standings[id];
    return Open(hello);
  }
  std::vector<Action> Open(const WorkerHello& hello) {
    const SessionId session{++sessions};
    std::vector<Action> all = Do(facts::SessionOpened{session, hello});
    if (!Told<tell::Welcome>(all).empty()) alive[hello.id] = session;
    return all;
  }
  std::vector<Action> Break(const std::string& id) {
    const SessionId session = alive.at(id);
    alive.erase(id);
    return Do(facts::SessionBroken{session});
  }

  std::vector<Action> Ask(Command command) {
    return Do(facts::Asked{{++requests}, "ann", std::move(command)});
  }
  /// The only reply among `actions`.
  static Status ReplyOf(const std::vector<Action>& actions) {
    const auto replies = All<actions::Reply>(actions);
    REQUIRE(replies.size() == 1);
    return replies[0].status;
  }
  static commands::Submit Submit(const std::string& job, uint32_t parallelism = 2) {
    commands::Submit submit;
    submit.job = job;
    submit.yaml = std::make_shared<std::string>("job: " + job);
    submit.parallelism = parallelism;
    submit.instance = "instance of " + job;
    submit.policy.sinks = {"out"};
    return submit;
  }

  const JobRecord& Record(const std::string& job) { return core.jobs().at(job).record; }
  std::string State(const std::string& job) { return std::string(NameOf(Record(job).state)); }
  std::string Why(const std::string& job) { return core.Describe(job, Time().monotonic); }
  /// `w1 w1 w2`: who hosts each index.
  std::string Hosts(const std::string& job) {
    std::string text;
    if (!Record(job).attempt) return "none";
    const Placement& placement = Record(job).attempt->placement;
    for (const uint32_t worker : placement.worker_of) {
      text += (text.empty() ? "" : " ") + placement.workers[worker].id;
    }
    return text;
  }

  /// The lead of the job's attempt says that it is in this phase, and will in its heartbeats.
  std::vector<Action> Phase(const std::string& job, AttemptPhase phase) {
    const AttemptRecord attempt = *Record(job).attempt;
    const std::string lead = attempt.placement.lead().id;
    Forget(job);
    standings[lead].leads.push_back({job, attempt.id, phase, {}});
    AttemptReport report;
    report.phase = phase;
    return Report(job, report);
  }
  std::vector<Action> Report(const std::string& job, const AttemptReport& report) {
    const AttemptRecord attempt = *Record(job).attempt;
    return Do(
        facts::AttemptReported{alive.at(attempt.placement.lead().id), job, attempt.id, report});
  }
  std::vector<Action> Runs(const std::string& job) { return Phase(job, AttemptPhase::kRunning); }
  std::vector<Action> End(const std::string& job, const AttemptOutcome& outcome) {
    const AttemptRecord attempt = *Record(job).attempt;
    Forget(job);
    return Do(facts::AttemptEnded{alive.at(attempt.placement.lead().id), job, attempt.id, outcome});
  }
  static AttemptOutcome Stopped(uint64_t savepoint) {
    AttemptOutcome outcome;
    outcome.kind = AttemptOutcome::Kind::kStopped;
    outcome.savepoint = savepoint;
    outcome.began = true;
    return outcome;
  }
  static AttemptOutcome Done() {
    AttemptOutcome outcome;
    outcome.kind = AttemptOutcome::Kind::kDone;
    return outcome;
  }
  static AttemptOutcome Fails(ErrorKind kind = ErrorKind::kRetry) {
    AttemptOutcome outcome;
    outcome.failure = {"WEIR-K001", kind, "the broker is away", "start it"};
    return outcome;
  }
  void Forget(const std::string& job) {
    for (auto& [id, standing] : standings) {
      std::erase_if(standing.leads, [&](const LedAttempt& led) { return led.job == job; });
    }
  }

  Core core;
  int64_t now_ms = 1000;
  bool hold_stores = false;
  std::vector<actions::Store> held;
  std::map<std::string, JobRecord> stored;
  std::map<std::string, WorkerRecord> stored_workers;
  std::map<std::string, RetiredJob> retired;
  std::map<std::string, SessionId> alive;
  std::map<std::string, WorkerStanding> standings;
  uint64_t sessions = 0;
  uint64_t requests = 0;
};

}  // namespace weir::manager::testing

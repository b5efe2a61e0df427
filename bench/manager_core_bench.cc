// Measures how long the manager's core takes to decide. Usage: manager_core_bench [WORKERS [JOBS]]
// 1,000 workers of 10 slots and 1,000 jobs of 10 tasks where not said otherwise. Prints one line
// `name value unit` for each kind of fact: the longest it took, of all that were told.

#include <time.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>

#include "daemon/manager/core.h"

namespace weir::manager {
namespace {

/// A cluster whose store and workers answer at once, outside of what is measured.
class ManagerBench {
 public:
  ManagerBench(uint32_t workers, uint32_t jobs)
      : workers_(workers), jobs_(jobs), core_(Options()) {}

  void Run() {
    Tell("elected", Elected({}));
    for (uint32_t i = 0; i < workers_; i++) Open(i);
    for (uint32_t i = 0; i < jobs_; i++) {
      Tell("submit", facts::Asked{{i}, "user", Submit(i)});
    }
    Beat(false);
    for (uint32_t i = 0; i < 200; i++) Tell("tick", facts::Tick{});
    for (uint32_t i = 0; i < 200; i++) {
      const double began_ms = Worked_ms();
      (void)core_.NextDeadline();
      Note("next_deadline", began_ms);
    }
    Beat(false);
    for (uint32_t i = 0; i < std::min(20u, workers_); i++) {
      Tell("session_broken", facts::SessionBroken{sessions_.at(Name(i))});
      now_.us += 300'000;
      Tell("worker_lost", facts::Tick{});
      Open(i);
      Beat(true);
    }
    now_.us += 2'000'000;  // Backoffs are over.
    Tell("tick", facts::Tick{});
    Beat(true);
    for (uint32_t i = 0; i < std::min(20u, jobs_); i++) {
      Tell("rescale", facts::Asked{{i}, "user", commands::Rescale{Job(i), 5}});
      const JobRecord& record = core_.jobs().at(Job(i)).record;
      WEIR_CHECK(record.state == JobState::kStopping);
      AttemptOutcome outcome;
      outcome.kind = AttemptOutcome::Kind::kStopped;
      outcome.savepoint = 1;
      Tell("attempt_ended", facts::AttemptEnded{sessions_.at(record.attempt->placement.lead().id),
                                                record.name, record.attempt->id, outcome});
    }
    Beat(true);
    // One that takes all that is left.
    JobRecord to_come;
    to_come.name = "large";
    const uint32_t room = core_.cluster().Room(to_come, now_);
    commands::Submit large = Submit(0);
    large.job = "large";
    large.parallelism = std::max(1u, std::min(room, 4096u));
    Tell("submit_large", facts::Asked{{0}, "user", large});
    std::vector<JobRecord> records;
    for (const auto& [name, job] : core_.jobs()) records.push_back(job.record);
    Tell("take_over", Elected(records));
    sessions_.clear();
    for (uint32_t i = 0; i < workers_; i++) Open(i);
    Beat(true);
    // All of them go at once, then come back one by one: all jobs wait for room.
    now_.us += 10'000'000;
    standings_.clear();
    for (const auto& [id, session] : sessions_)
      Tell("session_broken", facts::SessionBroken{session});
    now_.us += 300'000;
    Tell("all_jobs_lost", facts::Tick{});
    now_.us += 60'000'000;
    Tell("tick", facts::Tick{});
    for (uint32_t i = 0; i < workers_; i++) Open(i, "session_opened_all_wait");
  }

  void Print() const {
    double longest_ms = 0;
    for (const auto& [what, taken] : taken_) {
      std::vector<double> sorted = taken;
      std::sort(sorted.begin(), sorted.end());
      std::printf("%-28s median %10.4f ms\n", what.c_str(), sorted[sorted.size() / 2]);
      std::printf("%-28s worst  %10.4f ms\n", what.c_str(), sorted.back());
      // A thousand decisions in one.
      if (what != "all_jobs_lost") longest_ms = std::max(longest_ms, sorted.back());
    }
    std::printf("%-28s worst  %10.4f ms\n", "any_decision", longest_ms);
  }

 private:
  static CoreOptions Options() {
    CoreOptions options;
    options.version = "1";
    return options;
  }
  static std::string Name(uint32_t i) { return "worker-" + std::to_string(10'000 + i); }
  static std::string Job(uint32_t i) { return "job-" + std::to_string(10'000 + i); }
  facts::Elected Elected(std::vector<JobRecord> records) {
    facts::Elected elected;
    elected.term = ++term_;
    elected.lease_until = Duration::Max();
    elected.jobs = std::move(records);
    return elected;
  }
  static commands::Submit Submit(uint32_t i) {
    commands::Submit submit;
    submit.job = Job(i);
    submit.yaml = std::make_shared<std::string>(4'000, 'x');
    submit.parallelism = 10;
    submit.policy.sinks = {"out"};
    submit.instance = "instance";
    return submit;
  }
  void Open(uint32_t i, const char* what = "session_opened") {
    WorkerHello hello;
    hello.id = Name(i);
    hello.incarnation = "a";
    hello.address = hello.id + ".example.org:7000";
    hello.version = "1";
    hello.slots = 12;
    hello.standing = standings_[hello.id];
    const SessionId session{++last_session_};
    sessions_[hello.id] = session;
    Tell(what, facts::SessionOpened{session, hello});
  }
  /// Every worker tells of what it has, and that it runs.
  void Beat(bool only_once) {
    standings_.clear();
    for (const auto& [name, job] : core_.jobs()) {
      const auto& attempt = job.record.attempt;
      if (!attempt) continue;
      standings_[attempt->placement.lead().id].leads.push_back(
          {name, attempt->id, AttemptPhase::kRunning, {}});
      for (const AttemptWorker& worker : attempt->placement.workers) {
        standings_[worker.id].hosts.push_back({name, attempt->id});
      }
    }
    for (int round = 0; round < (only_once ? 1 : 3); round++) {
      for (const auto& [id, session] : sessions_) {
        Tell("heartbeat", facts::Heartbeat{session, standings_[id]});
      }
    }
  }

  /// Time that this thread has worked: what else the machine does is not the core's.
  static double Worked_ms() {
    timespec time{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_nsec) / 1e6;
  }
  void Note(const std::string& what, double began_ms) {
    taken_[what].push_back(Worked_ms() - began_ms);
  }
  void Tell(const std::string& what, Fact fact) {
    const double began_ms = Worked_ms();
    const std::vector<Action> said = core_.On(std::move(fact), {now_, {now_.us}});
    Note(what, began_ms);
    for (const Action& action : said) {
      if (const auto* store = std::get_if<actions::Store>(&action)) {
        Tell("stored", facts::Stored{store->write});
      }
    }
  }

  const uint32_t workers_;
  const uint32_t jobs_;
  Core core_;
  Duration now_ = Duration::Seconds(100);
  uint64_t term_ = 0;
  uint64_t last_session_ = 0;
  std::map<std::string, SessionId> sessions_;
  std::map<std::string, WorkerStanding> standings_;
  std::map<std::string, std::vector<double>> taken_;
};

}  // namespace
}  // namespace weir::manager

int main(int argc, char** argv) {
  const auto number = [&](int i, uint32_t otherwise) {
    return argc > i ? static_cast<uint32_t>(std::strtoul(argv[i], nullptr, 10)) : otherwise;
  };
  weir::manager::ManagerBench bench(number(1, 1000), number(2, 1000));
  bench.Run();
  bench.Print();
}

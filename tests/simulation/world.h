#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/manager/core.h"
#include "tests/simulation/scheduler.h"

namespace weir::simulation {

using manager::JobState;

/// How often what was reached, over all seeds.
struct Coverage {
  std::map<std::string, uint64_t> states;
  std::map<std::string, uint64_t> transitions;  ///< `running -> stopping`
  std::map<std::string, uint64_t> faults;
  std::map<std::string, uint64_t> events;
  void Add(const Coverage& other);
};

/// A process: it may be killed, and it may be stopped for a while and then wake.
struct Process {
  std::string name;
  bool alive = false;
  uint64_t life = 0;  ///< Counts its starts.
  int64_t paused_until_us = 0;
};

/// The messages between processes, and what becomes of them.
class Network;

/// The manifest log of a job, as far as it decides who may commit: created exclusively, number
/// after number, each by an attempt.
struct ManifestLog {
  struct Manifest {
    AttemptId attempt;
  };
  std::vector<Manifest> manifests;
  bool ended = false;
  std::string instance;
};

/// What the broker knows of a sink's lanes: who was the last to take each one's name.
struct Lanes {
  std::map<uint32_t, AttemptId> owner;
  AttemptId recovered;  ///< The newest attempt that has fenced all that it knows of.
};

class SimWorker;
class SimManager;
class JobStoreServer;
class User;

/// All there is in one run: processes, network, disks, users, time; and what must always hold.
class World {
 public:
  explicit World(uint64_t seed, bool loud = false);
  ~World();

  /// Faults for a while, then quiet, then everything must be as it should.
  void Run();

  const std::string& violation() const { return violation_; }
  uint64_t trace() const { return trace_; }
  const Coverage& coverage() const { return coverage_; }

  // For those that live in it.
  Random random;
  Scheduler scheduler;
  std::unique_ptr<Network> network;
  std::unique_ptr<JobStoreServer> store;
  std::vector<std::unique_ptr<SimManager>> managers;
  std::vector<std::unique_ptr<SimWorker>> workers;
  std::unique_ptr<User> user;
  std::map<std::string, ManifestLog> logs;  ///< By job.
  std::map<std::string, Lanes> lanes;       ///< By job: each has one sink.
  bool quiet = false;                       ///< No more faults.

  int64_t now_us() const { return scheduler.now_us(); }
  /// Runs `what` in the process: not if it has died since, and later where it is stopped just now.
  void In(Process& process, int64_t delay_us, std::function<void()> what);
  void Fault(const char* kind);
  /// Something happened that is not seen in states.
  void Count(const char* event) { coverage_.events[event]++; }
  /// Goes into the trace; and, where loud, to the screen.
  void Note(std::string_view what, uint64_t a = 0, uint64_t b = 0, std::string_view more = {});
  /// What must hold does not: the run ends.
  void Violate(std::string what);
  void CountState(std::string_view state);
  void CountTransition(std::string_view from, std::string_view to);

  SimWorker* WorkerAt(const std::string& address);
  SimManager* Leader();

  // Facts that invariants look at.
  /// Attempts whose rows have flowed.
  std::set<std::pair<std::string, AttemptId>> have_run;
  /// By job and number: what was told to a lead.
  std::map<std::pair<std::string, uint64_t>, std::string> deployed;
  /// Commits a manifest if the number is free; false: another's is there.
  bool Commit(const std::string& job, size_t number, AttemptId attempt);
  /// Takes all lanes up to `highest`.
  void Fence(const std::string& job, uint32_t highest, AttemptId attempt);
  /// False: the lane is another's.
  bool Publish(const std::string& job, uint32_t lane, AttemptId attempt);

 private:
  void MakeFaults();
  void OneFault();
  void Settle();
  void CheckAtTheEnd();

  const bool loud_;
  std::string violation_;
  bool over_ = false;
  uint64_t trace_ = 0xcbf29ce484222325;
  Coverage coverage_;
  uint32_t extra_workers_ = 0;
};

}  // namespace weir::simulation

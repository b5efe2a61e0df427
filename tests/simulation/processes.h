#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "daemon/manager/core.h"
#include "tests/simulation/network.h"
#include "tests/simulation/world.h"

namespace weir::simulation {

/// Where managers keep their records, and who leads. Alone: a disk of the manager's own, that
/// forgets what was not synced when it is killed; terms are counted up with each start. With two:
/// a server that gives a lease to one of them and refuses writes of earlier terms.
class JobStoreServer {
 public:
  JobStoreServer(World& world, bool alone) : world_(world), alone_(alone) {}

  bool alone() const { return alone_; }
  uint64_t term() const { return term_; }
  void Put(SimManager& manager, uint64_t term, manager::actions::Store store);
  /// Alone: a new term.
  void Begin(SimManager& manager);
  /// Asks for the lease, or to renew it.
  void Campaign(SimManager& manager);
  const manager::JobRecord* Job(const std::string& name) const;
  double trouble = 0;

 private:
  void Apply(const manager::actions::Store& store);
  manager::facts::Elected Records() const;

  World& world_;
  const bool alone_;
  uint64_t term_ = 0;
  std::string holder_;
  int64_t expires_us_ = 0;
  std::map<std::string, manager::JobRecord> jobs_;
  std::map<std::string, manager::WorkerRecord> workers_;
  std::map<std::string, manager::RetiredJob> retired_;
};

/// A manager's process: the real core, and an edge of the simplest kind.
class SimManager : public Process {
 public:
  SimManager(World& world, std::string process_name, int64_t skew_us);

  void Start();
  void Kill();
  void Pause(int64_t for_us);
  bool campaigning = false;  ///< One question at a time.
  bool leading() const { return alive && core_ && core_->leading(); }
  const manager::Core& core() const { return *core_; }
  int64_t local_us() const { return world_.now_us() + skew_us_; }

  void Told(manager::Fact fact);
  void Dialled(SimWorker& worker, uint64_t dial, manager::WorkerHello hello);
  void Beat(uint64_t session, SimWorker& worker, uint64_t dial, manager::WorkerStanding standing);
  /// The streams of this process of the worker break; seen where there is a way.
  void WorkerGone(SimWorker& worker, uint64_t worker_life);
  /// A stream breaks for no reason.
  void Flap(SimWorker& worker);
  void Closed(uint64_t session);

 private:
  struct Session {
    SimWorker* worker = nullptr;
    uint64_t worker_life = 0;
    uint64_t dial = 0;
    std::string id;
    std::string incarnation;
    bool given_up = false;  ///< By a decision that may not be carried out yet.
    Stream to_worker;
  };
  void Loop(uint64_t of_life);
  void Carry(const std::vector<manager::Action>& actions);
  void CarryTell(const manager::actions::Tell& tell);
  void Check(const std::vector<manager::Action>& actions);
  void CheckRun(const manager::tell::RunAttempt& run);
  void CheckErrand(const manager::tell::RunErrand& errand);
  void CheckState(const std::string& job, const std::string& to);
  void CheckCapacity();
  void Reject(SimWorker& worker, uint64_t dial);

  World& world_;
  const int64_t skew_us_;
  std::unique_ptr<manager::Core> core_;
  int64_t elected_us_ = 0;
  uint64_t sessions_made_ = 0;
  std::map<uint64_t, Session> sessions_;
  std::set<std::pair<const SimWorker*, uint64_t>> dials_;
};

/// A worker's process: its session, the attempts that it leads, and those that it hosts tasks of.
class SimWorker : public Process {
 public:
  SimWorker(World& world, std::string worker_id, uint32_t slots, std::string version);

  void Start();
  void Kill();
  void Pause(int64_t for_us);
  const std::string& id() const { return id_; }
  const std::string& address() const { return name; }
  uint32_t slots() const { return slots_; }
  bool in_session() const { return session_ != 0; }
  SimManager* manager() const { return manager_; }
  bool busy() const { return !leads_.empty() || !hosts_.empty(); }
  bool Leads(const std::string& job, AttemptId attempt) const;
  /// Jobs of which anything is alive here, and of which attempt.
  std::map<std::string, AttemptId> Active() const;

  // From the manager.
  void Heard(uint64_t dial);
  void Rejected(uint64_t dial);
  void Told(uint64_t dial, uint64_t session, uint64_t term, const manager::WorkerMessage& message);
  void SessionBroken(uint64_t dial);

  // From other workers, of an attempt.
  void Deploy(const std::string& job, AttemptId attempt, uint32_t lane, SimWorker& lead,
              uint64_t lead_life);
  void Ready(const std::string& job, AttemptId attempt, SimWorker& host, bool taken);
  void Barrier(const std::string& job, AttemptId attempt, uint64_t number, SimWorker& lead);
  void Acked(const std::string& job, AttemptId attempt, uint64_t number, SimWorker& host);
  void PublishNext(const std::string& job, AttemptId attempt, uint64_t number);
  void Fenced(const std::string& job, AttemptId attempt);
  void Drop(const std::string& job, AttemptId attempt);
  void PeerGone(SimWorker& peer);

 private:
  struct ByName {
    bool operator()(const Process* one, const Process* other) const {
      return one->name < other->name;
    }
  };
  struct Led {
    manager::tell::RunAttempt run;
    manager::AttemptPhase phase = manager::AttemptPhase::kRecovering;
    std::optional<manager::AttemptOutcome> ended;
    size_t number = 0;  ///< Newest manifest of its own, or read.
    /// In order of their names: an order of addresses would be another in each run.
    std::map<SimWorker*, bool, ByName> hosts;  ///< The others; whether they have answered.
    bool aligning = false;
    bool stop = false;
    std::optional<manager::SavepointId> savepoint;  ///< That the next checkpoint is to be.
    std::optional<manager::SavepointAnswer> savepoint_answer;
    uint64_t checkpoints = 0;
    uint64_t bounded_after = 0;  ///< Checkpoints; 0: never ends.
  };
  struct Hosted {
    AttemptId attempt;
    uint32_t lane = 0;
    SimWorker* lead = nullptr;
  };
  void Dial();
  void Loop(uint64_t of_life);
  void GiveUpSession();
  manager::WorkerStanding Standing() const;
  void Say(manager::Fact fact);
  void Report(const std::string& job);

  void DoErrand(const manager::tell::RunErrand& order);
  void Run(const manager::tell::RunAttempt& run);
  /// The attempt, if it is led here and has not ended.
  Led* Find(const std::string& job, AttemptId attempt);
  void Later(const std::string& job, AttemptId attempt, int64_t from_us, int64_t to_us,
             void (SimWorker::*step)(const std::string&, Led&));
  void Recover(const std::string& job, Led& led);
  void Claim(const std::string& job, Led& led);
  void FenceLanes(const std::string& job, Led& led);
  void WriteOwn(const std::string& job, Led& led);
  void DeployAll(const std::string& job, Led& led);
  void NotAllReady(const std::string& job, Led& led);
  void Flow(const std::string& job, Led& led);
  void Trigger(const std::string& job, Led& led);
  void NotAllAcked(const std::string& job, Led& led);
  void Complete(const std::string& job, Led& led);
  void End(const std::string& job, Led& led, manager::AttemptOutcome outcome);
  void Fail(const std::string& job, Led& led, const char* code, ErrorKind kind);
  void DropAll(const std::string& job, Led& led);
  Stream& To(const Process& process) { return streams_[process.name]; }

  World& world_;
  const std::string id_;
  const uint32_t slots_;
  const std::string version_;
  std::string incarnation_;
  uint64_t highest_term_ = 0;
  SimManager* manager_ = nullptr;
  size_t next_manager_ = 0;
  uint64_t dial_ = 0;
  uint64_t session_ = 0;
  int64_t heard_us_ = 0;
  int64_t dial_at_us_ = 0;
  std::map<std::string, Stream> streams_;
  std::map<std::string, AttemptId> newest_;  ///< Of each job, ever seen by this process.
  std::map<std::string, Led> leads_;
  std::map<std::string, Hosted> hosts_;
};

/// Somebody who submits jobs and changes his mind. One command of a job at a time.
class User {
 public:
  explicit User(World& world) : world_(world) {}
  void Act();
  void UndrainAll();
  void Answered(const manager::actions::Reply& reply, SimManager& by);

 private:
  struct Asked {
    std::string job;
    std::string what;
  };
  void Ask(const std::string& job, const std::string& what, manager::Command command);

  World& world_;
  uint64_t requests_ = 0;
  std::map<uint64_t, Asked> asked_;
  std::map<std::string, uint64_t> newest_;        ///< Request, by job.
  std::map<std::string, int64_t> busy_until_us_;  ///< By job: an answer is awaited.
};

}  // namespace weir::simulation

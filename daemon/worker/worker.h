#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/failure_log.h"
#include "daemon/rpc/cluster_streams.h"
#include "daemon/rpc/server.h"
#include "daemon/worker/dial_round.h"
#include "daemon/worker/errands.h"
#include "daemon/worker/host_stream.h"
#include "daemon/worker/job_lines.h"
#include "daemon/worker/led_attempt.h"
#include "daemon/worker/services.h"
#include "daemon/worker/worker_status.h"
#include "state/directory_lock.h"

namespace weir {

struct WorkerOptions {
  std::string id;  ///< Stable over restarts; unique in the cluster.
  std::string state_dir;
  uint32_t slots = 2;
  size_t memory_bytes = 512 << 20;     ///< Of state and source buffers, over all worker slots.
  const Programs* programs = nullptr;  ///< That jobs may call; outlive the worker.
  std::vector<std::string> managers;   ///< Dialled in turn until one leads.
  std::string listen = "127.0.0.1:0";
  std::string advertise;  ///< For other workers; empty: as it listens.
  std::string version;
  std::map<std::string, std::string> labels;
  Transport transport = Transport::Plain();
  std::function<Result<JobPlan>(const std::string& text, uint32_t parallelism)> plan;
  std::function<Result<std::unique_ptr<CheckpointStore>>(const std::string& job, StoreUse use)>
      open_store;
  std::function<Result<std::unique_ptr<CheckpointStore>>(const std::string& job,
                                                         const std::string& address)>
      open_savepoint;
  std::string store_url;  ///< Where checkpoints are kept, for users.
  /// Asked until it is known; no manager is dialled before.
  std::function<Result<std::string>()> identify_store;
  /// The manager will never take this worker; `refused` says why. Called by the worker's thread.
  std::function<void()> on_refused;
};

/// A worker process: keeps a session with the manager, leads attempts and hosts tasks as it is
/// told. Without a session what runs goes on; it is told anew once there is one.
class Worker {
 public:
  static Result<std::unique_ptr<Worker>> Start(WorkerOptions options, const Clock& clock);
  /// Cancels all that runs.
  ~Worker();

  const std::string& address() const { return address_; }
  /// Asks the manager to move what is here away, and waits until nothing is needed any more, or
  /// `give_up` says so.
  void Drain(const std::function<bool()>& give_up);
  bool connected() const;
  WorkerStatus status() const;
  /// Looks at the jobs that are led here and run; `look` must be quick.
  void LookAtJobs(const std::function<void(const JobPlan&, const JobProgress&)>& look) const;
  /// Looks at the plans of those whose tasks are here for a lead elsewhere; `look` must be quick.
  void LookAtParts(const std::function<void(const JobPlan&)>& look) const;
  /// How often its thread has gone round its loop.
  uint64_t turns() const { return turns_; }
  /// Ok, or why the manager will never take this worker.
  Status refused() const;

 private:
  Worker(WorkerOptions options, const Clock& clock);
  Status Listen();
  void Run();
  bool KnowsStore();
  void Dial();
  void OnMessage(uint64_t session, proto::ToWorker message);
  void OnEnd(uint64_t session, const Status& status);
  void Handle(proto::ToWorker& message);
  void Heartbeat();
  void SendLines();
  void Reap();
  proto::Standing Standing();
  proto::ToManager Hello();
  MessageHandler<proto::HostCommand> AcceptHost(
      std::shared_ptr<MessageSender<proto::HostEvent>> sender);
  void Send(proto::ToManager message);

  const WorkerOptions options_;
  const Clock& clock_;
  const std::string incarnation_;
  std::string address_;
  std::unique_ptr<DirectoryLock> lock_;
  AttemptRegistry registry_;
  std::unique_ptr<ExchangeServer> exchange_server_;
  std::unique_ptr<ExchangeClient> exchange_client_;
  std::unique_ptr<RpcService> host_service_;
  std::unique_ptr<RpcServer> server_;
  WorkerServices services_;

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  bool ending_ = false;
  bool draining_ = false;
  bool drained_ = false;
  bool welcome_ = false;     ///< The session counts.
  bool told_alone_ = false;  ///< That no manager answers, since the last one that did.
  bool beat_now_ = false;
  Status refused_;
  uint64_t session_number_ = 0;  ///< Of the stream that counts; what older ones say is dropped.
  bool session_over_ = true;
  uint64_t highest_term_ = 0;
  std::deque<proto::ToWorker> messages_;
  std::shared_ptr<MessageSender<proto::ToManager>> session_;
  std::list<std::shared_ptr<HostStream>> hosted_;  ///< Under mutex_.

  std::unique_ptr<Errands> errands_;
  JobLines lines_;
  uint64_t sessions_ = 0;          ///< Under mutex_.
  uint64_t refusals_counted_ = 0;  ///< Under mutex_.
  std::atomic<uint64_t> broken_{0};
  /// Changed by the thread alone, under mutex_; so the thread reads it without.
  std::list<std::shared_ptr<LedAttempt>> led_;

  // Of the thread.
  DialRound round_;
  std::string store_;  ///< Id of where checkpoints are kept; empty: not known yet.
  bool told_storeless_ = false;
  std::string phases_;  ///< Of led attempts, as last told.
  FailureLog refusals_{Duration::Seconds(10)};
  std::atomic<uint64_t> turns_{0};
  std::thread thread_;
};

}  // namespace weir

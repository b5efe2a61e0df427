#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "daemon/manager/core.h"
#include "daemon/manager/store.h"
#include "daemon/rpc/cluster_streams.h"
#include "daemon/rpc/server.h"

namespace weir::manager {

struct ServiceOptions {
  CoreOptions core;
  std::string listen = "127.0.0.1:9281";
  Transport transport = Transport::Plain();
  /// Called for each change by the thread that decides, before what was asked for is answered; must
  /// not wait.
  std::function<void(const actions::Audit&)> on_audit;
  /// Called once, when it can't lead or does no more, with the reason. May be called by any thread.
  std::function<void(Status)> on_over;
};

/// What surrounds the core: takes workers' sessions and users' commands, gives them to it as facts,
/// and carries out what it decides. One thread decides.
class Service final : private LeadershipListener {
 public:
  /// Listens for workers at once, and leads as soon as the store lets it. `store` and `clock`
  /// outlive the service.
  static Result<std::unique_ptr<Service>> Start(ServiceOptions options, ManagerStore& store,
                                                const Clock& clock);
  ~Service() override;

  /// Where workers dial.
  const std::string& address() const { return server_->address(); }

  struct Answer {
    Status status;
    uint64_t savepoint = 0;
    std::string location = {};
    std::string told = {};  ///< JSON, of a worker that did something for it.
  };
  /// Does as the user at `from` asks, once it is durable; a savepoint once it is taken, an errand
  /// once a worker has done it. Blocks, for `wait` at most.
  Answer Do(const std::string& user, const std::string& from, Command command, Duration wait);
  /// As ManagerStore::Backup, of a manager that leads.
  Result<std::string> Backup() const;
  /// Ok, or that this manager does not lead: it knows nothing then.
  Status Leads() const;
  /// Looks at what is known; `look` must be quick and must not call the service.
  void Look(const std::function<void(const Core&, Duration now)>& look) const;
  /// How often the deciding thread has gone round its loop.
  uint64_t turns() const { return turns_; }
  /// What a running job's lead has told last, as JSON; empty: nothing yet.
  std::string DetailsOf(const std::string& job) const;

  /// A line of some worker's log about a job.
  struct JobLine {
    uint64_t number = 0;  ///< Rises with each line of the job that this manager was told.
    std::string worker;
    std::string line;
  };
  /// The newest lines about a job, oldest first: those above `after`, `most` at most. Each worker's
  /// own come in their order.
  std::vector<JobLine> LinesOf(const std::string& job, uint64_t after, size_t most) const;

 private:
  Service(ServiceOptions options, ManagerStore& store, const Clock& clock);
  Status Listen();
  void LeadAndLoad();
  void LeadsNoMore();
  void Run();
  void Post(Fact fact);
  void Carry(Action action);
  Now TimeNow() const { return {clock_.Monotonic(), clock_.Now()}; }
  MessageHandler<proto::ToManager> Accept(std::shared_ptr<MessageSender<proto::ToWorker>> sender);
  void Keep(SessionId session, proto::JobLines told);
  void OnMessage(SessionId session, proto::ToManager message);
  void OnRenewed(Duration until) override;
  void OnLost(const std::string& reason) override;

  const ServiceOptions options_;
  ManagerStore& store_;
  const Clock& clock_;
  std::unique_ptr<RpcService> session_service_;
  std::unique_ptr<RpcServer> server_;

  mutable std::mutex core_mutex_;
  Core core_;  ///< Under core_mutex_; only the thread changes it.

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  bool ending_ = false;
  std::deque<Fact> facts_;
  uint64_t last_session_ = 0;
  uint64_t last_request_ = 0;
  std::map<SessionId, std::shared_ptr<MessageSender<proto::ToWorker>>> sessions_;
  std::map<RequestId, std::promise<Answer>> requests_;
  std::map<std::string, std::string> details_;  ///< By job.
  std::map<SessionId, std::string> worker_of_;
  struct Lines {
    uint64_t last = 0;
    std::deque<JobLine> kept;
  };
  std::map<std::string, Lines> lines_;  ///< By job.
  std::atomic<uint64_t> turns_{0};
  std::thread lead_thread_;
  std::thread thread_;
};

}  // namespace weir::manager

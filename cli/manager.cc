#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <mutex>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "base/log.h"
#include "cli/command.h"
#include "cli/doors.h"
#include "cli/process.h"
#include "cli/version.h"
#include "daemon/http/manager_api.h"
#include "daemon/manager/embedded_store.h"
#include "daemon/manager/etcd_store.h"
#include "daemon/manager/service.h"
#include "daemon/rpc/connection.h"
#include "daemon/supervisor/notifier.h"
#include "engine/task_host.h"
#include "state/directory_lock.h"

namespace weir {
namespace {

Result<CheckedJob> CheckText(const ProcessSpec& process, const std::string& text) {
  CheckedJob checked;
  checked.plan = WEIR_TRY(PlanText(process, text, 0));
  const JobPlan& plan = checked.plan;
  checked.parallelism = WidthOf(plan);
  checked.policy.restart_initial = plan.restart_initial;
  checked.policy.restart_max = plan.restart_max;
  if (plan.restart_attempts) {
    checked.policy.restart_attempts = static_cast<uint32_t>(*plan.restart_attempts);
  }
  if (plan.autoscale) {
    checked.policy.autoscale = manager::AutoscaleBounds{
        plan.autoscale->min, plan.autoscale->max,    plan.autoscale->target_busy,
        plan.rows_per_task,  plan.autoscale->window, plan.autoscale->cooldown};
    checked.parallelism = std::clamp(checked.parallelism, plan.autoscale->min, plan.autoscale->max);
  }
  for (const LaneId& lane : LanesOf(plan, std::vector<uint32_t>(WidthOf(plan), 0))) {
    checked.policy.sinks.push_back(lane.sink);
  }
  return checked;
}

Result<std::unique_ptr<manager::ManagerStore>> OpenStore(const ProcessSpec& process) {
  std::unique_ptr<manager::ManagerStore> store;
  if (process.store == JobStoreKind::kEmbedded) {
    store = WEIR_TRY(manager::EmbeddedStore::Open(manager::EmbeddedStore::In(process.state_dir)));
    return store;
  }
  manager::EtcdStoreOptions options;
  options.etcd.endpoints = process.etcd.endpoints;
  options.etcd.ca_file = process.etcd.ca;
  options.etcd.certificate_file = process.etcd.certificate;
  options.etcd.key_file = process.etcd.key;
  options.etcd.user = process.etcd.user;
  if (process.etcd.password.given()) {
    options.etcd.password = WEIR_TRY(process.etcd.password.Resolve(process.etcd.folder));
  }
  // Several calls must find their time within a lease.
  options.etcd.timeout = {std::min(options.etcd.timeout.us, process.etcd.lease.us / 4)};
  options.prefix = process.etcd.prefix;
  options.name = process.http.empty() ? "manager" : process.http;
  options.lease = process.etcd.lease;
  store = std::make_unique<manager::EtcdStore>(std::move(options), SystemClock());
  return store;
}

/// To whoever supervises it: ready while it leads, or stands by for who does.
ServiceStanding StandingOf(const manager::Service& service, bool stands_by,
                           const StopSignal& stop) {
  using Phase = ServiceStanding::Phase;
  ServiceStanding standing;
  service.Look([&](const manager::Core& core, Duration) {
    if (stop.asked()) {
      standing.phase = Phase::kStopping;
      standing.status = "stopping; workers go on with their jobs";
      return;
    }
    if (!core.leading()) {
      if (stands_by) standing.phase = Phase::kReady;
      standing.status = stands_by ? "stands by: another manager leads" : "does not lead yet";
      return;
    }
    const auto running = std::count_if(core.jobs().begin(), core.jobs().end(), [](const auto& job) {
      return job.second.record.state == manager::JobState::kRunning;
    });
    const auto& workers = core.cluster().workers();
    const auto here = std::count_if(workers.begin(), workers.end(),
                                    [](const auto& worker) { return worker.second.present(); });
    standing.phase = Phase::kReady;
    standing.status = fmt::format("leads; {} of {} jobs run, {} of {} workers are here", running,
                                  core.jobs().size(), here, workers.size());
  });
  standing.turns = service.turns();
  return standing;
}

AuditEntry EntryOf(const manager::actions::Audit& change) {
  AuditEntry entry;
  entry.who = change.user;
  entry.from = change.from;
  entry.what = change.what;
  const bool of_worker = change.what == "drain" || change.what == "undrain";
  (of_worker ? entry.worker : entry.job) = change.subject;
  entry.detail = change.detail;
  entry.result = change.outcome;
  return entry;
}

Status RunManager(const ProcessArguments& arguments) {
  StopSignal stop;
  const ProcessSpec process = WEIR_TRY(arguments.Read());
  const std::unique_ptr<DirectoryLock> lock = WEIR_TRY(DirectoryLock::Take(
      process.state_dir, "stop it, or give this manager another state directory"));
  const std::unique_ptr<manager::ManagerStore> store = WEIR_TRY(OpenStore(process));
  manager::ServiceOptions options;
  options.core.version = Version();
  options.core.worker_timeout = process.worker_timeout;
  if (process.store == JobStoreKind::kEtcd) options.core.move_over = kPeerGoneAfter;
  options.listen = process.listen.empty() ? "127.0.0.1:9281" : process.listen;
  const ProcessDoors doors = WEIR_TRY(ProcessDoors::Open(process, PeerRole::kManager));
  options.transport = doors.transport();
  const std::unique_ptr<AuditLog> audit =
      WEIR_TRY(AuditLog::Open(process.state_dir + "/audit.jsonl", SystemClock()));
  options.on_audit = [&audit = *audit](const manager::actions::Audit& change) {
    audit.Write(EntryOf(change));
  };
  std::mutex mutex;
  Status over;
  options.on_over = [&](Status reason) {
    {
      std::lock_guard guard(mutex);
      over = std::move(reason);
    }
    kill(getpid(), SIGTERM);  // As a user's word: what waits below goes on.
  };
  const std::unique_ptr<manager::Service> service =
      WEIR_TRY(manager::Service::Start(std::move(options), *store, SystemClock()));
  const std::unique_ptr<HttpServer> api = WEIR_TRY(ServeManager(
      doors.ServerOptions(process.http.empty() ? "127.0.0.1:9280" : process.http, "--http",
                          audit.get()),
      *service, *audit, [&process](const std::string& text) { return CheckText(process, text); }));
  const std::unique_ptr<HttpServer> metrics = WEIR_TRY(doors.ServeOwnMetrics(
      process, [&service, refusals = doors.refusals()] { return MetricsOf(*service, *refusals); }));
  const Notifier notifier([&] { return StandingOf(*service, store->ElectsAgain(), stop); },
                          SystemClock());
  log::Info("manager is up", {{"workers", service->address()}, {"http", api->address()}});
  stop.Wait();
  std::lock_guard guard(mutex);
  return over;
}

}  // namespace

std::function<int()> AddManager(CLI::App& app) {
  auto arguments = std::make_shared<ProcessArguments>();
  arguments->AddTo(app, {"listen", "http", "tokens_file", "state_dir", "store", "worker_timeout"});
  return [arguments] { return Report(RunManager(*arguments)); };
}

}  // namespace weir

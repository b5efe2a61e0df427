#include <signal.h>
#include <unistd.h>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "base/allocator.h"
#include "base/log.h"
#include "cli/command.h"
#include "cli/doors.h"
#include "cli/errors.h"
#include "cli/process.h"
#include "cli/version.h"
#include "daemon/http/worker_server.h"
#include "daemon/supervisor/notifier.h"
#include "daemon/worker/worker.h"
#include "engine/program_list.h"
#include "state/store_identity.h"

namespace weir {
namespace {

std::string HostName() {
  char name[256] = {};
  return gethostname(name, sizeof name - 1) == 0 && name[0] != '\0' ? name : "worker";
}

/// To whoever supervises it: ready once a manager has it, so that who restarts workers one by one
/// waits for each. Until then it goes on trying.
ServiceStanding StandingOf(const Worker& worker, const StopSignal& stop) {
  using Phase = ServiceStanding::Phase;
  ServiceStanding standing;
  standing.patient_start = true;
  standing.turns = worker.turns();
  if (stop.asked()) {
    standing.phase = Phase::kStopping;
    standing.status = worker.refused().ok() ? "its tasks are moved away" : "the manager refuses it";
  } else if (const WorkerStatus status = worker.status(); status.connected) {
    standing.phase = Phase::kReady;
    standing.status =
        fmt::format("has a session with the manager; leads {}, hosts tasks of {} attempts",
                    status.led, status.hosted);
  } else {
    standing.status = "no manager has it; what runs goes on";
  }
  return standing;
}

int RunWorker(const ProcessArguments& arguments) {
  KeepFreedMemory();
  StopSignal stop;
  Result<ProcessSpec> read = arguments.Read();
  if (!read.ok()) return Report(read.status());
  const ProcessSpec process = std::move(read).value();
  WorkerOptions options;
  options.id = process.worker_id.empty() ? HostName() : process.worker_id;
  options.state_dir = process.state_dir;
  options.slots = process.slots;
  options.memory_bytes = process.memory.bytes;
  const ProgramList programs(process.programs);
  options.programs = &programs;
  options.managers = process.manager;
  options.listen = process.listen.empty() ? "127.0.0.1:0" : process.listen;
  options.advertise = process.advertise;
  options.version = Version();
  options.labels = process.labels;
  const Result<ProcessDoors> doors = ProcessDoors::Open(process, PeerRole::kWorker);
  if (!doors.ok()) return Report(doors.status());
  options.transport = doors->transport();
  options.plan = [&process](const std::string& text, uint32_t parallelism) {
    return PlanText(process, text, parallelism);
  };
  if (!process.checkpoint_store) {
    return Report(Status(errors::kNoStore, "a worker must be told where checkpoints are kept",
                         "give all workers the same --checkpoint-store: a directory that all of "
                         "them see, or s3://BUCKET/PREFIX"));
  }
  const StoreLocation location = *process.checkpoint_store;
  options.open_store = [location, &process](const std::string& job, StoreUse use) {
    return CheckpointStore::Open(location, job, process.state_dir + "/" + job, use);
  };
  options.open_savepoint = [location, &process](const std::string& job,
                                                const std::string& address) {
    StoreLocation folder = location;
    folder.url = address;
    return CheckpointStore::OpenSavepoint(folder, process.state_dir + "/" + job, StoreUse::kRead);
  };
  options.store_url = location.url;
  options.identify_store = [location] { return IdentifyStore(location); };
  options.on_refused = [] { kill(getpid(), SIGTERM); };
  Result<std::unique_ptr<Worker>> started = Worker::Start(std::move(options), SystemClock());
  if (!started.ok()) return Report(started.status());
  const std::unique_ptr<Worker> worker = std::move(started).value();
  const Result<std::unique_ptr<HttpServer>> metrics = doors->ServeOwnMetrics(
      process,
      [&worker = *worker, refusals = doors->refusals()] { return MetricsOf(worker, *refusals); });
  if (!metrics.ok()) return Report(metrics.status());
  std::unique_ptr<HttpServer> http;
  if (!process.http.empty()) {
    Result<std::unique_ptr<HttpServer>> serving =
        ServeWorker(doors->ServerOptions(process.http, "--http"), *worker);
    if (!serving.ok()) return Report(serving.status());
    http = std::move(serving).value();
  }
  log::Info("worker is up", {{"address", worker->address()},
                             {"slots", process.slots},
                             {"http", http ? http->address() : "nowhere"}});
  const Notifier notifier([&] { return StandingOf(*worker, stop); }, SystemClock());
  stop.Wait();
  if (Status refused = worker->refused(); !refused.ok()) return Report(refused);
  fmt::print(stderr, "weir: moving tasks away; once more ends at once\n");
  worker->Drain([&] { return !worker->connected(); });
  return kExitDone;
}

}  // namespace

std::function<int()> AddWorker(CLI::App& app) {
  auto arguments = std::make_shared<ProcessArguments>();
  arguments->AddTo(app, {"manager", "listen", "advertise", "http", "tokens_file", "state_dir",
                         "checkpoint_store", "worker_id", "slots", "memory"});
  return [arguments] { return RunWorker(*arguments); };
}

}  // namespace weir

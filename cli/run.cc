#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <fstream>
#include <mutex>
#include <thread>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "base/log.h"
#include "batch/time_text.h"
#include "cli/command.h"
#include "cli/errors.h"
#include "config/values.h"
#include "connectors/kafka/errors.h"
#include "daemon/http/job_server.h"
#include "daemon/supervisor/notifier.h"
#include "engine/errors.h"
#include "engine/job_run.h"
#include "engine/program_list.h"

namespace weir {
namespace {

struct RunArguments {
  JobArguments job;
  std::string state_dir = "weir-state";
  bool fresh = false;
  bool rewind = false;
  bool take_over = false;
  std::vector<std::string> drop_state;
  std::string from;
  std::string wait = "60s";
  std::string memory = "512MiB";
  std::string report;
  std::string metrics;
};

/// Waits for signals on a thread of its own: the first SIGTERM or SIGINT asks for a clean end, the
/// second ends the process at once. SIGUSR2 asks for a savepoint.
class SignalWatch {
 public:
  explicit SignalWatch(JobRun& run) : run_(run) {
    thread_ = std::thread([this] { Watch(); });
  }
  ~SignalWatch() {
    ending_ = true;
    pthread_kill(thread_.native_handle(), SIGUSR1);
    thread_.join();
  }
  /// Before any thread is made: what this thread waits for, no other may take.
  static void Block() {
    sigset_t signals = Signals();
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  }

 private:
  static sigset_t Signals() {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGUSR1);
    sigaddset(&signals, SIGUSR2);
    return signals;
  }
  void Watch() {
    const sigset_t signals = Signals();
    while (!ending_) {
      int signal = 0;
      sigwait(&signals, &signal);
      if (ending_ || signal == SIGUSR1) continue;
      if (signal == SIGUSR2) {
        run_.TakeSavepoint();
        continue;
      }
      const Duration now = SystemClock().Monotonic();
      if (run_.stop_asked()) {
        // Supervisors signal a process and its group: the same word twice is one word.
        if (now.us - asked_.us < Duration::Millis(100).us) continue;
        _exit(kExitKilled);
      }
      asked_ = now;
      fmt::print(stderr, "weir: stopping with a last checkpoint; once more ends at once\n");
      run_.Stop();
    }
  }

  JobRun& run_;
  Duration asked_;  // When the first signal came, monotonic.
  std::atomic<bool> ending_{false};
  std::thread thread_;
};

/// The line on a terminal: rows/s, lag, watermark and who holds it, age of the last checkpoint.
class ProgressLine {
 public:
  explicit ProgressLine(const JobRun& run) : run_(run) {
    if (isatty(STDERR_FILENO) && !isatty(STDOUT_FILENO)) thread_ = std::thread([this] { Show(); });
  }
  ~ProgressLine() {
    {
      std::lock_guard lock(mutex_);
      ending_ = true;
    }
    wake_.notify_all();
    if (!thread_.joinable()) return;
    thread_.join();
    fmt::print(stderr, "\r\033[K");
  }

 private:
  void Show() {
    int64_t before = 0;
    std::unique_lock lock(mutex_);
    while (!wake_.wait_for(lock, std::chrono::seconds(1), [this] { return ending_; })) {
      const JobProgress progress = run_.progress();
      std::string watermark = "none";
      if (progress.watermark == EventTime::Max())
        watermark = "at the end";
      else if (progress.watermark != EventTime::Min())
        watermark = FormatIso8601(progress.watermark);
      fmt::print(
          stderr, "\r\033[K{}  {} rows/s  lag {}  watermark {}{}  checkpoint {}, {} s ago",
          progress.phase, progress.rows_read - before,
          progress.lag_records < 0 ? "?" : std::to_string(progress.lag_records), watermark,
          progress.watermark_holder.empty() ? "" : " (held by " + progress.watermark_holder + ")",
          progress.checkpoint, progress.checkpoint_age.us / 1'000'000);
      std::fflush(stderr);
      before = progress.rows_read;
    }
  }

  const JobRun& run_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool ending_ = false;
  std::thread thread_;
};

/// To whoever supervises it: ready while tasks run. Between two attempts, and while one reads its
/// state back, the driver waits for the outside, by bounds of its own.
ServiceStanding StandingOf(const JobRun& run) {
  using Phase = ServiceStanding::Phase;
  const JobProgress progress = run.progress();
  const bool drives = progress.phase == "running" || progress.phase == "stopping";
  ServiceStanding standing;
  standing.patient_start = true;
  if (drives) standing.turns = progress.turns;
  if (progress.phase == "ended") {
    standing.phase = Phase::kDone;
  } else if (run.stop_asked() || progress.phase == "stopping") {
    standing.phase = Phase::kStopping;
  } else if (progress.phase == "running") {
    standing.phase = Phase::kReady;
  }
  standing.status = progress.phase;
  if (drives) {
    standing.status +=
        fmt::format(", checkpoint {}, {} rows read", progress.checkpoint, progress.rows_read);
  }
  if (progress.phase == "restarting") standing.status += " after " + progress.last_error;
  return standing;
}

void PrintSummary(const JobPlan& plan, const JobProgress& progress, double seconds, bool stopped) {
  const JobSums sums = SumsOf(plan, progress.totals);
  fmt::print(stderr,
             "job {} {} after {:.1f} s\n"
             "  read         {}\n"
             "  written      {}\n"
             "  late         {}\n"
             "  rejected     {}\n"
             "  unaccounted  {}\n"
             "  checkpoints  {} ({} dropped), newest {}\n",
             plan.name, stopped ? "stopped" : "ended", seconds, sums.rows_in, sums.rows_out,
             sums.late, sums.rejected, progress.unaccounted_rows, progress.checkpoints_completed,
             progress.checkpoints_dropped, progress.checkpoint);
  for (const NodePlan& node : plan.nodes) {
    const auto count = [&](const char* name) {
      const auto it = progress.totals.find(node.name + "." + name);
      return it == progress.totals.end() ? 0 : it->second;
    };
    std::string line;
    for (const char* name : {"in", "passed", "filtered", "rejected", "late", "absorbed", "expanded",
                             "empty", "made", "held", "given_up"}) {
      if (count(name) != 0) line += fmt::format(" {} {}", name, count(name));
    }
    if (!line.empty()) fmt::print(stderr, "    {:<28}{}\n", node.name, line);
  }
}

Status WriteReport(const std::string& path, const JobPlan& plan, const JobProgress& progress,
                   double seconds, const Status& status) {
  const JobSums sums = SumsOf(plan, progress.totals);
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  nlohmann::ordered_json report;
  report["job"] = plan.name;
  report["outcome"] = status.ok() ? "done" : std::string(status.code().id);
  report["rows_in"] = sums.rows_in;
  report["rows_out"] = sums.rows_out;
  report["late"] = sums.late;
  report["rejected"] = sums.rejected;
  report["seconds"] = seconds;
  report["rows_per_second"] = seconds > 0 ? static_cast<double>(progress.rows_read) / seconds : 0.0;
  report["checkpoints"] = progress.checkpoints_completed;
  report["checkpoints_dropped"] = progress.checkpoints_dropped;
  report["newest_checkpoint"] = progress.checkpoint;
  report["longest_hold_ms"] = static_cast<double>(progress.longest_hold_us) / 1000.0;
  report["restarts"] = progress.restarts;
  report["peak_rss_bytes"] = static_cast<int64_t>(usage.ru_maxrss) * 1024;
  report["unaccounted_rows"] = progress.unaccounted_rows;
  report["counts"] = progress.totals;
  std::ofstream file(path, std::ios::trunc);
  file << report.dump(2) << "\n";
  file.flush();
  if (!file) {
    return Status(errors::kCantWrite, fmt::format("can't write the report to {}", path),
                  "choose another path with --report");
  }
  return Status::Ok();
}

std::string Quoted(const std::string& text) {
  const bool plain =
      !text.empty() &&
      text.find_first_not_of(
          "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./=:,@%+") ==
          std::string::npos;
  if (plain) return text;
  std::string out = "'";
  for (char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

/// The flags that say where the job's state and checkpoints are.
std::string PlaceFlags(const RunArguments& arguments) {
  std::string flags;
  if (!arguments.job.config.empty()) flags += " --config " + Quoted(arguments.job.config);
  for (const std::string& variable : arguments.job.variables) {
    flags += " --var " + Quoted(variable);
  }
  return flags + " --state-dir " + Quoted(arguments.state_dir);
}

/// The command that was given.
std::string CommandAgain(const RunArguments& arguments) {
  std::string command = "weir run " + Quoted(arguments.job.path);
  for (const std::string& set : arguments.job.sets) command += " --set " + Quoted(set);
  command += PlaceFlags(arguments);
  if (arguments.fresh) command += " --fresh";
  if (arguments.rewind) command += " --rewind";
  if (arguments.take_over) command += " --take-over";
  for (const std::string& name : arguments.drop_state) command += " --drop-state " + Quoted(name);
  if (!arguments.from.empty()) command += " --from " + Quoted(arguments.from);
  return command;
}

bool HasDeadLetter(const JobPlan& plan, const std::string& sink) {
  return std::any_of(plan.nodes.begin(), plan.nodes.end(), [&](const NodePlan& node) {
    return node.role == NodePlan::Role::kSink && node.user_name == sink &&
           node.on_error.action == ErrorPolicy::Action::kDeadLetter;
  });
}

/// For a next start: what was chosen at this one is not to be chosen anew.
RunArguments WithoutChoices(RunArguments arguments) {
  arguments.fresh = arguments.rewind = arguments.take_over = false;
  arguments.drop_state.clear();
  arguments.from.clear();
  return arguments;
}

/// The commands that make the choice a stop asks for.
void PrintChoice(const RunArguments& arguments, const JobPlan& plan, const Status& status,
                 const JobProgress& progress) {
  const std::string& failed_sink = progress.failed_sink;
  const bool refused = status.Is(errors::kRecordRefused);
  if (refused || status.Is(errors::kNoDeadLetter)) {
    if (refused && !HasDeadLetter(plan, failed_sink)) {
      fmt::print(stderr, "give sink '{}' a dead letter (on_error: {{ dead_letter: … }}); then ",
                 failed_sink);
    }
    RunArguments place = arguments;
    if (place.job.config.empty()) place.job.variables.clear();
    fmt::print(stderr, "to choose so:\n  weir txn resolve {} --sink {}{} {}\n  {}\n", plan.name,
               failed_sink, PlaceFlags(place), refused ? "--dead-letter" : "--drop",
               CommandAgain(WithoutChoices(arguments)));
    return;
  }
  if (status.Is(errors::kTooManyRejected)) {
    fmt::print(stderr, "to go on behind them:\n  {}\n", CommandAgain(WithoutChoices(arguments)));
    return;
  }
  if (status.Is(errors::kChangedJob) && !progress.must_drop.empty()) {
    RunArguments next = arguments;
    next.drop_state.assign(progress.must_drop.begin(), progress.must_drop.end());
    fmt::print(stderr, "to choose so:\n  {}\n", CommandAgain(next));
    return;
  }
  const bool fresh = status.Is(errors::kChangedJob) || status.Is(errors::kForeignCheckpoints) ||
                     status.Is(errors::kOtherSavepoint);
  const std::string_view choice = status.Is(errors::kForeignMarker) ? "--take-over"
                                  : fresh                           ? "--fresh"
                                                                    : "--rewind";
  fmt::print(stderr, "to choose so:\n  {} {}\n", CommandAgain(arguments), choice);
}

/// The text of what its newest checkpoint is of; empty where there is none, or it cannot be read:
/// then the run begins, or says what is wrong.
std::string TextBefore(const RunArguments& arguments, const std::string& job) {
  if (arguments.fresh) return {};
  const auto store = OpenStoreOf(
      {job, arguments.state_dir, arguments.job.config, arguments.job.variables}, StoreUse::kLook);
  if (!store.ok()) return {};
  const auto newest = (*store)->Newest();
  if (!newest.ok() || !*newest) return {};
  return (*newest)->manifest.job_text();
}

int RunJob(const RunArguments& arguments) {
  SignalWatch::Block();
  RunOptions options;
  options.state_dir = arguments.state_dir;
  options.fresh = arguments.fresh;
  options.choices = {arguments.rewind, arguments.take_over, arguments.drop_state, arguments.from};
  const Result<Duration> wait = ParseDuration(arguments.wait);
  if (!wait.ok()) {
    return Report(
        Status(errors::kBadFlag, "--wait: " + wait.status().message(), "write --wait 60s"));
  }
  options.wait = *wait;
  const Result<ByteSize> memory = ParseByteSize(arguments.memory);
  if (!memory.ok()) {
    return Report(Status(errors::kBadFlag, "--memory: " + memory.status().message(),
                         "write --memory 512MiB"));
  }
  if (*memory < ByteSize::MiB(32)) {
    return Report(Status(errors::kBadFlag, "--memory must be 32MiB or more", ""));
  }
  options.memory_bytes = static_cast<size_t>(memory->bytes);

  const Result<StoreLocation> store =
      LocateStore(arguments.job.config, arguments.job.variables, arguments.state_dir);
  if (!store.ok()) return Report(store.status());
  options.store = *store;
  const Result<JobPlan> plan =
      LoadJob(arguments.job, [&](const std::string& job) { return TextBefore(arguments, job); });
  if (!plan.ok()) return Report(plan.status());
  if (plan->autoscale) {
    log::Warn("'autoscale' is for a cluster: weir run keeps to the job's parallelism", {});
  }

  Result<ProcessSpec> process = ReadConfig(arguments.job.config, arguments.job.variables);
  if (!process.ok()) return Report(process.status());
  const ProgramList programs(std::move(process->programs));
  options.programs = &programs;

  JobRun run(*plan, options, SystemClock());
  std::unique_ptr<HttpServer> server;
  if (!arguments.metrics.empty()) {
    Result<std::unique_ptr<HttpServer>> made =
        ServeJob(arguments.metrics, *plan, run, SystemClock());
    if (!made.ok()) return Report(made.status());
    server = std::move(made).value();
    fmt::print(stderr, "page at http://{0}/, metrics at http://{0}/metrics\n", server->address());
  }
  const Duration begin = SystemClock().Monotonic();
  Status status;
  {
    SignalWatch signals(run);
    const ProgressLine line(run);
    const Notifier notifier([&run] { return StandingOf(run); }, SystemClock());
    status = run.Run();
  }
  const double seconds = static_cast<double>(SystemClock().Monotonic().us - begin.us) / 1e6;
  server.reset();
  const JobProgress progress = run.progress();
  if (!arguments.report.empty()) {
    Status written = WriteReport(arguments.report, *plan, progress, seconds, status);
    if (status.ok()) status = std::move(written);
  }
  if (status.ok()) {
    PrintSummary(*plan, progress, seconds, run.stop_asked());
    return kExitDone;
  }
  const int code = Report(status);
  if (status.kind() == ErrorKind::kDecision) {
    PrintChoice(arguments, *plan, status, progress);
  }
  return code;
}

}  // namespace

std::function<int()> AddRun(CLI::App& app) {
  auto arguments = std::make_shared<RunArguments>();
  AddJobArguments(app, arguments->job);
  app.add_option("--state-dir", arguments->state_dir,
                 "Where state lies, and checkpoints, unless --config keeps them elsewhere.")
      ->type_name("DIR")
      ->capture_default_str();
  app.add_flag("--fresh", arguments->fresh, "Forget what the state directory holds of the job.");
  app.add_flag("--rewind", arguments->rewind,
               "Go on from an older checkpoint although later results are out.");
  app.add_flag("--take-over", arguments->take_over,
               "Take over output that another instance of the job has written to.");
  AddDropState(app, arguments->drop_state);
  AddFrom(app, arguments->from);
  app.add_option("--wait", arguments->wait, "How long brokers may be away at the start.")
      ->capture_default_str();
  app.add_option("--memory", arguments->memory, "For state and buffers.")->capture_default_str();
  app.add_option("--report", arguments->report, "Write a JSON report at the end.")
      ->type_name("FILE");
  app.add_option("--metrics", arguments->metrics,
                 "Serve a page, /metrics, /healthz and /readyz, e.g. 127.0.0.1:9400.")
      ->type_name("ADDR:PORT");
  return [arguments] { return RunJob(*arguments); };
}

}  // namespace weir

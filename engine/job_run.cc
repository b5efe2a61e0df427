#include "engine/job_run.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <thread>

#include <fmt/format.h>

#include "base/log.h"
#include "engine/attempt.h"
#include "engine/errors.h"

namespace weir {

JobSums SumsOf(const JobPlan& plan, const std::map<std::string, int64_t>& totals) {
  JobSums sums;
  const auto of = [&](const NodePlan& node, const char* count) {
    const auto it = totals.find(node.name + "." + count);
    return it == totals.end() ? 0 : it->second;
  };
  for (const NodePlan& node : plan.nodes) {
    if (node.role == NodePlan::Role::kSource) sums.rows_in += of(node, "in");
    if (node.role == NodePlan::Role::kSink && !node.is_dead_letter) {
      sums.rows_out += of(node, "passed");
    }
    sums.late += of(node, "late");
    sums.rejected += of(node, "rejected");
  }
  return sums;
}

JobRun::JobRun(const JobPlan& plan, RunOptions options, const Clock& clock)
    : plan_(plan), options_(std::move(options)), clock_(clock) {
  if (options_.store.url.empty()) {
    options_.store = StoreLocation::Directory(options_.state_dir);
  }
}

JobRun::~JobRun() = default;

void JobRun::Stop() {
  stop_asked_ = true;
  std::lock_guard lock(mutex_);
  if (attempt_) attempt_->Wake();
}

JobProgress JobRun::progress() const {
  std::lock_guard lock(mutex_);
  JobProgress progress = attempt_ ? attempt_->progress() : last_;
  progress.restarts = last_.restarts;
  if (progress.last_error.empty()) progress.last_error = last_.last_error;
  return progress;
}

Status JobRun::Run() {
  const std::string directory = options_.state_dir + "/" + plan_.name;
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) {
    return Status(errors::kStateDirectory,
                  fmt::format("can't make the state directory {}: {}", directory, error.message()),
                  "choose another with --state-dir");
  }
  job_store_ = WEIR_TRY(JobStore::Open(directory, plan_.name));
  if (options_.fresh) {
    // The instance first: should this be cut off half way, what is left can't be taken for its own.
    WEIR_TRY(job_store_->BeginInstance());
    const auto store = WEIR_TRY(CheckpointStore::Open(options_.store, plan_.name, directory));
    WEIR_TRY(store->RemoveAll());
    std::filesystem::remove_all(directory + "/live", error);
    if (error) {
      return Status(errors::kStateDirectory,
                    fmt::format("can't remove {}/live: {}", directory, error.message()),
                    "see its rights, or choose another --state-dir");
    }
  }
  Status status = RunAttempts();
  std::lock_guard lock(mutex_);
  last_.phase = status.ok() ? "ended" : "failed";
  return status;
}

Status JobRun::RunAttempts() {
  Duration backoff = plan_.restart_initial;
  int64_t failures = 0;
  while (true) {
    Attempt attempt(plan_, options_, clock_, *job_store_, stop_asked_);
    {
      std::lock_guard lock(mutex_);
      attempt_ = &attempt;
    }
    Status status = attempt.Run();
    if (status.Is(errors::kStoppedEarly)) {
      log::Info("the job was stopped early", {{"reason", status.message()}});
      status = Status::Ok();
    }
    // A choice is for the state that the user saw, not for what a later restart meets.
    if (attempt.began()) options_.choices = {};
    {
      std::lock_guard lock(mutex_);
      attempt_ = nullptr;
      const uint64_t restarts = last_.restarts;
      last_ = attempt.progress();
      last_.restarts = restarts + (status.ok() ? 0 : 1);
      if (!status.ok()) last_.last_error = status.ToString();
    }
    if (status.ok() || status.kind() != ErrorKind::kRetry || stop_asked_) return status;
    if (attempt.made_progress()) {
      failures = 0;
      backoff = plan_.restart_initial;
    }
    failures++;
    if (plan_.restart_attempts && failures > *plan_.restart_attempts) {
      return Status(
          errors::kCrashLoop,
          fmt::format("failed {} times in a row, the last time: {}", failures, status.ToString()),
          "mend the cause; the job goes on from its last checkpoint");
    }
    log::Warn("starting anew from the last checkpoint",
              {{"reason", status.ToString()}, {"in_ms", backoff.us / 1000}});
    const Duration until{clock_.Monotonic().us + backoff.us};
    while (clock_.Monotonic() < until && !stop_asked_) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    backoff = std::min(Duration{backoff.us * 2}, plan_.restart_max);
  }
}

}  // namespace weir

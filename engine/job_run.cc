#include "engine/job_run.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <thread>

#include <fmt/format.h>

#include "base/log.h"
#include "engine/attempt.h"
#include "engine/errors.h"
#include "engine/local_host.h"
#include "state/job_store.h"

namespace weir {

/// One process: the job's facts in its own directory, one host, everything here.
class JobRun::Site final : public AttemptSite {
 public:
  Site(const JobPlan& plan, const RunOptions& options, const Clock& clock,
       std::unique_ptr<JobStore> facts)
      : plan_(plan), options_(options), clock_(clock), facts_(std::move(facts)) {}

  Result<std::unique_ptr<CheckpointStore>> OpenStore() override {
    return CheckpointStore::Open(options_.store, plan_.name, facts_->directory());
  }
  Result<std::unique_ptr<CheckpointStore>> OpenSavepoint(const std::string& address) override {
    StoreLocation location = options_.store;
    location.url = address;
    return CheckpointStore::OpenSavepoint(location, facts_->directory(), StoreUse::kRead);
  }
  const std::string& instance() const override { return facts_->facts().instance; }
  bool MayAdopt() const override { return facts_->facts().attempt == 0; }
  Status AdoptInstance(const std::string& instance) override {
    return facts_->AdoptInstance(instance);
  }
  Result<AttemptId> Begin(const AttemptId& seen) override {
    WEIR_TRY(facts_->RaiseAttempt(seen.number));
    return AttemptId{seen.term, WEIR_TRY(facts_->BeginAttempt())};
  }
  Status RaiseLane(const LaneId& lane) override {
    return facts_->RaiseLane(lane.sink, lane.number);
  }
  std::vector<uint32_t> HostOf(uint32_t width) const override {
    return std::vector<uint32_t>(width, 0);
  }
  bool IsHere(uint32_t) const override { return true; }
  std::unique_ptr<TaskHost> MakeHost(uint32_t, CheckpointStore& store,
                                     HostListener& listener) override {
    LocalHostOptions options{facts_->directory() + "/live", options_.memory_bytes,
                             options_.programs};
    return std::make_unique<LocalHost>(plan_, std::move(options), clock_, store, listener, nullptr);
  }

 private:
  const JobPlan& plan_;
  const RunOptions& options_;
  const Clock& clock_;
  const std::unique_ptr<JobStore> facts_;
};

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
  if (attempt_) attempt_->Stop();
}

void JobRun::TakeSavepoint() {
  std::lock_guard lock(mutex_);
  if (attempt_) return attempt_->TakeSavepoint();
  log::Warn("no savepoint is taken: the job does not run just now", {});
}

JobProgress JobRun::progress() const {
  std::lock_guard lock(mutex_);
  JobProgress progress = attempt_ ? attempt_->progress() : last_;
  progress.restarts = last_.restarts;
  progress.failure = last_.failure;
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
  std::unique_ptr<JobStore> facts = WEIR_TRY(JobStore::Open(directory, plan_.name));
  if (options_.fresh) {
    // The instance first: should this be cut off half way, what is left can't be taken for its own.
    WEIR_TRY(facts->BeginInstance());
    const auto store = WEIR_TRY(CheckpointStore::Open(options_.store, plan_.name, directory));
    WEIR_TRY(store->RemoveAll());
  }
  Site site(plan_, options_, clock_, std::move(facts));
  Status status = RunAttempts(site);
  std::lock_guard lock(mutex_);
  last_.phase = status.ok() ? "ended" : "failed";
  return status;
}

Status JobRun::RunAttempts(AttemptSite& site) {
  Duration backoff = plan_.restart_initial;
  int64_t failures = 0;
  while (true) {
    Attempt attempt(plan_, {options_.choices, options_.wait}, clock_, site);
    {
      std::lock_guard lock(mutex_);
      attempt_ = &attempt;
      if (stop_asked_) attempt.Stop();
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
      if (!status.ok()) {
        last_.phase = "waiting";
        last_.last_error = status.ToString();
        last_.failure = status;
      }
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
    {
      std::lock_guard lock(mutex_);
      last_.phase = "restarting";
    }
    const Duration until{clock_.Monotonic().us + backoff.us};
    while (clock_.Monotonic() < until && !stop_asked_) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    backoff = std::min(Duration{backoff.us * 2}, plan_.restart_max);
  }
}

}  // namespace weir

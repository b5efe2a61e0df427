#include "daemon/worker/led_attempt.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/log.h"
#include "daemon/manager/session_wire.h"
#include "daemon/rpc/wire.h"
#include "daemon/worker/attempt_report.h"
#include "daemon/worker/errors.h"
#include "daemon/worker/host_part.h"
#include "daemon/worker/host_stream.h"
#include "daemon/worker/progress_json.h"
#include "daemon/worker/remote_host.h"
#include "engine/errors.h"

namespace weir {

/// What the manager has said of the attempt, and this worker's store.
class LedAttempt::Site final : public AttemptSite {
 public:
  Site(const WorkerServices& services, const proto::RunAttempt& order, const JobPlan& plan,
       std::function<bool()> cancelled)
      : services_(services), order_(order), plan_(plan), cancelled_(std::move(cancelled)) {}

  Result<std::unique_ptr<CheckpointStore>> OpenStore() override {
    auto store = WEIR_TRY(services_.open_store(plan_.name, StoreUse::kRun));
    if (order_.fresh()) WEIR_TRY(Forget(*store));
    return store;
  }
  Result<std::unique_ptr<CheckpointStore>> OpenSavepoint(const std::string& address) override {
    return services_.open_savepoint(plan_.name, address);
  }
  const std::string& instance() const override { return order_.instance(); }
  /// What earlier instances have left goes. Checkpoints of this one stay: an attempt before this
  /// has done it already, and the manager has not heard so.
  Status Forget(CheckpointStore& store) const {
    const Result<std::optional<StoredManifest>> newest = store.Newest();
    const bool mine = newest.ok() && *newest && (*newest)->manifest.instance() == instance();
    return mine ? Status::Ok() : store.RemoveAll();
  }
  bool MayAdopt() const override { return false; }
  Status AdoptInstance(const std::string&) override { return Status::Ok(); }
  Result<AttemptId> Begin(const AttemptId& seen) override {
    const AttemptId mine = IdOf(order_.attempt());
    if (seen.number < mine.number) return mine;
    return Status(errors::kAttemptBehind,
                  fmt::format("attempt {} of job '{}' comes too late: its checkpoints are of {}",
                              mine.ToString(), plan_.name, seen.ToString()),
                  "where no such attempt runs, the manager's job store is older than the "
                  "checkpoints: restore its newest backup");
  }
  /// The manager has raised it for all of the attempt's workers.
  Status RaiseLane(const LaneId&) override { return Status::Ok(); }
  std::vector<uint32_t> HostOf(uint32_t width) const override {
    std::vector<uint32_t> host_of(order_.worker_of().begin(), order_.worker_of().end());
    host_of.resize(width, 0);
    return host_of;
  }
  bool IsHere(uint32_t host) const override {
    return order_.workers(static_cast<int>(host)).id() == services_.id;
  }
  std::unique_ptr<TaskHost> MakeHost(uint32_t host, CheckpointStore& store,
                                     HostListener& listener) override {
    if (IsHere(host)) {
      std::vector<std::string> addresses;
      for (const auto& worker : order_.workers()) addresses.push_back(worker.address());
      const auto slots = static_cast<uint32_t>(
          std::count(order_.worker_of().begin(), order_.worker_of().end(), host));
      return std::make_unique<HostPart>(services_, plan_, IdOf(order_.attempt()),
                                        std::move(addresses), slots, store, listener);
    }
    proto::Deploy offer;
    *offer.mutable_attempt() = order_.attempt();
    offer.set_text(order_.text());
    offer.set_parallelism(order_.parallelism());
    offer.set_plan_digest(DigestOf(plan_));
    *offer.mutable_workers() = order_.workers();
    for (uint32_t of : HostOf(WidthOf(plan_))) offer.add_worker_of(of);
    const proto::PlacedWorker& worker = order_.workers(static_cast<int>(host));
    return std::make_unique<RemoteHost>(RemoteHost::Peer{worker.id(), worker.address()},
                                        services_.transport, std::move(offer), listener,
                                        cancelled_);
  }

 private:
  const WorkerServices& services_;
  const proto::RunAttempt& order_;
  const JobPlan& plan_;
  const std::function<bool()> cancelled_;
};

LedAttempt::LedAttempt(const WorkerServices& services, proto::RunAttempt order,
                       std::function<void()> changed)
    : services_(services), order_(std::move(order)), changed_(std::move(changed)) {
  thread_ = std::thread([this] {
    const log::JobScope scope(job());
    Run();
  });
}

LedAttempt::~LedAttempt() {
  Cancel();
  thread_.join();
}

AttemptId LedAttempt::id() const { return IdOf(order_.attempt()); }

void LedAttempt::Stop() {
  stop_asked_ = true;
  std::lock_guard lock(mutex_);
  if (attempt_) attempt_->Stop();
}

void LedAttempt::EndInput() {
  input_cut_ = true;
  std::lock_guard lock(mutex_);
  if (attempt_) attempt_->EndInput();
}

void LedAttempt::TakeSavepoint(manager::SavepointId id) {
  std::lock_guard lock(mutex_);
  const bool under_way = savepoint_ != manager::SavepointId{} &&
                         (!savepoint_answer_ || savepoint_answer_->id != savepoint_);
  if (!attempt_ || under_way || id == savepoint_) return;
  savepoint_ = id;
  savepoints_before_ = attempt_->progress().savepoints_tried;
  attempt_->TakeSavepoint();
}

void LedAttempt::Cancel() {
  cancelled_ = true;
  std::lock_guard lock(mutex_);
  if (attempt_) attempt_->Cancel(Status(errors::kAttemptCancelled, "the attempt was cancelled"));
}

void LedAttempt::Forget() {
  forgotten_ = true;
  Cancel();
}

void LedAttempt::Run() {
  log::Info("attempt begins", {{"attempt", id().ToString()}});
  Status status = RunAttempt();
  proto::AttemptOutcome outcome = OutcomeOf(status);
  log::Info("attempt ends",
            {{"attempt", id().ToString()}, {"outcome", status.ok() ? "ok" : status.ToString()}});
  {
    std::lock_guard lock(mutex_);
    outcome_ = std::move(outcome);
  }
  over_ = true;
  changed_();
}

Status LedAttempt::RunAttempt() {
  services_.registry->Saw(job(), id());
  plan_ = WEIR_TRY(services_.plan(order_.text(), order_.parallelism()));
  if (plan_->name != job()) {
    return Status(errors::kOtherPlan,
                  fmt::format("the text of job '{}' names it '{}'", job(), plan_->name));
  }
  site_ = std::make_unique<Site>(services_, order_, *plan_, [this] { return cancelled_.load(); });
  AttemptOptions options;
  options.choices.rewind = order_.rewind();
  options.choices.take_over = order_.take_over();
  options.choices.drop_state.assign(order_.drop_state().begin(), order_.drop_state().end());
  options.choices.from = order_.from();
  {
    std::lock_guard lock(mutex_);
    attempt_ = std::make_unique<Attempt>(*plan_, options, *services_.clock, *site_);
    if (stop_asked_) attempt_->Stop();
    if (input_cut_) attempt_->EndInput();
    if (cancelled_) {
      attempt_->Cancel(Status(errors::kAttemptCancelled, "the attempt was cancelled"));
    }
  }
  changed_();
  Status status = attempt_->Run();
  std::unique_ptr<Attempt> ended;
  {
    std::lock_guard lock(mutex_);
    last_ = attempt_->progress();
    began_ = attempt_->began();
    apart_ = attempt_->apart();
    ended = std::move(attempt_);
  }
  return status;
}

proto::AttemptOutcome LedAttempt::OutcomeOf(Status status) const {
  using Kind = manager::AttemptOutcome::Kind;
  proto::AttemptOutcome outcome;
  outcome.set_began(began_);
  outcome.set_checkpoints_completed(last_.checkpoints_completed);
  if (status.ok() || status.Is(errors::kStoppedEarly)) {
    const bool stopped = !last_.ended;
    outcome.set_kind(static_cast<uint32_t>(stopped ? Kind::kStopped : Kind::kDone));
    if (stopped && status.ok()) outcome.set_savepoint(last_.checkpoint);
    return outcome;
  }
  outcome.set_kind(static_cast<uint32_t>(Kind::kFailed));
  if (apart_) {
    proto::UnreachablePair& pair = *outcome.add_unreachable();
    pair.set_from(order_.workers(static_cast<int>(apart_->first)).id());
    pair.set_to(order_.workers(static_cast<int>(apart_->second)).id());
    status = std::move(status).WithContext(
        fmt::format("between workers {} and {}", pair.from(), pair.to()));
  }
  *outcome.mutable_failure() = ToProto(status);
  return outcome;
}

proto::LedAttempt LedAttempt::Standing() const {
  std::lock_guard lock(mutex_);
  proto::LedAttempt standing;
  *standing.mutable_attempt() = order_.attempt();
  auto phase = manager::AttemptPhase::kRecovering;
  if (attempt_) {
    const std::string now = attempt_->progress().phase;
    if (now == "running") phase = manager::AttemptPhase::kRunning;
    if (now == "stopping") phase = manager::AttemptPhase::kStopping;
  }
  standing.set_phase(static_cast<uint32_t>(phase));
  if (outcome_) *standing.mutable_ended() = *outcome_;
  return standing;
}

void LedAttempt::Look(const std::function<void(const JobPlan&, const JobProgress&)>& look) const {
  std::lock_guard lock(mutex_);
  if (attempt_) look(*plan_, attempt_->progress());
}

std::optional<proto::Report> LedAttempt::Report() {
  std::lock_guard lock(mutex_);
  if (!attempt_) return std::nullopt;
  const JobProgress progress = attempt_->progress();
  if (progress.phase != "running" && progress.phase != "stopping") return std::nullopt;
  if (!meter_) meter_.emplace(*plan_);
  const JobRates& rates = meter_->Look(progress, services_.clock->Monotonic());
  manager::AttemptReport told = AttemptReportOf(*plan_, progress, rates);
  const bool answered = savepoint_answer_ && savepoint_answer_->id == savepoint_;
  if (!answered && progress.savepoints_tried > savepoints_before_) {
    const SavepointProgress& taken = progress.savepoint;
    savepoint_answer_ = {savepoint_, taken.number, taken.location, {}};
    if (!taken.status.ok()) savepoint_answer_->failure = manager::Failure::Of(taken.status);
  }
  told.savepoint = savepoint_answer_;
  proto::Report report = manager::MessageOf(told);
  *report.mutable_attempt() = order_.attempt();
  report.set_details(ProgressJson(*plan_, progress, rates));
  return report;
}

}  // namespace weir

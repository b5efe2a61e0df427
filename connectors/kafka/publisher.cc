#include "connectors/kafka/publisher.h"

#include <fmt/format.h>

#include "base/failpoint.h"
#include "connectors/errors.h"
#include "connectors/kafka/errors.h"
#include "connectors/kafka/refused.h"

namespace weir::kafka {
namespace {

constexpr int kModestTimeoutMillis = 60'000;

Status StoppedAt(std::string_view failpoint) {
  return Status(errors::kOutcomeUnknown, fmt::format("failpoint {}", failpoint));
}

}  // namespace

Publisher::Publisher(std::string instance, Transaction::Target target)
    : instance_(std::move(instance)), target_(std::move(target)) {}

Result<std::unique_ptr<Transaction>> Publisher::Connected() const {
  auto fresh = WEIR_TRY(Transaction::Make(target_));
  fresh->AwaitBroker();
  return fresh;
}

Status Publisher::Fence() {
  ready_.reset();
  next_.reset();
  last_.reset();
  fenced_ = false;
  auto fresh = WEIR_TRY(Connected());
  Status status = fresh->Init();
  if (status.Is(errors::kBrokerRefused) && target_.timeout_ms > kModestTimeoutMillis) {
    // The broker may allow less than what is usual, where its settings cannot be read.
    target_.timeout_ms = kModestTimeoutMillis;
    fresh = WEIR_TRY(Connected());
    status = fresh->Init();
  }
  if (!status.ok()) return status;
  ready_ = std::move(fresh);
  fenced_ = true;
  return Status::Ok();
}

Result<LaneMarker> Publisher::ReadMarker() {
  if (!reader_) {
    reader_ = WEIR_TRY(MarkerReader::Make(target_.connection, target_.lane, target_.topic));
  }
  auto marker = WEIR_TRY(reader_->Read(/*settled=*/fenced_));
  if (fenced_) last_ = marker;
  return marker;
}

Status Publisher::Ready() {
  if (!fenced_) {
    return Status(errors::kOutcomeUnknown,
                  fmt::format("lane '{}' is to be fenced before it is used", target_.lane));
  }
  if (ready_ && ready_->Outdated()) Retire();
  if (ready_) return Status::Ok();
  std::unique_ptr<Transaction> fresh = std::move(next_);
  if (!fresh) fresh = WEIR_TRY(Connected());
  // Only now: it aborts whatever is open, and what was open has ended.
  WEIR_TRY(fresh->Init());
  if (last_ && !WEIR_MUTANT("no_fencing")) {
    const std::optional<LaneMarker> left = last_;
    const LaneMarker found = WEIR_TRY(ReadMarker());
    if (found != *left) {
      fenced_ = false;
      return Status(
          errors::kFenced,
          fmt::format("another weir has taken over lane '{}': its marker was {} and is {}",
                      target_.lane, left->found ? left->epoch.value : 0,
                      found.found ? found.epoch.value : 0),
          "see that the job runs once; this one stops");
    }
  }
  ready_ = std::move(fresh);
  return Status::Ok();
}

Status Publisher::Settle(Status outcome, const Marker& marker) {
  if (!outcome.ok()) {
    ready_.reset();
    next_.reset();
    fenced_ = false;  // The caller fences and reads the marker before it goes on.
    return outcome;
  }
  last_ = LaneMarker{true, marker.epoch, marker.instance, marker.manifest_checksum};
  const bool lost = !ready_->Undisturbed() || WEIR_FAILPOINT("kafka.producer.lost");
  if (lost && !WEIR_MUTANT("producer_reused")) Retire();
  return outcome;
}

void Publisher::Retire() {
  retiring_ = std::jthread([used = std::move(ready_)]() mutable { used.reset(); });
}

Status Publisher::WriteMarker(Epoch epoch, const std::string& manifest_checksum) {
  const Marker marker{instance_, epoch, manifest_checksum};
  WEIR_TRY(Ready());
  Status outcome = ready_->Begin();
  if (outcome.ok()) outcome = ready_->Mark(marker);
  if (outcome.ok()) outcome = ready_->Commit();
  return Settle(std::move(outcome), marker);
}

Status Publisher::Publish(const std::vector<SealedEpoch>& epochs,
                          const std::string& manifest_checksum, bool) {
  if (WEIR_FAILPOINT("kafka.publish.received")) return StoppedAt("kafka.publish.received");
  bool empty = true;
  for (const SealedEpoch& epoch : epochs) {
    for (const SealedPart& part : epoch.parts) empty = empty && part.empty();
  }
  if (empty) return Status::Ok();
  const Marker marker{instance_, epochs.back().epoch, manifest_checksum};
  if (Status status = Ready(); !status.ok()) return Settle(std::move(status), marker);
  return Settle(PublishOn(*ready_, epochs, marker), marker);
}

Status Publisher::PublishOn(Transaction& transaction, const std::vector<SealedEpoch>& epochs,
                            const Marker& marker) {
  WEIR_TRY(transaction.Begin());
  if (WEIR_FAILPOINT("kafka.publish.begun")) return StoppedAt("kafka.publish.begun");
  for (const SealedEpoch& epoch : epochs) {
    for (const SealedPart& part : epoch.parts) WEIR_TRY(transaction.Produce(part));
  }
  WEIR_TRY(transaction.Flush());
  if (WEIR_FAILPOINT("kafka.publish.produced")) return StoppedAt("kafka.publish.produced");
  const bool outside = WEIR_MUTANT("marker_outside_transaction");
  if (!outside) WEIR_TRY(transaction.Mark(marker));
  if (WEIR_FAILPOINT("kafka.publish.marked")) return StoppedAt("kafka.publish.marked");
  WEIR_TRY(transaction.Commit());
  if (outside) {
    // A moment in which the rows are there and the marker is not.
    if (WEIR_FAILPOINT("kafka.publish.between")) return StoppedAt("kafka.publish.between");
    WEIR_TRY(transaction.Begin());
    WEIR_TRY(transaction.Mark(marker));
    WEIR_TRY(transaction.Commit());
  }
  if (WEIR_FAILPOINT("kafka.publish.committed")) return StoppedAt("kafka.publish.committed");
  return Status::Ok();
}

Result<std::vector<RejectedRecord>> Publisher::TakeRefused(std::vector<SealedEpoch>& epochs) {
  const auto offer = [this](const std::string& sealed) -> Status {
    WEIR_TRY(Ready());
    // Never committed: the next one that takes the lane aborts it.
    const std::unique_ptr<Transaction> trial = std::move(ready_);
    WEIR_TRY(trial->Begin());
    WEIR_TRY(trial->Produce(SealedPart{sealed, 0, nullptr}));
    return trial->Flush();
  };
  auto refused =
      WEIR_TRY(kafka::TakeRefused(epochs, target_.topic, target_.max_message_bytes, offer));
  WEIR_TRY(Fence());  // Aborts the last trial.
  (void)WEIR_TRY(ReadMarker());
  return refused;
}

void Publisher::Prepare() {
  if (!fenced_ || ready_ || next_) return;
  if (auto made = Transaction::Make(target_); made.ok()) next_ = std::move(made).value();
}

}  // namespace weir::kafka

#include "connectors/opensearch/publisher.h"

#include <algorithm>
#include <memory>
#include <thread>

#include <fmt/format.h>

#include "base/failpoint.h"
#include "base/log.h"
#include "clients/retry.h"
#include "connectors/opensearch/errors.h"

namespace weir::opensearch {
namespace {

/// A request is sent when it has so much; one change may be larger.
constexpr size_t kRequestBytes = 4 << 20;
constexpr size_t kRequestItems = 5'000;
constexpr size_t kRequestsAtOnce = 2;
/// Where nothing is taken for so long the lane waits, and says why.
constexpr RetryPolicy kRetry{Duration::Millis(100), Duration::Seconds(1), Duration::Seconds(3),
                             100};

Status StoppedAt(std::string_view failpoint) {
  return Status(errors::kSearchBusy, fmt::format("failpoint {}", failpoint));
}

}  // namespace

Status NewestChanges::Read(const std::vector<SealedEpoch>& epochs) {
  uint64_t ordinal = 0;
  for (const SealedEpoch& epoch : epochs) {
    for (const SealedPart& part : epoch.parts) {
      ChangeReader reader(part);
      Change change;
      while (reader.Next(change)) {
        const auto it = newest_.find(change.id);
        if (it == newest_.end()) {
          newest_.emplace(change.id, ordinal++);
        } else {
          it->second = ordinal++;
        }
      }
      WEIR_TRY(Status(reader.status()));
    }
  }
  return Status::Ok();
}

bool NewestChanges::Counts(std::string_view id, uint64_t ordinal) const {
  const auto it = newest_.find(id);
  return it != newest_.end() && it->second == ordinal;
}

/// Gives the requests that epochs become, one after the other. Thread safe.
class Publisher::Requests {
 public:
  Requests(const std::vector<SealedEpoch>& epochs, const NewestChanges& newest,
           EventTime job_started)
      : epochs_(epochs), newest_(newest), job_started_(job_started) {}

  /// An empty one at the end, and once one has failed.
  Result<BulkRequest> Next() {
    const std::lock_guard lock(mutex_);
    BulkRequest request;
    while (!failed_ && epoch_ < epochs_.size()) {
      const SealedEpoch& epoch = epochs_[epoch_];
      if (part_ >= epoch.parts.size()) {
        epoch_++;
        part_ = 0;
        continue;
      }
      if (!reader_) reader_ = std::make_unique<ChangeReader>(epoch.parts[part_]);
      Change change;
      while (reader_->Next(change)) {
        if (!newest_.Counts(change.id, ordinal_++)) continue;
        AppendItem(request, change, VersionOf(epoch.epoch));
        if (request.body.size() >= kRequestBytes || request.items.size() >= kRequestItems) {
          return request;
        }
      }
      WEIR_TRY(Status(reader_->status()));
      reader_.reset();
      part_++;
    }
    return request;
  }
  void Fail() {
    const std::lock_guard lock(mutex_);
    failed_ = true;
  }

 private:
  int64_t VersionOf(Epoch epoch) const {
    return job_started_.us / 1000 + static_cast<int64_t>(epoch.value);
  }

  const std::vector<SealedEpoch>& epochs_;
  const NewestChanges& newest_;
  const EventTime job_started_;
  std::mutex mutex_;
  size_t epoch_ = 0;
  size_t part_ = 0;
  std::unique_ptr<ChangeReader> reader_;
  uint64_t ordinal_ = 0;
  bool failed_ = false;
};

Publisher::Publisher(ConnectionPtr connection, std::string index, EventTime job_started)
    : connection_(std::move(connection)), index_(std::move(index)), job_started_(job_started) {}

Status Publisher::Publish(const std::vector<SealedEpoch>& epochs, const std::string&, bool) {
  if (WEIR_FAILPOINT("opensearch.publish.received"))
    return StoppedAt("opensearch.publish.received");
  rejected_.clear();
  NewestChanges newest;
  WEIR_TRY(newest.Read(epochs));
  Requests requests(epochs, newest, job_started_);
  const auto work = [&]() -> Status {
    while (true) {
      auto request = WEIR_TRY(requests.Next());
      if (request.items.empty()) return Status::Ok();
      WEIR_TRY(Deliver(std::move(request)));
      if (WEIR_FAILPOINT("opensearch.publish.some")) return StoppedAt("opensearch.publish.some");
    }
  };
  std::vector<Status> outcomes(kRequestsAtOnce);
  const auto run = [&](Status& outcome) {
    outcome = work();
    if (!outcome.ok()) requests.Fail();
  };
  {
    std::vector<std::thread> others;
    for (size_t i = 1; i < kRequestsAtOnce; i++) {
      others.push_back(log::StartThread([&run, &outcome = outcomes[i]] { run(outcome); }));
    }
    run(outcomes[0]);
    for (std::thread& other : others) other.join();
  }
  // What no repeating mends is told before what may pass.
  std::stable_partition(outcomes.begin(), outcomes.end(), [](const Status& outcome) {
    return !outcome.ok() && outcome.kind() != ErrorKind::kRetry;
  });
  for (Status& outcome : outcomes) {
    if (!outcome.ok()) return Soften(std::move(outcome));
  }
  if (WEIR_FAILPOINT("opensearch.publish.done")) return StoppedAt("opensearch.publish.done");
  return Status::Ok();
}

std::vector<RejectedRecord> Publisher::TakeRejected() {
  std::vector<RejectedRecord> taken;
  for (auto& [id, record] : rejected_) taken.push_back(std::move(record));
  rejected_.clear();
  return taken;
}

Status Publisher::Deliver(BulkRequest request) {
  RetryPauses pauses;
  Duration since = SystemClock().Monotonic();
  for (int tried = 1;; tried++) {
    const size_t before = request.items.size();
    Status status = Offer(request);
    if (request.items.empty()) return Status::Ok();
    if (status.kind() != ErrorKind::kRetry || status.Is(errors::kIndexBlocked)) return status;
    const Duration now = SystemClock().Monotonic();
    if (request.items.size() < before) {
      since = now;
      tried = 1;
    }
    if (pauses.Wait(kRetry, tried, Duration{now.us - since.us}) != AfterTry::kAgain) return status;
  }
}

Status Publisher::Offer(BulkRequest& request) {
  const std::string what =
      fmt::format("writing to index '{}' at {}", index_, connection_->address());
  Connection::Call call;
  call.method = "POST";
  call.path = fmt::format("/{}/_bulk", index_);
  call.query = {{"filter_path", "items.*.status,items.*.error"}};
  call.body = request.body;
  call.content_type = "application/x-ndjson";
  const HttpResponse answer = WEIR_TRY(connection_->Send(call));
  if (answer.status == 413) {
    if (request.items.size() == 1) {
      Refuse(request, request.items[0],
             fmt::format("the document has {} bytes: the server takes no request of that size",
                         request.body.size()));
    } else {
      WEIR_TRY(Halve(request));
    }
    request = {};
    return Status::Ok();
  }
  WEIR_TRY(JudgeAnswer(answer, what));
  const std::vector<ItemVerdict> verdicts = WEIR_TRY(JudgeItems(answer.body, request));

  using Outcome = ItemVerdict::Outcome;
  BulkRequest rest;
  Status worst;
  for (size_t i = 0; i < verdicts.size(); i++) {
    const std::string reason = fmt::format("{}: {}", what, verdicts[i].reason);
    switch (verdicts[i].outcome) {
      case Outcome::kDone:
        written_ = true;
        continue;
      case Outcome::kRefused:
        Refuse(request, request.items[i], verdicts[i].reason);
        continue;
      case Outcome::kDenied:
        return Status(errors::kSearchForbidden, reason,
                      "the rights that weir needs are in docs/opensearch.md");
      case Outcome::kBlocked:
        worst = Status(errors::kIndexBlocked, reason,
                       "free space on the server's disks, open the index, or take its block off");
        break;
      case Outcome::kAgain:
        if (worst.ok()) {
          worst = Status(errors::kSearchBusy, reason,
                         "nothing needs to be done where it passes by itself");
        }
        break;
    }
    AppendItem(rest, request, request.items[i]);
  }
  request = std::move(rest);
  return worst;
}

Status Publisher::Halve(const BulkRequest& request) {
  const size_t middle = request.items.size() / 2;
  BulkRequest halves[2];
  for (size_t i = 0; i < request.items.size(); i++) {
    AppendItem(halves[i < middle ? 0 : 1], request, request.items[i]);
  }
  WEIR_TRY(Deliver(std::move(halves[0])));
  return Deliver(std::move(halves[1]));
}

void Publisher::Refuse(const BulkRequest& request, const BulkRequest::Item& item,
                       std::string reason) {
  RejectedRecord record;
  record.code = &errors::kDocumentRefused;
  record.reason = std::move(reason);
  record.topic = index_;
  record.key = item.id;
  record.value = DocumentOf(request, item);
  const std::lock_guard lock(mutex_);
  rejected_[item.id] = std::move(record);
}

Status Publisher::Soften(Status status) const {
  const bool worked_before = (status.Is(errors::kSearchLogin) && connection_->let_in()) ||
                             (status.Is(errors::kSearchForbidden) && written_);
  if (!worked_before) return status;
  return Status(errors::kSearchBusy, status.message(),
                "it has let weir in before, so this waits; " + status.cure());
}

}  // namespace weir::opensearch

#include "engine/lane.h"

#include <algorithm>
#include <chrono>

#include <fmt/format.h>

#include "base/log.h"
#include "connectors/errors.h"
#include "engine/errors.h"

namespace weir {
namespace {

constexpr Duration kFirstWait = Duration::Millis(50);
constexpr Duration kLongestWait = Duration::Seconds(5);
constexpr Duration kRenewAfter = Duration::Days(1);
constexpr Duration kRenewAgain = Duration::Minutes(60);  // Where it failed.
constexpr int kMostTakenBack = 3;

int64_t BytesOf(const SealedEpoch& sealed) {
  int64_t bytes = 0;
  for (const SealedPart& part : sealed.parts) bytes += static_cast<int64_t>(part.size());
  return bytes;
}

}  // namespace

std::vector<SealedEpoch> NotYetPublished(std::vector<SealedEpoch> sealed,
                                         const LaneMarker& marker) {
  if (marker.found) {
    std::erase_if(sealed, [&](const SealedEpoch& epoch) { return epoch.epoch <= marker.epoch; });
  }
  return sealed;
}

Lane::Lane(LaneId id, std::string instance, bool has_markers,
           std::unique_ptr<SinkPublisher> publisher, CheckpointStore& store,
           std::atomic<int64_t>& unpublished_bytes, Listener listener)
    : id_(std::move(id)),
      instance_(std::move(instance)),
      has_markers_(has_markers),
      publisher_(std::move(publisher)),
      store_(store),
      unpublished_bytes_(unpublished_bytes),
      listener_(std::move(listener)) {}

Lane::~Lane() { Stop(); }

void Lane::GoOnFrom(LaneMarker standing) {
  standing_ = std::move(standing);
  settled_ = false;
}

void Lane::Start() {
  thread_ = log::StartThread([this] { Run(); });
}

void Lane::Stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Lane::Enqueue(SealedEpoch sealed, std::string manifest_checksum) {
  unpublished_bytes_ += BytesOf(sealed);
  {
    std::lock_guard lock(mutex_);
    queue_.push_back({std::move(sealed), std::move(manifest_checksum)});
  }
  wake_.notify_all();
}

Status Lane::Overtaken() const {
  WEIR_TRY(listener_.stands());
  return Status(
      errors::kOvertaken,
      fmt::format("sink '{}', lane {}: an earlier run of this job, which was held up, has "
                  "published under this name meanwhile",
                  id_.sink, id_.number),
      "nothing needs to be done: the job starts anew from its last checkpoint, and goes "
      "on from what was published");
}

Result<LaneMarker> Lane::Settle(const LaneMarker& aim) {
  WEIR_TRY(listener_.stands());
  LaneMarker marker = standing_;
  if (!settled_) {
    WEIR_TRY(publisher_->Fence());
    if (has_markers_) marker = WEIR_TRY(publisher_->ReadMarker());
    if (marker != standing_ && marker != aim) return Overtaken();
    settled_ = true;
    standing_ = marker;
  }
  return marker;
}

Status Lane::Open(const LaneMarker& marker) {
  WEIR_TRY(Settle(marker));
  settled_ = false;
  WEIR_TRY(publisher_->WriteMarker(marker.epoch, marker.manifest_checksum));
  settled_ = true;
  standing_ = marker;
  return Status::Ok();
}

Status Lane::PublishNow(std::vector<SealedEpoch> sealed, const std::string& checksum, bool orphaned,
                        const std::function<bool()>& go_on) {
  Duration wait = kFirstWait;
  int fenced = 0;
  bool told = false;
  while (!sealed.empty()) {
    const LaneMarker aim{true, sealed.back().epoch, instance_, checksum};
    const Result<LaneMarker> marker = Settle(aim);
    Status status = marker.ok() ? Status::Ok() : marker.status();
    if (status.ok() && has_markers_) {
      sealed = NotYetPublished(std::move(sealed), *marker);
      if (sealed.empty()) break;
    }
    if (status.ok() && !has_markers_) {
      status = store_.WritePublishing(id_.ToString(), sealed.back().epoch);
    }
    if (status.ok()) {
      settled_ = false;
      status = publisher_->Publish(sealed, checksum, orphaned);
      if (status.ok()) {
        settled_ = true;
        standing_ = publisher_->Standing();
        status = DealWithRefused(sealed.back().epoch);
        if (status.ok()) break;
      }
    }
    const bool again = (status.kind() == ErrorKind::kRetry && !status.Is(errors::kOvertaken)) ||
                       (status.Is(errors::kFenced) && ++fenced <= kMostTakenBack);
    if (!again) return status;
    if (!told) {
      log::Warn("publishing waits", {{"sink", id_.sink},
                                     {"lane", id_.number},
                                     {"epoch", sealed.back().epoch.value},
                                     {"reason", status.ToString()}});
      told = true;
    }
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, wait.ToChrono(), [this] { return stopping_; });
    lock.unlock();
    if (!go_on()) return status;
    wait = std::min(Duration{wait.us * 2}, kLongestWait);
  }
  if (told) log::Info("publishing goes on", {{"sink", id_.sink}, {"lane", id_.number}});
  return Status::Ok();
}

Status Lane::DealWithRefused(Epoch epoch) {
  const std::vector<RejectedRecord> refused = publisher_->TakeRejected();
  if (refused.empty()) return Status::Ok();
  set_aside_ = WEIR_TRY(listener_.refused(id_, epoch, refused));
  if (!refused_.OnFailure(SystemClock().Monotonic())) return Status::Ok();
  log::Warn("records were refused and are set aside", {{"sink", id_.sink},
                                                       {"lane", id_.number},
                                                       {"records", refused.size()},
                                                       {"code", refused.front().code->id},
                                                       {"reason", refused.front().reason}});
  return Status::Ok();
}

Status Lane::Renew() {
  if (!has_markers_) return Status::Ok();
  // Read before it is written, fenced or not: a process that slept through a take-over must not
  // take back.
  Result<LaneMarker> marker = Settle(standing_);
  if (marker.ok()) marker = publisher_->ReadMarker();
  Status status = marker.ok() ? Status::Ok() : std::move(marker).status();
  if (status.ok() && *marker != standing_) return Overtaken();
  if (status.ok()) status = Open(standing_);
  return status;
}

void Lane::Run() {
  const auto go_on = [this] {
    std::lock_guard lock(mutex_);
    return !stopping_;
  };
  Duration renew = kRenewAfter;
  // A lane that was recovered elsewhere is taken before anything waits for it; if that fails now,
  // the first epoch asks again.
  if (!settled_) (void)Settle(standing_);
  while (true) {
    std::vector<SealedEpoch> sealed;
    std::string checksum;
    int64_t bytes = 0;
    {
      std::unique_lock lock(mutex_);
      wake_.wait_for(lock, renew.ToChrono(), [this] { return stopping_ || !queue_.empty(); });
      if (stopping_) return;
      if (queue_.empty()) {
        lock.unlock();
        Status renewed = Renew();
        renew = renewed.ok() ? kRenewAfter : kRenewAgain;
        if (renewed.ok()) continue;
        if (renewed.kind() == ErrorKind::kRetry && !renewed.Is(errors::kOvertaken)) {
          log::Warn("a marker could not be renewed; tried again in an hour",
                    {{"sink", id_.sink}, {"lane", id_.number}, {"reason", renewed.ToString()}});
          continue;
        }
        listener_.failed(id_, std::move(renewed));
        return;
      }
      for (Item& item : queue_) {
        bytes += BytesOf(item.sealed);
        checksum = std::move(item.checksum);
        sealed.push_back(std::move(item.sealed));
      }
      queue_.clear();
    }
    const Epoch newest = sealed.back().epoch;
    Status status = PublishNow(std::move(sealed), checksum, /*orphaned=*/false, go_on);
    if (!status.ok()) {
      if (go_on()) listener_.failed(id_, std::move(status));
      return;
    }
    unpublished_bytes_ -= bytes;
    renew = kRenewAfter;
    listener_.published(id_, newest, TakeSetAside());
    publisher_->Prepare();
  }
}

}  // namespace weir

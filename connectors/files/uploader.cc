#include "connectors/files/uploader.h"

#include <algorithm>

#include "base/failpoint.h"
#include "base/log.h"
#include "clients/errors.h"
#include "connectors/errors.h"

namespace weir {
namespace {

constexpr size_t kThreads = 4;
/// Parts that may wait, those that are being sent among them.
constexpr size_t kMostWaiting = 6;
constexpr Duration kPatience = Duration::Seconds(10);
constexpr Duration kLongestRequest = Duration::Seconds(30);
constexpr Duration kPause = Duration::Seconds(1);

}  // namespace

Uploader::~Uploader() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  work_.notify_all();
  room_.notify_all();
  client_.Cancel();
  for (std::thread& thread : threads_) thread.join();
}

Result<bool> Uploader::HasRoom(bool wait) {
  std::unique_lock lock(mutex_);
  const auto room = [this] { return waiting_ < kMostWaiting; };
  if (room() || !wait) return room();
  if (room_.wait_for(lock, kPatience.ToChrono(), room)) return true;
  if (!trouble_.ok()) return trouble_;
  return Status(errors::kServiceBusy, "the bucket takes parts of files too slowly",
                "see the way to the service");
}

Status Uploader::Send(const std::shared_ptr<UploadedFile>& file, std::string part) {
  {
    const std::lock_guard lock(mutex_);
    if (!file->failure.ok()) return file->failure;
    file->waiting.push_back(std::make_shared<const std::string>(std::move(part)));
    waiting_++;
    if (file->waiting.size() == 1) files_.push_back(file);
    if (threads_.size() < std::min(kThreads, waiting_)) threads_.emplace_back([this] { Run(); });
  }
  work_.notify_one();
  return Status::Ok();
}

Result<Uploader::Standing> Uploader::Look(const UploadedFile& file) const {
  const std::lock_guard lock(mutex_);
  if (!file.failure.ok()) return file.failure;
  return Standing{file.upload, file.parts, {file.waiting.begin(), file.waiting.end()}};
}

Status Uploader::Stop(const std::shared_ptr<UploadedFile>& file) {
  std::unique_lock lock(mutex_);
  if (std::erase(files_, file) > 0) waiting_ -= file->waiting.size();
  file->stopped = true;
  if (room_.wait_for(lock, kLongestRequest.ToChrono(), [&] { return !file->busy; })) {
    return Status::Ok();
  }
  return Status(errors::kServiceBusy,
                "a part of '" + client_.NameOf(file->key) + "' is still under way",
                "see the way to the service");
}

std::shared_ptr<UploadedFile> Uploader::Next() {
  const auto next =
      std::find_if(files_.begin(), files_.end(), [](const auto& file) { return !file->busy; });
  return next == files_.end() ? nullptr : *next;
}

void Uploader::Run() {
  std::unique_lock lock(mutex_);
  while (true) {
    std::shared_ptr<UploadedFile> file;
    work_.wait(lock, [&] { return ending_ || (file = Next()) != nullptr; });
    if (ending_) return;
    file->busy = true;
    const Status sent = SendNext(*file, lock);
    file->busy = false;
    if (ending_) return;
    if (sent.ok()) {
      failures_.OnSuccess();
    } else if (sent.kind() == ErrorKind::kRetry) {
      trouble_ = sent;
      if (const auto failures = failures_.OnFailure(SystemClock().Monotonic())) {
        log::Warn("parts of files wait for their bucket",
                  {{"failures", *failures}, {"reason", sent.ToString()}});
      }
      room_.notify_all();
      work_.wait_for(lock, kPause.ToChrono(), [this] { return ending_; });
    } else {
      file->failure = sent;
      if (!file->stopped) waiting_ -= file->waiting.size();
      file->waiting.clear();
    }
    if (file->waiting.empty()) std::erase(files_, file);
    room_.notify_all();
    work_.notify_one();
  }
}

/// Sends the first of a file's parts that wait, without the lock.
Status Uploader::SendNext(UploadedFile& file, std::unique_lock<std::mutex>& lock) {
  const std::shared_ptr<const std::string> part = file.waiting.front();
  const auto number = static_cast<uint32_t>(file.parts.size() + 1);
  std::string upload = file.upload;
  lock.unlock();
  std::optional<S3Part> sent;
  const auto send = [&]() -> Status {
    if (upload.empty()) upload = WEIR_TRY(client_.BeginUpload(file.key));
    (void)WEIR_FAILPOINT("files.upload.begun");
    sent = WEIR_TRY(client_.PutPart(file.key, upload, number, *part));
    if (sent) return Status::Ok();
    return Status(errors::kSealedFileGone,
                  "the upload of '" + client_.NameOf(file.key) + "' was ended by somebody else",
                  "see that no lifecycle rule ends uploads that are younger than a day; the job "
                  "goes on from its last checkpoint");
  };
  const Status status = send();
  (void)WEIR_FAILPOINT("files.upload.part");
  lock.lock();
  file.upload = upload;
  if (!status.ok()) return status;
  file.parts.push_back(sent->tag);
  file.waiting.pop_front();
  if (!file.stopped) waiting_--;
  return status;
}

}  // namespace weir

#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/failure_log.h"
#include "clients/s3.h"

namespace weir {

/// A file on its way into a bucket, part by part. Its Uploader's lock guards all of it.
struct UploadedFile {
  explicit UploadedFile(std::string key_in) : key(std::move(key_in)) {}

  const std::string key;
  std::string upload;                                      ///< Empty: not begun.
  std::vector<std::string> parts;                          ///< ETags of those that are there.
  std::deque<std::shared_ptr<const std::string>> waiting;  ///< Parts that are not, in order.
  bool busy = false;                                       ///< A thread sends of it.
  bool stopped = false;                                    ///< Nothing more is to be sent.
  Status failure;                                          ///< Why no more will be sent.
};

/// Sends parts of files while their writer goes on: several files at once, the parts of one in
/// order. What may pass is tried again until it does. Thread safe; made by and for one writer.
class Uploader {
 public:
  /// `client` outlives it, and is of no use afterwards: its calls are cancelled.
  explicit Uploader(S3Client& client) : client_(client) {}
  ~Uploader();
  Uploader(const Uploader&) = delete;
  Uploader& operator=(const Uploader&) = delete;

  /// Whether another part may wait. `wait`: up to ten seconds for that; then what stands in the
  /// way, an error of kind kRetry.
  Result<bool> HasRoom(bool wait);
  /// Begins to send a part: the file's next. Errors: what ended the sending of this file.
  Status Send(const std::shared_ptr<UploadedFile>& file, std::string part);
  /// What of a file is there, and what is still to be sent.
  struct Standing {
    std::string upload;
    std::vector<std::string> parts;
    std::vector<std::shared_ptr<const std::string>> waiting;
  };
  Result<Standing> Look(const UploadedFile& file) const;
  /// Sends no more of a file: what waits stays with it. Waits for what is under way, as long as a
  /// request takes; an error of kind kRetry where that is too long.
  Status Stop(const std::shared_ptr<UploadedFile>& file);

 private:
  void Run();
  std::shared_ptr<UploadedFile> Next();
  Status SendNext(UploadedFile& file, std::unique_lock<std::mutex>& lock);

  S3Client& client_;
  mutable std::mutex mutex_;
  std::condition_variable work_;
  std::condition_variable room_;                     ///< A part is sent, or a try has failed.
  std::deque<std::shared_ptr<UploadedFile>> files_;  ///< With parts that wait.
  size_t waiting_ = 0;                               ///< Parts of all files.
  Status trouble_;                                   ///< Of the newest try that failed.
  FailureLog failures_{Duration::Seconds(10)};
  bool ending_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace weir

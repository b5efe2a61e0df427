#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "base/failure_log.h"
#include "base/status.h"
#include "base/time.h"

namespace weir {

/// A change that somebody asked for, or that weir made by itself, and what became of it.
struct AuditEntry {
  std::string who;     ///< The token's name; `loopback`; `weir` itself.
  std::string from;    ///< His address; empty where it is weir itself.
  std::string what;    ///< `rescale`
  std::string job;     ///< Of which job, or
  std::string worker;  ///< of which worker.
  std::string detail;
  std::string result;  ///< `accepted`, or the error's code.
};

/// One line of JSON for each change, appended to a file that only its owner can read. When the file
/// is full it becomes `<path>.1`, that one `.2`, up to `.9`. Thread safe.
class AuditLog {
 public:
  static constexpr uint64_t kFileBytes = 16 << 20;

  /// A last line that a crash cut off is ended first.
  static Result<std::unique_ptr<AuditLog>> Open(std::string path, const Clock& clock,
                                                uint64_t file_bytes = kFileBytes);
  /// Writes what is left.
  ~AuditLog();

  /// Never waits: another thread writes and syncs.
  void Write(AuditEntry entry);
  /// A request that was refused for its token: strangers can make many, so a line in a second at
  /// most, which says for how many it stands.
  void Refused(AuditEntry entry);
  /// Waits until what was written before is durable, or could not be: that is told in the log.
  void Flush();

 private:
  AuditLog(std::string path, const Clock& clock, uint64_t file_bytes);
  Status Reopen();
  Status Rotate();
  Status Append(const std::string& lines);
  void Run();

  const std::string path_;
  const Clock& clock_;
  const uint64_t file_bytes_;
  int fd_ = -1;        // Of the thread, once it runs.
  uint64_t size_ = 0;  // As fd_.

  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable written_;
  std::deque<std::string> lines_;
  uint64_t asked_ = 0;
  uint64_t done_ = 0;
  bool ending_ = false;
  FailureLog refused_{Duration::Seconds(1)};
  std::thread thread_;
};

}  // namespace weir

#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "base/status.h"
#include "state/directory_lock.h"

namespace weir {

/// What must outlive every checkpoint of a job (rules 14, 15, 31).
struct JobFacts {
  std::string job;
  std::string instance;                          ///< Random, from the first start.
  uint64_t attempt = 0;                          ///< Newest attempt that may have begun.
  std::map<std::string, uint32_t> highest_lane;  ///< Per sink: highest lane ever opened.
};

/// The facts of one job in `<directory>/job`, and the lock that keeps a second process out of the
/// directory. Each change replaces the file atomically and is durable when the method returns.
/// The file: "WEIRJS01", length of the body as 8 bytes little-endian, the body (lines
/// `name value`), SHA-256 of all before. One thread.
class JobStore {
 public:
  /// Takes the lock (kStateLocked where another process has it; it names its pid), then reads the
  /// facts or, at the first start, makes them with a new instance id. A directory that holds
  /// another job's facts is refused.
  static Result<std::unique_ptr<JobStore>> Open(const std::string& directory,
                                                const std::string& job);
  ~JobStore();
  JobStore(const JobStore&) = delete;
  JobStore& operator=(const JobStore&) = delete;

  const JobFacts& facts() const { return facts_; }
  /// Counts the attempt up; call before anything of it begins. The new attempt's number.
  Result<uint64_t> BeginAttempt();
  /// Raises the attempt to at least `seen`, as read from a manifest.
  Status RaiseAttempt(uint64_t seen);
  /// Raises the highest lane of a sink; call before the lane is used. Never lowers.
  Status RaiseLane(const std::string& sink, uint32_t lane);
  /// `--fresh`: a new instance id, and lanes forgotten; the attempt goes on counting.
  Status BeginInstance();
  /// The facts were lost and the job's checkpoints were not: goes on as the instance they name.
  Status AdoptInstance(const std::string& instance);
  const std::string& directory() const { return directory_; }

 private:
  JobStore(std::string directory, std::unique_ptr<DirectoryLock> lock)
      : directory_(std::move(directory)), lock_(std::move(lock)) {}
  Status Save(const JobFacts& facts);
  const std::string directory_;
  const std::unique_ptr<DirectoryLock> lock_;
  JobFacts facts_;
};

}  // namespace weir

#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <string>

namespace weir {

/// Lines of this process's log that are about jobs, on their way to the manager. Bounded: of each
/// job the newest are kept. Thread safe.
class JobLines {
 public:
  struct Gathered {
    std::deque<std::string> lines;
    uint64_t left_out = 0;  ///< Older ones that were given up.
  };
  static constexpr size_t kMostLines = 200;
  static constexpr size_t kMostBytes = 4096;  ///< Of a line; what is longer is cut.

  void Add(const std::string& job, std::string line);
  /// All since the last call, by job.
  std::map<std::string, Gathered> Take();

 private:
  std::mutex mutex_;
  std::map<std::string, Gathered> gathered_;
};

}  // namespace weir

#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace weir {

/// A few threads that do what must not hold tasks up: writing snapshots. Jobs run in the order they
/// were given as threads come free.
class Background {
 public:
  explicit Background(size_t threads);
  /// Finishes what was given.
  ~Background();
  void Run(std::function<void()> job);

 private:
  void Work();
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> jobs_;
  bool ending_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace weir

#pragma once

#include <cstdint>
#include <functional>
#include <queue>
#include <string>
#include <utility>
#include <vector>

namespace weir::simulation {

/// One stream of random numbers from a seed (splitmix64), the same on every machine.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed * 0x9E3779B97F4A7C15 + 1) {}
  uint64_t Next() {
    uint64_t z = (state_ += 0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return z ^ (z >> 31);
  }
  uint64_t Below(uint64_t n) { return Next() % n; }
  int64_t Between(int64_t from, int64_t to) {
    return from + static_cast<int64_t>(Below(static_cast<uint64_t>(to - from + 1)));
  }
  bool Chance(double share) { return static_cast<double>(Next() >> 11) * 0x1.0p-53 < share; }

 private:
  uint64_t state_;
};

/// The simulated clock, and what is to happen when. What is due at the same time happens in the
/// order it was asked for.
class Scheduler {
 public:
  int64_t now_us() const { return now_us_; }
  void After(int64_t delay_us, std::function<void()> what) {
    queue_.push({now_us_ + delay_us, ++asked_, std::move(what)});
  }
  void RunUntil(int64_t end_us, const bool& stop) {
    while (!stop && !queue_.empty() && queue_.top().at_us <= end_us) {
      // The queue gives its top as const only; it is popped at once.
      Event event = std::move(const_cast<Event&>(queue_.top()));
      queue_.pop();
      now_us_ = event.at_us;
      event.what();
    }
    if (!stop) now_us_ = end_us;
  }

 private:
  struct Event {
    int64_t at_us;
    uint64_t order;
    std::function<void()> what;
    bool operator<(const Event& other) const {
      return at_us != other.at_us ? at_us > other.at_us : order > other.order;
    }
  };
  int64_t now_us_ = 0;
  uint64_t asked_ = 0;
  std::priority_queue<Event> queue_;
};

inline constexpr int64_t kMs = 1000;
inline constexpr int64_t kSecond = 1000 * kMs;

}  // namespace weir::simulation

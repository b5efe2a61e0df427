#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <limits>

namespace weir {

/// A span of time in microseconds, as jobs write it (`10s`, `250ms`). May be negative.
struct Duration {
  int64_t us = 0;

  static constexpr Duration Micros(int64_t n) { return {n}; }
  static constexpr Duration Millis(int64_t n) { return {n * 1000}; }
  static constexpr Duration Seconds(int64_t n) { return {n * 1000000}; }
  static constexpr Duration Minutes(int64_t n) { return Seconds(n * 60); }
  static constexpr Duration Hours(int64_t n) { return Seconds(n * 3600); }
  static constexpr Duration Days(int64_t n) { return Seconds(n * 86400); }
  static constexpr Duration Max() { return {std::numeric_limits<int64_t>::max()}; }
  constexpr auto operator<=>(const Duration&) const = default;
  constexpr std::chrono::microseconds ToChrono() const { return std::chrono::microseconds(us); }
};

/// A point in event time (or the wall clock): microseconds since 1970-01-01T00:00:00Z.
struct EventTime {
  int64_t us = 0;

  /// Before every row: the watermark that promises nothing.
  static constexpr EventTime Min() { return {std::numeric_limits<int64_t>::min()}; }
  /// After every row: the watermark of an input that has ended.
  static constexpr EventTime Max() { return {std::numeric_limits<int64_t>::max()}; }
  constexpr auto operator<=>(const EventTime&) const = default;
  /// Saturates at Min and Max, so that "no watermark" and "ended" stay what they are.
  constexpr EventTime operator+(Duration d) const {
    int64_t sum = 0;
    if (*this == Min() || *this == Max()) return *this;
    if (__builtin_add_overflow(us, d.us, &sum)) return d.us > 0 ? Max() : Min();
    return {sum};
  }
  constexpr EventTime operator-(Duration d) const {
    return *this +
           Duration{d.us == std::numeric_limits<int64_t>::min() ? Duration::Max().us : -d.us};
  }
};

/// The outside's time, so that tests can hold it in their hand. Thread safe.
class Clock {
 public:
  virtual ~Clock() = default;
  /// Wall clock.
  virtual EventTime Now() const = 0;
  /// Never goes back; only differences mean something.
  virtual Duration Monotonic() const = 0;
};

/// The machine's clock; lives as long as the process.
const Clock& SystemClock();

/// A clock that stands still until it is told to move. For tests.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(EventTime now = {0}) : now_(now) {}
  EventTime Now() const override { return now_; }
  Duration Monotonic() const override { return monotonic_; }
  void Advance(Duration d) {
    now_ = now_ + d;
    monotonic_.us += d.us;
  }

 private:
  EventTime now_;
  Duration monotonic_;
};

}  // namespace weir

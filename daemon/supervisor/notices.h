#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/time.h"

namespace weir {

/// How a process stands, as it says itself to whoever supervises it.
struct ServiceStanding {
  enum class Phase {
    kStarting,
    kReady,
    kStopping,  ///< As it was asked to, or because it can't go on.
    kDone,      ///< By itself, with all that it was started for.
  };
  Phase phase = Phase::kStarting;
  /// While it starts: it waits for others, or has much to read, and says so by being alive.
  bool patient_start = false;
  std::string status;  ///< One line, as `systemctl status` shows it.
  /// How often the thread that must not stand still has gone round its loop. None: it is to wait
  /// now, for as long as what it waits for allows.
  std::optional<uint64_t> turns;
};

/// Decides what a service manager is told, and when, by the protocol of sd_notify(3): that the
/// process is ready, once; how it stands, when that changes; that it works, which is what the
/// watchdog waits for, only while its loop goes round.
class ServiceNotices {
 public:
  /// `watchdog`: a process that is silent for so long is ended; none: nobody waits.
  explicit ServiceNotices(std::optional<Duration> watchdog) : watchdog_(watchdog) {}

  /// What to say now, `NAME=VALUE` a line; empty: nothing.
  std::string Next(const ServiceStanding& standing, Duration now);
  /// Time between two looks at how the process stands.
  Duration every() const;

 private:
  const std::optional<Duration> watchdog_;
  bool ready_told_ = false;
  bool stopping_told_ = false;
  std::string status_told_;
  std::optional<Duration> status_at_;
  std::optional<Duration> extended_at_;
  std::optional<uint64_t> turns_;
};

}  // namespace weir

#pragma once

#include <cstddef>
#include <string>

#include "base/time.h"

namespace weir::manager {

struct CoreOptions {
  std::string version;                             ///< Of weir; workers must have the same.
  Duration worker_timeout = Duration::Seconds(5);  ///< Silence after which a worker is lost.
  /// For workers to notice that the manager they had hangs, and to come to this one.
  Duration move_over{0};
  Duration session_back = Duration::Millis(250);  ///< For a broken session to be back.
  Duration lease_margin = Duration::Millis(500);  ///< The lease is held to end so much earlier.
  Duration take_up = Duration::Seconds(3);        ///< For a told attempt to be in a heartbeat.
  Duration keep_apart = Duration::Seconds(30);    ///< Workers that could not reach each other.
  Duration store_again = Duration::Seconds(1);    ///< After a write that failed.
  Duration remember_lost = Duration::Hours(1);    ///< Workers that are gone, for those who ask.
  Duration errand_limit = Duration::Minutes(9);   ///< For what a worker does at the checkpoints.
  Duration errand_slack = Duration::Seconds(10);  ///< For its answer to come after that.
  size_t most_errands = 4;                        ///< At the same time.
  size_t history = 20;                            ///< Restarts kept of each job.
};

}  // namespace weir::manager

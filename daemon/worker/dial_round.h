#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "base/time.h"

namespace weir {

/// In which order a worker dials its managers: in turn. One that stands by refuses at once, so the
/// next one is dialled at once as well, and only after all of them is there a pause: a session that
/// broke is back with its manager before the worker counts as lost.
class DialRound {
 public:
  /// `managers`: at least one.
  DialRound(std::vector<std::string> managers, Duration pause)
      : managers_(std::move(managers)), pause_(pause) {}

  /// The address to dial now.
  const std::string& Next() {
    refused_++;
    return managers_[next_++ % managers_.size()];
  }
  /// How long to wait, should that one not take the worker.
  Duration pause() const { return refused_ % managers_.size() == 0 ? pause_ : Duration{}; }
  /// It has taken the worker.
  void Taken() { refused_ = 0; }

 private:
  const std::vector<std::string> managers_;
  const Duration pause_;
  size_t next_ = 0;
  size_t refused_ = 0;  // Dials since one took the worker.
};

}  // namespace weir

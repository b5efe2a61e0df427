#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/failure_log.h"
#include "connectors/connector.h"
#include "proto/manifest.pb.h"

namespace weir {

/// Passes the positions of each durable checkpoint on to those outside who are to be told how far
/// the sources were read. Whoever commits manifests calls it right after, so an attempt that is
/// over tells nothing. What fails is told once and counts for nothing else: the next checkpoint
/// tells again. Used by one thread.
class PositionTellers {
 public:
  explicit PositionTellers(const Clock& clock) : clock_(clock) {}

  void Add(std::string source, std::unique_ptr<PositionTeller> teller);
  /// Does not wait; where a source's last positions are still being told, these come after them.
  void Tell(const proto::Manifest& manifest);
  /// Looks what became of what was told. Does not wait.
  void Look();
  /// Waits until the last positions were told, for `patience` at most.
  void Finish(Duration patience);

 private:
  struct One {
    std::string source;
    std::unique_ptr<PositionTeller> teller;
    bool under_way = false;
    std::optional<std::vector<Split>> next;
    FailureLog failures{Duration::Days(1)};
  };
  void Look(One& one, Duration wait);
  void Ended(One& one, const Status& outcome);

  const Clock& clock_;
  std::vector<One> all_;
};

}  // namespace weir

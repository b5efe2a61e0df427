#pragma once

#include <deque>
#include <map>
#include <string>

#include "base/status.h"
#include "engine/ledger.h"

namespace weir {

/// How much of what a node takes it may reject.
struct RejectionLimit {
  std::string node;  ///< As the job names it.
  double share = 0;  ///< 0 to 1.
  bool dead_letter = false;
};

/// Holds nodes to the share of records that they may reject (`max_rejected`).
///
/// It is judged at each checkpoint, over the newest checkpoints that have kStretch records of the
/// node between them (all since the start while there are fewer), and from kLeast records on.
/// Nothing is kept: after a start it begins anew, so a job that was stopped by it can go on.
class ErrorBudget {
 public:
  static constexpr int64_t kStretch = 10'000;
  static constexpr int64_t kLeast = 100;

  /// By the ledger's names of nodes.
  explicit ErrorBudget(std::map<std::string, RejectionLimit> limits) : limits_(std::move(limits)) {}

  /// Counts a checkpoint in. kTooManyRejected where a node is over its limit.
  Status Count(const std::string& job, const std::map<std::string, NodeTally>& tallies);

 private:
  struct Share {
    int64_t in = 0;
    int64_t rejected = 0;
    RejectedByCode by_code;
  };
  static Status Judge(const std::string& job, const RejectionLimit& limit, const Share& sum);

  const std::map<std::string, RejectionLimit> limits_;
  std::map<std::string, std::deque<Share>> newest_;  ///< By node, checkpoint by checkpoint.
};

}  // namespace weir

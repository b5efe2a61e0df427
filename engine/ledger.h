#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/status.h"
#include "operators/operator.h"
#include "proto/manifest.pb.h"

namespace weir {

/// A node as the ledger sees it.
struct LedgerNode {
  std::string name;
  /// Nodes whose `out` is this node's `in`; none for sources.
  std::vector<std::string> inputs;
  bool is_source = false;
  bool is_sink = false;
  /// Its input comes as partial aggregates: `in` is the weight that its inputs `released`.
  bool weighted_input = false;
  /// A dead letter sink: `in` is what its inputs rejected.
  bool takes_rejected = false;
};

/// Rejected rows of one error code, and the reason of one of them.
struct Rejected {
  int64_t count = 0;
  std::string example;
};
/// By error code.
using RejectedByCode = std::map<std::string, Rejected>;
void AddRejected(const RejectedByCode& more, RejectedByCode& sum);

/// Counts of one node in one epoch, all tasks together.
struct NodeTally {
  RowCounts counts;
  int64_t held_after = 0;
  int64_t sealed = 0;  ///< Sinks: rows in the parts they sealed.
  RejectedByCode rejected;
};

/// The tally as a manifest keeps it: all but `sealed`, which its outboxes tell.
proto::NodeCounts StoredCounts(const std::string& node, const NodeTally& tally);
NodeTally TallyOf(const proto::NodeCounts& stored);

/// Rows that went over one exchange in one epoch, by channel name.
struct ChannelTally {
  int64_t sent = 0;
  int64_t received = 0;
};

/// What does not add up, or Ok (protocol rule 30). `held_before` is each node's held_after of the
/// parent checkpoint (0 where missing). Pure.
Status CheckLedger(const std::vector<LedgerNode>& nodes,
                   const std::map<std::string, NodeTally>& tallies,
                   const std::map<std::string, ChannelTally>& channels,
                   const std::map<std::string, int64_t>& held_before);

/// How many rows are missing or too many over all equations: `weir_unaccounted_rows`.
int64_t UnaccountedRows(const std::vector<LedgerNode>& nodes,
                        const std::map<std::string, NodeTally>& tallies,
                        const std::map<std::string, ChannelTally>& channels,
                        const std::map<std::string, int64_t>& held_before);

}  // namespace weir

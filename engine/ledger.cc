#include "engine/ledger.h"

#include <cstdlib>
#include <functional>

#include <fmt/format.h>

#include "engine/errors.h"

namespace weir {
namespace {

/// Calls `check` for each equation with both sides; stops where it returns false.
void EachEquation(const std::vector<LedgerNode>& nodes,
                  const std::map<std::string, NodeTally>& tallies,
                  const std::map<std::string, ChannelTally>& channels,
                  const std::map<std::string, int64_t>& held_before,
                  const std::function<bool(std::string_view node, std::string_view equation,
                                           int64_t left, int64_t right)>& check) {
  static const NodeTally kNothing;
  const auto tally_of = [&](const std::string& name) -> const NodeTally& {
    const auto it = tallies.find(name);
    return it == tallies.end() ? kNothing : it->second;
  };
  for (const LedgerNode& node : nodes) {
    const NodeTally& tally = tally_of(node.name);
    const RowCounts& n = tally.counts;
    if (!check(node.name, "in = passed + filtered + rejected + late + absorbed + expanded + empty",
               n.in,
               n.passed + n.filtered + n.rejected + n.late + n.absorbed + n.expanded + n.empty)) {
      return;
    }
    const auto held = held_before.find(node.name);
    const int64_t before = held == held_before.end() ? 0 : held->second;
    if (!check(node.name, "held before + absorbed = held after + released", before + n.absorbed,
               tally.held_after + n.released)) {
      return;
    }
    if (node.is_sink) {
      if (!check(node.name, "in = sealed + rejected", n.in, tally.sealed + n.rejected)) return;
    } else if (!check(node.name, "out = passed + made", n.out, n.passed + n.made)) {
      return;
    }
    if (!node.is_source) {
      int64_t given = 0;
      for (const std::string& input : node.inputs) {
        const RowCounts& from = tally_of(input).counts;
        given += node.takes_rejected   ? from.rejected
                 : node.weighted_input ? from.released
                                       : from.out;
      }
      if (!check(node.name, "in = what its inputs gave", n.in, given)) return;
    }
  }
  for (const auto& [name, channel] : channels) {
    if (!check(name, "sent = received", channel.sent, channel.received)) return;
  }
}

}  // namespace

Status CheckLedger(const std::vector<LedgerNode>& nodes,
                   const std::map<std::string, NodeTally>& tallies,
                   const std::map<std::string, ChannelTally>& channels,
                   const std::map<std::string, int64_t>& held_before) {
  Status status;
  EachEquation(nodes, tallies, channels, held_before,
               [&](std::string_view node, std::string_view equation, int64_t left, int64_t right) {
                 if (left == right) return true;
                 status = Status(
                     errors::kLedger,
                     fmt::format("the rows of '{}' do not add up: {} is {} = {}", node, equation,
                                 left, right),
                     "this is a fault of weir's; the checkpoint was not taken, so the output up to "
                     "the one before is right. Please report it with the job and this line");
                 return false;
               });
  return status;
}

int64_t UnaccountedRows(const std::vector<LedgerNode>& nodes,
                        const std::map<std::string, NodeTally>& tallies,
                        const std::map<std::string, ChannelTally>& channels,
                        const std::map<std::string, int64_t>& held_before) {
  int64_t sum = 0;
  EachEquation(nodes, tallies, channels, held_before,
               [&](std::string_view, std::string_view, int64_t left, int64_t right) {
                 sum += std::abs(left - right);
                 return true;
               });
  return sum;
}

void AddRejected(const RejectedByCode& more, RejectedByCode& sum) {
  for (const auto& [code, rejected] : more) {
    Rejected& one = sum[code];
    one.count += rejected.count;
    if (one.example.empty()) one.example = rejected.example;
  }
}

proto::NodeCounts StoredCounts(const std::string& node, const NodeTally& tally) {
  const RowCounts& counts = tally.counts;
  proto::NodeCounts stored;
  stored.set_node(node);
  stored.set_in(counts.in);
  stored.set_passed(counts.passed);
  stored.set_filtered(counts.filtered);
  stored.set_rejected(counts.rejected);
  stored.set_late(counts.late);
  stored.set_absorbed(counts.absorbed);
  stored.set_released(counts.released);
  stored.set_expanded(counts.expanded);
  stored.set_empty(counts.empty);
  stored.set_made(counts.made);
  stored.set_out(counts.out);
  stored.set_held_after(tally.held_after);
  for (const auto& [code, rejected] : tally.rejected) {
    proto::RejectedRows& rows = *stored.add_rejected_by();
    rows.set_code(code);
    rows.set_count(rejected.count);
    rows.set_example(rejected.example);
  }
  return stored;
}

NodeTally TallyOf(const proto::NodeCounts& stored) {
  NodeTally tally;
  tally.counts.in = stored.in();
  tally.counts.passed = stored.passed();
  tally.counts.filtered = stored.filtered();
  tally.counts.rejected = stored.rejected();
  tally.counts.late = stored.late();
  tally.counts.absorbed = stored.absorbed();
  tally.counts.released = stored.released();
  tally.counts.expanded = stored.expanded();
  tally.counts.empty = stored.empty();
  tally.counts.made = stored.made();
  tally.counts.out = stored.out();
  tally.held_after = stored.held_after();
  for (const proto::RejectedRows& rows : stored.rejected_by()) {
    tally.rejected[rows.code()] = {rows.count(), rows.example()};
  }
  return tally;
}

}  // namespace weir

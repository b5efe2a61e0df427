#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "engine/channel.h"
#include "engine/ledger.h"
#include "engine/plan.h"

namespace weir {

/// One end of an exchange in a sending task: cuts batches up by key slot and pushes them into the
/// channels to the tasks that own the slots. One thread.
class ExchangeSender {
 public:
  using Targets = std::vector<std::unique_ptr<ChannelSender>>;
  /// `channel_names[i]` names the channel to target i in the ledger.
  ExchangeSender(const ExchangePlan& plan, uint32_t task, Targets targets,
                 std::vector<std::string> channel_names);

  /// A row whose key can't be computed goes where a null key goes: the receiving node computes the
  /// key again and rejects it by its own policy. False: the receiver is gone, the job is being
  /// ended.
  bool Send(const BatchPtr& batch, const EvalContext& context);
  /// To every target.
  bool Send(const Watermark& watermark);
  bool Send(const Barrier& barrier);

  /// Rows sent since the last call, by channel.
  void TakeCounts(std::map<std::string, ChannelTally>& tallies);
  const ExchangePlan& plan() const { return plan_; }
  /// How long it has waited for room in its channels, in all.
  Duration waited() const;

 private:
  const ExchangePlan& plan_;
  const uint32_t task_;
  Targets targets_;
  std::vector<std::string> names_;
  std::vector<int64_t> sent_;
  std::vector<std::vector<uint32_t>> rows_;  // Scratch: rows for each target.
};

}  // namespace weir

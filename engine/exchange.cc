#include "engine/exchange.h"

#include <algorithm>

#include "batch/key.h"

namespace weir {

ExchangeSender::ExchangeSender(const ExchangePlan& plan, uint32_t task, Targets targets,
                               std::vector<std::string> channel_names)
    : plan_(plan),
      task_(task),
      targets_(std::move(targets)),
      names_(std::move(channel_names)),
      sent_(targets_.size()),
      rows_(targets_.size()) {
  WEIR_CHECK(!targets_.empty() && names_.size() == targets_.size());
}

bool ExchangeSender::Send(const BatchPtr& batch, const EvalContext& context) {
  const auto push = [&](size_t target, BatchPtr rows) {
    sent_[target] += static_cast<int64_t>(rows->rows());
    return targets_[target]->Push(Rows{std::move(rows)});
  };
  if (!plan_.keyed) return push(task_ % targets_.size(), batch);
  if (plan_.keys.empty() || targets_.size() == 1) return push(0, batch);

  std::vector<ColumnPtr> keys;
  std::vector<RowError> errors;
  for (const ExpressionPtr& key : plan_.keys) {
    keys.push_back(key->Evaluate(*batch, context, errors));
  }
  const KeyColumn hashed = KeyColumn::Of(keys, batch->rows());
  for (auto& rows : rows_) rows.clear();
  const auto parallelism = static_cast<uint32_t>(targets_.size());
  for (uint32_t row = 0; row < batch->rows(); row++) {
    rows_[OwnerOf(hashed.slot(row), parallelism)].push_back(row);
  }
  for (size_t target = 0; target < targets_.size(); target++) {
    const std::vector<uint32_t>& rows = rows_[target];
    if (rows.empty()) continue;
    if (!push(target, rows.size() == batch->rows() ? batch : batch->Take(rows))) return false;
  }
  return true;
}

bool ExchangeSender::Send(const Watermark& watermark) {
  return std::all_of(targets_.begin(), targets_.end(),
                     [&](const auto& target) { return target->Push(watermark); });
}

bool ExchangeSender::Send(const Barrier& barrier) {
  return std::all_of(targets_.begin(), targets_.end(),
                     [&](const auto& target) { return target->Push(barrier); });
}

Duration ExchangeSender::waited() const {
  Duration sum;
  for (const auto& target : targets_) sum.us += target->waited().us;
  return sum;
}

void ExchangeSender::TakeCounts(std::map<std::string, ChannelTally>& tallies) {
  for (size_t i = 0; i < targets_.size(); i++) {
    tallies[names_[i]].sent += sent_[i];
    sent_[i] = 0;
  }
}

}  // namespace weir

#include "engine/error_budget.h"

#include <algorithm>

#include <fmt/format.h>

#include "engine/errors.h"

namespace weir {

Status ErrorBudget::Count(const std::string& job, const std::map<std::string, NodeTally>& tallies) {
  for (const auto& [node, limit] : limits_) {
    const auto tally = tallies.find(node);
    if (tally == tallies.end() || tally->second.counts.in == 0) continue;
    const RowCounts& counts = tally->second.counts;
    std::deque<Share>& newest = newest_[node];
    newest.push_back({counts.in, counts.rejected, tally->second.rejected});
    Share sum;
    for (const Share& one : newest) {
      sum.in += one.in;
      sum.rejected += one.rejected;
    }
    while (sum.in - newest.front().in >= kStretch) {
      sum.in -= newest.front().in;
      sum.rejected -= newest.front().rejected;
      newest.pop_front();
    }
    for (const Share& one : newest) AddRejected(one.by_code, sum.by_code);
    WEIR_TRY(Judge(job, limit, sum));
  }
  return Status::Ok();
}

Status ErrorBudget::Judge(const std::string& job, const RejectionLimit& limit, const Share& sum) {
  if (sum.in < kLeast) return Status::Ok();
  const double share = static_cast<double>(sum.rejected) / static_cast<double>(sum.in);
  if (share <= limit.share) return Status::Ok();
  const auto most = std::max_element(
      sum.by_code.begin(), sum.by_code.end(),
      [](const auto& a, const auto& b) { return a.second.count < b.second.count; });
  const std::string reason = most == sum.by_code.end()
                                 ? ""
                                 : fmt::format("; most often {} ({} times): {}", most->first,
                                               most->second.count, most->second.example);
  return Status(
      errors::kTooManyRejected,
      fmt::format("'{}' rejected {} of its last {} records, {:.3g} %, and may reject {:.3g} %{}",
                  limit.node, sum.rejected, sum.in, share * 100, limit.share * 100, reason),
      fmt::format(
          "{}mend what makes them, or raise max_rejected; a new start goes on behind them",
          limit.dead_letter
              ? fmt::format("'weir dlq show' with the file of job '{}' and '{}' shows them; ", job,
                            limit.node)
              : ""));
}

}  // namespace weir

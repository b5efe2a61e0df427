#include "daemon/http/metrics.h"

namespace weir {
namespace {

/// A sample for each node that has connections, where there is a value.
LinkMetric Of(std::string_view name, std::string_view help, bool counter,
              std::optional<double> (*value)(const LinkStatus&, EventTime now)) {
  return {name, help, counter, {"node"}, [value](const JobPlan& plan, EventTime now) {
            std::vector<Sample> samples;
            for (const NodePlan& node : plan.nodes) {
              const Linked* outside = node.Outside();
              const auto link = outside == nullptr ? std::nullopt : outside->Link();
              const auto found = link ? value(*link, now) : std::nullopt;
              if (found) samples.push_back({{node.name}, *found});
            }
            return samples;
          }};
}

}  // namespace

std::span<const LinkMetric> LinkMetrics() {
  using L = const LinkStatus&;
  using Value = std::optional<double>;
  static const std::vector<LinkMetric> metrics = {
      Of("weir_connections_opened_total", "Connections that this process has dialled for a node.",
         true, [](L l, EventTime) -> Value { return static_cast<double>(l.connections_opened); }),
      Of("weir_throttled_seconds_total",
         "Time by which brokers have held answers back, since a quota was passed.", true,
         [](L l, EventTime) -> Value { return static_cast<double>(l.throttled.us) / 1e6; }),
      Of("weir_leaderless_partitions",
         "Partitions of a node's topics that have no leader, so that nobody can read or write "
         "them.",
         false, [](L l, EventTime) -> Value { return l.partitions_leaderless; }),
      Of("weir_under_replicated_partitions",
         "Partitions of a node's topics with fewer copies in step than they should have.", false,
         [](L l, EventTime) -> Value { return l.partitions_under_replicated; }),
      Of("weir_login_seconds", "How long the newest token of a login by IAM still counts.", false,
         [](L l, EventTime now) -> Value {
           if (!l.login_end) return std::nullopt;
           return static_cast<double>(l.login_end->us - now.us) / 1e6;
         }),
  };
  return metrics;
}

}  // namespace weir

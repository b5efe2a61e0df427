#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "base/time.h"

namespace weir {

struct ConnectorContext;

/// One thing that was looked at of a connection, or of what a job reaches over it.
struct Observation {
  enum class Verdict { kGood, kDoubtful, kBad };
  Verdict verdict = Verdict::kGood;
  std::string what;   ///< `login`, `partitions`.
  std::string found;  ///< What was seen, in words.
  std::string cure;   ///< What to do; empty where it is good.
};
/// Told each finding as soon as it is known: some take seconds.
using ObservationListener = std::function<void(const Observation&)>;

/// How the connections of a node fare in this process, since it was planned.
struct LinkStatus {
  uint64_t connections_opened = 0;  ///< Sockets dialled, by all handles together.
  Duration throttled;               ///< Time by which brokers have held answers back: quotas.
  // Of the node's topics, as last seen.
  int32_t partitions_leaderless = 0;
  int32_t partitions_under_replicated = 0;  ///< With fewer copies in step than they should have.
  std::optional<EventTime> login_end;       ///< Of a login that ends by itself: when.
};

/// What a source or sink reaches over connections to a cluster, where it does. Thread safe.
class Linked {
 public:
  virtual ~Linked() = default;
  /// The cluster, as the job addresses it; empty: none.
  virtual std::string cluster() const { return {}; }
  /// None where there are no connections.
  virtual std::optional<LinkStatus> Link() const { return std::nullopt; }
  /// Looks, as the start of the job would, whether what it names is there and whether it has the
  /// rights that it needs, without changing what is outside. How many brokers the cluster has; 0:
  /// that was not to be learned.
  virtual uint32_t Examine(const ConnectorContext&, const ObservationListener&) const { return 0; }
  /// Connections that it keeps to a cluster of so many brokers at most, where it runs in so many
  /// places: tasks of a source, lanes of a sink. Those that stand in for another's for a moment,
  /// when something has failed, are not counted. Pure.
  virtual uint32_t MostConnections(uint32_t /*places*/, uint32_t /*brokers*/) const { return 0; }
};

}  // namespace weir

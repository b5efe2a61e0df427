#pragma once

#include <string>

#include "daemon/manager/cluster.h"

namespace weir::manager {

// Words for what a user sees; all pure, sentences without a full stop.

/// `350 ms`, `12 s`, `3 min`, `2 h`.
std::string DescribeSpan(Duration span);

/// What keeps workers out of use, each with a leading `; `: `; worker w2 is away since 12 s; worker
/// w3 is draining; workers w1 and w4 can't reach each other`. Empty: nothing. Tells of some, where
/// there are many.
std::string DescribeMissing(const Cluster& cluster, Duration now);

/// The same of workers that keep checkpoints elsewhere than in `store`; empty where that is empty.
std::string DescribeElsewhere(const Cluster& cluster, const std::string& store);
/// `w0, w1 in /mnt/checkpoints; w2 in /tmp/checkpoints`.
std::string DescribeStores(const Cluster& cluster);

/// `3 workers are here with 4 of 8 slots free; worker w2 is away since 12 s`.
std::string DescribeRoom(const Cluster& cluster, Duration now);

}  // namespace weir::manager

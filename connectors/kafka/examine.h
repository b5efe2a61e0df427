#pragma once

#include <string>

#include "connectors/kafka/connection.h"
#include "connectors/kafka/options.h"
#include "connectors/link.h"

namespace weir::kafka {

/// What the start of a job would find of a source: its partitions with their first offsets, the
/// right to read, and the right to `group` (empty: it tells none). How many brokers there are, 0
/// where they were not reached.
uint32_t ExamineSource(const ConnectionPtr& connection, const SourceOptions& options,
                       const std::string& group, const ObservationListener& tell);

/// What the start of a job would find of a sink whose lanes have names that begin with `lanes`: its
/// topic, the rights to write it, to keep markers in groups and to begin transactions. Leaves the
/// transactional id `<lanes>-check` behind, which the cluster forgets after a week.
uint32_t ExamineSink(const ConnectionPtr& connection, const std::string& topic,
                     const std::string& lanes, const ObservationListener& tell);

}  // namespace weir::kafka

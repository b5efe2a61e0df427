#pragma once

#include <string>
#include <vector>

#include "connectors/connector.h"

namespace weir {

/// The columns of a dead letter, the same for every job:
///   node string, code string, reason string, at timestamp; of an undecoded record topic string,
///   partition int32, offset int64, timestamp timestamp, key bytes,
///   headers list<struct<key:string,value:bytes>>, value bytes; of a row `row` json.
const SchemaPtr& DeadLetterSchema();

/// Letters of records that could not become rows. `node` is the source, `at` the wall clock.
BatchPtr DeadLettersOfRecords(const std::string& node, const std::vector<RejectedRecord>& records,
                              EventTime at);

/// Letters of rows of `batch` that `node` could not take. Columns that weir added (`$…`) are left
/// out of the row.
BatchPtr DeadLettersOfRows(const std::string& node, const Batch& batch,
                           const std::vector<Rejection>& rejections, EventTime at);

}  // namespace weir

#pragma once

#include <span>
#include <string_view>

#include "connectors/connector.h"

namespace weir {

/// What a dead letter tells, the same for every source, step and sink:
///   node string, code string, reason string, at timestamp
///   topic string, partition int32, offset int64, timestamp timestamp, key bytes,
///   headers list<struct<key:string,value:bytes>>, value bytes    of a record that is no row
///   row json                                                     of a row
/// What does not apply is null.
const SchemaPtr& DeadLetterSchema();

/// Letters of records that `node` could not decode, in their order.
BatchPtr DeadLettersOfRecords(std::string_view node, std::span<const RejectedRecord> records,
                              EventTime at);

/// Letters of rows of `batch` that `node` refused: `record` of a rejection is the row.
BatchPtr DeadLettersOfRows(std::string_view node, const Batch& batch,
                           std::span<const Rejection> rejections, EventTime at);

}  // namespace weir

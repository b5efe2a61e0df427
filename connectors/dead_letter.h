#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "connectors/connector.h"

namespace weir {

/// What a dead letter tells, the same for every source, step and sink:
///   node string, code string, reason string, at timestamp, job string, job_version string
///   topic string, partition int32, offset int64, timestamp timestamp, key bytes,
///   headers list<struct<key:string,value:bytes>>, value bytes    of a record that is no row
///   row json                                                     of a row
/// What does not apply is null.
const SchemaPtr& DeadLetterSchema();

/// The job whose node it was: its name, and the version that JobPlan::Version tells.
struct JobLabel {
  std::string name;
  std::string version;
};

/// Letters of records that `node` could not decode, in their order.
BatchPtr DeadLettersOfRecords(const JobLabel& job, std::string_view node,
                              std::span<const RejectedRecord> records, EventTime at);

/// Letters of rows of `batch` that `node` refused: `record` of a rejection is the row.
BatchPtr DeadLettersOfRows(const JobLabel& job, std::string_view node, const Batch& batch,
                           std::span<const Rejection> rejections, EventTime at);

/// A dead letter that was read back.
struct DeadLetter {
  JobLabel job;
  std::string node;
  std::string code;
  std::string reason;
  std::optional<EventTime> at;
  std::optional<RejectedRecord> record;  ///< None: it is of a row. Its code is null.
};
/// `letters` has the columns of DeadLetterSchema.
DeadLetter ReadDeadLetter(const Batch& letters, size_t row);

}  // namespace weir

#pragma once

#include <deque>
#include <string>
#include <vector>

#include "batch/column.h"
#include "formats/avro_schema.h"

namespace weir {

/// How a column's values are written.
struct AvroWriteNode {
  enum class What : uint8_t {
    kBool,
    kInt32,
    kInt64,
    kInt64AsInt,
    kFloat,
    kFloatAsDouble,
    kInt32AsDouble,
    kDouble,
    kTimestamp,
    kDecimal,
    kString,
    kBytes,
    kFixed,
    kEnum,
    kUuid,  // Checked, and written as text.
    kUuidFixed,
    kArray,
    kMap,
    kRecord,
    kJson,
    kDefault,  // Of a record's field: no column at all.
  };
  What what = What::kBool;
  const AvroType* type = nullptr;  // No union, but for kJson.
  int null_branch = -1;            // Of the union around it, where there is one.
  int branch = -1;
  bool may_be_null = false;
  int64_t unit_us = 1;
  Int128 factor = 1;  // Of a decimal.
  Int128 bound = 0;
  std::string name;   // Of the field that it is.
  std::string bytes;  // Of a default.
  size_t column = 0;  // In the row or the struct.
  std::vector<const AvroWriteNode*> parts;
};

/// Plans how rows of `schema` become records of `type`, once for all rows. The nodes are appended
/// to `nodes` and point into `type`. An error (WEIR-F032) names the column and both types.
Result<const AvroWriteNode*> PlanAvroRecord(const Schema& schema, const AvroType& type,
                                            std::deque<AvroWriteNode>& nodes);

}  // namespace weir

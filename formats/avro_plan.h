#pragma once

#include <deque>
#include <string>
#include <vector>

#include "batch/column.h"
#include "formats/avro_schema.h"
#include "formats/values.h"

namespace weir {

/// What stands in the bytes.
enum class AvroSource : uint8_t {
  kNull,
  kBoolean,
  kInt,
  kLong,
  kFloat,
  kDouble,
  kText,   // Length and bytes.
  kFixed,  // `size` bytes.
  kEnum,   // Becomes the text of `symbols`.
  kUnion,  // A branch's number and what `parts` has for it.
  kArray,
  kMap,
  kRecord,
  kJson,   // `parts[0]` as JSON text, in a column of type json.
  kFault,  // What was written here can't be read: `fault`.
};

/// What becomes of it. Integers go through `multiply` and `divide` first.
enum class AvroStore : uint8_t {
  kBoolean,
  kInt32,
  kInt64,
  kFloat,
  kDouble,
  kString,  // Checked to be UTF-8.
  kBytes,
  kTimestamp,
  kDate,
  kDecimal,
  kUuid,
  kTimeOfText,
  kTimeOfNumber,
  kDateOfText,
};

struct AvroStep;

/// How a value written with one type becomes a value of a column, or JSON text.
struct AvroNode {
  AvroSource source = AvroSource::kNull;
  AvroStore store = AvroStore::kInt64;
  bool through_float = false;  // A number of the reader's type float has no more digits.
  int64_t multiply = 1;
  int64_t divide = 1;
  size_t size = 0;
  Int128 bound = 0;  // Of a decimal: every value is less than it.
  int scale = 0;
  const TimeReader* times = nullptr;
  const AvroType* writer = nullptr;
  std::string fault;
  std::vector<std::string> symbols;  // Empty: a symbol the reader has no name for.
  std::vector<const AvroNode*> parts;
  std::vector<AvroStep> steps;  // A record in a column of type struct.

  /// A field of a record that becomes JSON.
  struct JsonField {
    std::string name;  // With quotes and colon.
    int written = -1;  // Place in the writer's record.
    const AvroNode* node = nullptr;
    std::string otherwise;  // The default's JSON, where nothing was written.
  };
  std::vector<JsonField> json_fields;
};

/// One thing to do while a record is walked from its first field to its last.
struct AvroStep {
  enum class Do : uint8_t {
    kSkipLongs,  // `count` ints or longs.
    kSkipBytes,  // `count` bytes.
    kSkipText,
    kSkipNullableText,  // Of a union of two; branch `count` is null.
    kSkip,              // A `writer` of any kind.
    kReadText,          // Into a column of strings, UTF-8 checked.
    kReadNullableText,  // Likewise; branch `count` is null.
    kReadLong,          // Into a column of int64.
    kReadInt,           // Into a column of int32.
    kRead,              // What `node` says.
    kPeek,              // `branches[0]`, after which it goes on from where it began.
    kBranch,            // A union's number, and the steps for it.
    kNull,              // Nothing is read, the column gets null.
    kDefault,           // Nothing is read, the column gets the one value of `value`.
    kFault,             // What was written can't be read: `node->fault`.
  };
  Do what = Do::kSkip;
  size_t count = 0;
  size_t column = 0;
  const AvroNode* node = nullptr;
  const AvroType* writer = nullptr;
  ColumnPtr value;
  std::string name;  // The field, for messages.
  std::vector<std::vector<AvroStep>> branches;
};

/// All of a program: the steps of the record, and what they point to.
struct AvroPlan {
  std::deque<AvroNode> nodes;
  std::vector<AvroStep> steps;
};

}  // namespace weir

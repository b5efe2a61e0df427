#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace weir {

enum class AvroKind : uint8_t {
  kNull,
  kBoolean,
  kInt,
  kLong,
  kFloat,
  kDouble,
  kBytes,
  kString,
  kFixed,
  kEnum,
  kRecord,
  kArray,
  kMap,
  kUnion,
};

/// What an annotated type means. Logical types that are not known, or whose attributes make no
/// sense, are kNone, as the specification wants it.
enum class AvroLogical : uint8_t {
  kNone,
  kDate,
  kTimeMillis,
  kTimeMicros,
  kTimestampMillis,
  kTimestampMicros,
  kLocalTimestampMillis,
  kLocalTimestampMicros,
  kDecimal,
  kUuid,
};

struct AvroType;

struct AvroField {
  std::string name;
  std::vector<std::string> aliases;
  const AvroType* type = nullptr;
  std::optional<std::string> default_json;  ///< Compact, as the schema gives it.
  std::string default_bytes;                ///< The same as Avro binary of `type`.
};

/// One type of a schema. Named types may be pointed to from more than one place, also from inside
/// themselves.
struct AvroType {
  AvroKind kind = AvroKind::kNull;
  AvroLogical logical = AvroLogical::kNone;
  int precision = 0;  ///< Of a decimal, 1 and up.
  int scale = 0;
  size_t size = 0;                       ///< Of a fixed, in bytes.
  std::string name;                      ///< Full name of a record, enum or fixed.
  std::vector<std::string> aliases;      ///< Full names.
  std::vector<AvroField> fields;         ///< Of a record.
  std::vector<std::string> symbols;      ///< Of an enum.
  std::optional<size_t> default_symbol;  ///< Index of an enum's.
  std::vector<const AvroType*> parts;    ///< Array: [items]; map: [values]; union: its branches.
  bool empty = false;                    ///< Every value is written in no bytes at all.

  bool Is(AvroKind other) const { return kind == other; }
  bool IsNamed() const {
    return kind == AvroKind::kRecord || kind == AvroKind::kEnum || kind == AvroKind::kFixed;
  }
  /// Where a field of a record is, or null.
  const AvroField* Find(std::string_view field) const;
};

/// For messages: `int`, `record shop.Order`, `array of long (timestamp-millis)`, `[null, string]`.
std::string Describe(const AvroType& type);
/// What stands behind the last point of a full name.
std::string_view UnqualifiedName(std::string_view full_name);
/// Whether `name` is one by Avro's grammar (no points).
bool IsAvroName(std::string_view name);

inline constexpr size_t kLongestAvroSchema = 1 << 20;  ///< Bytes of text.
inline constexpr size_t kMostAvroParts = 20000;        ///< Types, fields and symbols.

/// A schema as the specification of Avro 1.11 and 1.12 has it; immutable.
class AvroSchema {
 public:
  /// Reads a schema's JSON. An error says where (`address.city`) and what; the default of each
  /// field is checked against its type. Takes any text: what is too long, too deep or has too many
  /// parts is an error.
  /// `referred`: schemas whose named types it may use, each behind those that it uses itself.
  static Result<std::shared_ptr<const AvroSchema>> Parse(
      std::string_view json, std::span<const std::string> referred = {});

  const AvroType& root() const { return *root_; }
  /// The schema with full names, without what has no meaning to weir (documentation, unknown
  /// attributes), always in the same order: two schemas are the same where these texts are.
  const std::string& normalised() const { return normalised_; }

  AvroSchema(const AvroSchema&) = delete;
  AvroSchema& operator=(const AvroSchema&) = delete;

 private:
  friend class AvroSchemaParser;
  AvroSchema() = default;

  std::deque<AvroType> types_;
  const AvroType* root_ = nullptr;
  std::string normalised_;
};

using AvroSchemaPtr = std::shared_ptr<const AvroSchema>;

}  // namespace weir

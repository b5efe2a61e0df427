#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace weir {

/// The types of the job language, and two that only expressions know: `null` (the literal) and
/// `duration`. How values lie in a Column is told at `Column`.
enum class TypeKind : uint8_t {
  kNull,
  kBool,
  kInt32,
  kInt64,
  kFloat,
  kDouble,
  kDecimal,
  kString,
  kBytes,
  kDate,
  kTimestamp,
  kDuration,
  kJson,
  kList,
  kStruct,
  kMap,
};

struct Field;

/// A type, as cheap to copy as a pointer. Every value of every type may be null.
class Type {
 public:
  Type() : kind_(TypeKind::kNull) {}
  Type(TypeKind kind) : kind_(kind) {}  // NOLINT: implicit, for the types without parameters
  /// `precision` 1..38 digits, `scale` 0..precision of them behind the point.
  static Type Decimal(int precision, int scale);
  static Type List(Type element);
  static Type Struct(std::vector<Field> fields);
  /// Keys are strings.
  static Type Map(Type value);

  /// Reads `list<struct<a:int64,b:string>>` and the like; a fault says where in `text` it is.
  static Result<Type> Parse(std::string_view text);
  /// What Parse reads.
  std::string ToString() const;

  TypeKind kind() const { return kind_; }
  bool Is(TypeKind kind) const { return kind_ == kind; }
  int precision() const { return precision_; }
  int scale() const { return scale_; }
  /// List: the element; struct: its fields; map: "key" and "value".
  const std::vector<Field>& children() const;

  bool IsNumeric() const { return kind_ >= TypeKind::kInt32 && kind_ <= TypeKind::kDecimal; }
  bool IsInteger() const { return kind_ == TypeKind::kInt32 || kind_ == TypeKind::kInt64; }
  bool IsFloating() const { return kind_ == TypeKind::kFloat || kind_ == TypeKind::kDouble; }
  /// Values are offsets and bytes.
  bool IsText() const {
    return kind_ == TypeKind::kString || kind_ == TypeKind::kBytes || kind_ == TypeKind::kJson;
  }
  bool IsNested() const {
    return kind_ == TypeKind::kList || kind_ == TypeKind::kStruct || kind_ == TypeKind::kMap;
  }
  /// Bytes of one value in a Column's value buffer; 0 for text and nested types.
  size_t width() const;

  friend bool operator==(const Type& a, const Type& b);

 private:
  TypeKind kind_;
  uint8_t precision_ = 0;
  uint8_t scale_ = 0;
  std::shared_ptr<const std::vector<Field>> children_;
};

/// A named column of a schema or field of a struct.
struct Field {
  std::string name;
  Type type;
  friend bool operator==(const Field&, const Field&) = default;
};

/// The columns of a batch, in order; names are unique and case-sensitive.
class Schema {
 public:
  Schema() = default;
  explicit Schema(std::vector<Field> fields) : fields_(std::move(fields)) {}

  const std::vector<Field>& fields() const { return fields_; }
  size_t size() const { return fields_.size(); }
  const Field& operator[](size_t i) const { return fields_[i]; }
  /// Index of the column `name`, or -1.
  int Find(std::string_view name) const;
  /// `a int64, b string`, for messages.
  std::string ToString() const;
  friend bool operator==(const Schema&, const Schema&) = default;

 private:
  std::vector<Field> fields_;
};

using SchemaPtr = std::shared_ptr<const Schema>;

}  // namespace weir

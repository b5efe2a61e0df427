#include "formats/avro_encoder.h"

#include <deque>
#include <unordered_set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "batch/utf8.h"
#include "formats/avro_binary.h"
#include "formats/avro_columns.h"
#include "formats/avro_json.h"
#include "formats/avro_number.h"
#include "formats/avro_uuid.h"
#include "formats/errors.h"

namespace weir {
namespace {

/// How a column's values are written.
struct WriteNode {
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
  std::vector<const WriteNode*> parts;
};
using What = WriteNode::What;

/// Chooses how, once.
class WritePlanner {
 public:
  explicit WritePlanner(std::deque<WriteNode>& nodes) : nodes_(nodes) {}

  Result<WriteNode*> Record(const std::vector<Field>& fields, const AvroType& type,
                            const std::string& path) {
    WriteNode& node = New(What::kRecord, type);
    std::unordered_set<std::string> taken;
    for (const AvroField& field : type.fields) {
      const std::string at = path.empty() ? field.name : path + "." + field.name;
      size_t c = 0;
      while (c < fields.size() && fields[c].name != field.name) c++;
      WriteNode* part = nullptr;
      if (c < fields.size()) {
        part = WEIR_TRY(Value(fields[c].type, *field.type, at));
        part->column = c;
        taken.insert(field.name);
      } else if (field.default_json) {
        part = &New(What::kDefault, *field.type);
        part->bytes = field.default_bytes;
      } else {
        return Status(errors::kAvroTypes,
                      fmt::format("field '{}' of the Avro schema has no column and no default", at),
                      "add the column in a step, or a default to the schema");
      }
      part->name = field.name;
      node.parts.push_back(part);
    }
    for (const Field& field : fields) {
      if (taken.contains(field.name)) continue;
      return Status(
          errors::kAvroTypes,
          fmt::format("column '{}' is no field of {}",
                      path.empty() ? field.name : path + "." + field.name, Describe(type)),
          "drop it before the sink, or add the field to the schema");
    }
    return &node;
  }

 private:
  WriteNode& New(What what, const AvroType& type) {
    WriteNode& node = nodes_.emplace_back();
    node.what = what;
    node.type = &type;
    return node;
  }

  Result<WriteNode*> Value(const Type& from, const AvroType& to, const std::string& path) {
    if (from.Is(TypeKind::kJson) && !IsPlainText(to)) return &New(What::kJson, to);
    if (!to.Is(AvroKind::kUnion)) return Whole(from, to, path);
    int null_branch = -1;
    for (size_t i = 0; i < to.parts.size(); i++) {
      if (to.parts[i]->Is(AvroKind::kNull)) null_branch = static_cast<int>(i);
    }
    // The branch of just this type goes before one that only has room for it.
    for (const bool same : {true, false}) {
      for (size_t i = 0; i < to.parts.size(); i++) {
        if (to.parts[i]->Is(AvroKind::kNull)) continue;
        if (same) {
          const Result<Type> own = ColumnTypeOf(*to.parts[i], path);
          if (!own.ok() || !(*own == from)) continue;
        }
        Result<WriteNode*> node = Whole(from, *to.parts[i], path);
        // Of the only type it could be, the message says more.
        if (!node.ok() && !same && WithoutNull(to) != nullptr) return node;
        if (!node.ok()) continue;
        (*node)->branch = static_cast<int>(i);
        (*node)->null_branch = null_branch;
        (*node)->may_be_null = null_branch >= 0;
        return node;
      }
    }
    return Mismatch(from, to, path);
  }

  /// Where a json column's text goes as it is.
  static bool IsPlainText(const AvroType& to) {
    const AvroType* const one = WithoutNull(to);
    return one != nullptr && one->Is(AvroKind::kString) && one->logical == AvroLogical::kNone;
  }

  static Status Mismatch(const Type& from, const AvroType& to, const std::string& path) {
    return Status(errors::kAvroTypes,
                  fmt::format("column '{}' is {}, and its field in the Avro schema {}", path,
                              from.ToString(), Describe(to)),
                  "cast the column in a step, or change the field's type");
  }

  /// `to` is no union.
  Result<WriteNode*> Whole(const Type& from, const AvroType& to, const std::string& path) {
    switch (from.kind()) {
      case TypeKind::kList: {
        if (!to.Is(AvroKind::kArray)) break;
        WriteNode& node = New(What::kArray, to);
        node.parts.push_back(WEIR_TRY(Value(from.children()[0].type, *to.parts[0], path + "[]")));
        return &node;
      }
      case TypeKind::kMap: {
        if (!to.Is(AvroKind::kMap)) break;
        WriteNode& node = New(What::kMap, to);
        node.parts.push_back(WEIR_TRY(Value(from.children()[1].type, *to.parts[0], path + "[]")));
        return &node;
      }
      case TypeKind::kStruct:
        if (!to.Is(AvroKind::kRecord)) break;
        return Record(from.children(), to, path);
      default:
        if (const std::optional<What> what = Scalar(from, to)) return Leaf(from, to, *what);
        break;
    }
    return Mismatch(from, to, path);
  }

  static std::optional<What> Scalar(const Type& from, const AvroType& to) {
    const bool plain = to.logical == AvroLogical::kNone;
    const bool of_day =
        to.logical == AvroLogical::kTimeMillis || to.logical == AvroLogical::kTimeMicros;
    switch (from.kind()) {
      case TypeKind::kBool:
        if (to.Is(AvroKind::kBoolean)) return What::kBool;
        break;
      case TypeKind::kInt32:
        if (to.Is(AvroKind::kDouble)) return What::kInt32AsDouble;
        if ((to.Is(AvroKind::kInt) || to.Is(AvroKind::kLong)) && (plain || of_day)) {
          return What::kInt32;
        }
        break;
      case TypeKind::kInt64:
        if (!plain && !of_day) break;
        if (to.Is(AvroKind::kLong)) return What::kInt64;
        if (to.Is(AvroKind::kInt)) return What::kInt64AsInt;
        break;
      case TypeKind::kFloat:
        if (to.Is(AvroKind::kFloat)) return What::kFloat;
        if (to.Is(AvroKind::kDouble)) return What::kFloatAsDouble;
        break;
      case TypeKind::kDouble:
        if (to.Is(AvroKind::kDouble)) return What::kDouble;
        break;
      case TypeKind::kDate:
        if (to.logical == AvroLogical::kDate) return What::kInt32;
        break;
      case TypeKind::kTimestamp:
        if (to.logical >= AvroLogical::kTimestampMillis &&
            to.logical <= AvroLogical::kLocalTimestampMicros) {
          return What::kTimestamp;
        }
        break;
      case TypeKind::kDecimal:
        if (to.logical == AvroLogical::kDecimal && to.scale >= from.scale() && to.precision <= 38) {
          return What::kDecimal;
        }
        break;
      case TypeKind::kString:
      case TypeKind::kJson:
        if (to.Is(AvroKind::kFixed) && to.logical == AvroLogical::kUuid) return What::kUuidFixed;
        if (to.logical == AvroLogical::kUuid) return What::kUuid;
        if (to.Is(AvroKind::kString)) return What::kString;
        if (to.Is(AvroKind::kEnum)) return What::kEnum;
        if (to.Is(AvroKind::kBytes) && plain) return What::kBytes;
        break;
      case TypeKind::kBytes:
        if (to.Is(AvroKind::kBytes) && plain) return What::kBytes;
        if (to.Is(AvroKind::kFixed) && plain) return What::kFixed;
        break;
      default:
        break;
    }
    return std::nullopt;
  }

  WriteNode* Leaf(const Type& from, const AvroType& to, What what) {
    WriteNode& node = New(what, to);
    if (to.logical == AvroLogical::kTimestampMillis ||
        to.logical == AvroLogical::kLocalTimestampMillis) {
      node.unit_us = 1000;
    }
    if (what == What::kDecimal) {
      node.factor = PowerOfTen(to.scale - from.scale());
      node.bound = PowerOfTen(to.precision);
    }
    return &node;
  }

  std::deque<WriteNode>& nodes_;
};

class AvroEncoder final : public Encoder {
 public:
  explicit AvroEncoder(AvroSchemaPtr writer) : writer_(std::move(writer)) {}

  Status Plan(const Schema& schema) {
    root_ = WEIR_TRY(WritePlanner(nodes_).Record(schema.fields(), writer_->root(), ""));
    return Status::Ok();
  }

  Status Encode(const Batch& batch, size_t row, std::string& out) override {
    const size_t begin = out.size();
    if (Record(*root_, batch.columns(), row, out)) return Status::Ok();
    out.resize(begin);
    return Status(errors::kAvroValue,
                  fmt::format("the row does not fit the Avro schema: {}", fault_),
                  "filter or correct such rows before the sink, or widen the schema");
  }
  /// A record says itself where it ends.
  std::string_view Separator() const override { return ""; }

 private:
  bool Record(const WriteNode& node, const std::vector<ColumnPtr>& columns, size_t row,
              std::string& out) {
    for (const WriteNode* part : node.parts) {
      if (part->what == What::kDefault) {
        out += part->bytes;
      } else if (!Value(*part, *columns[part->column], row, out)) {
        return Within(part->name);
      }
    }
    return true;
  }

  bool Value(const WriteNode& node, const Column& column, size_t row, std::string& out) {
    if (node.what == What::kJson) return Json(node, column, row, out);
    if (column.IsNull(row)) {
      if (!node.may_be_null) {
        fault_ = fmt::format(": null in {}", Describe(*node.type));
        return false;
      }
      AppendAvroLong(out, node.null_branch);
      return true;
    }
    if (node.branch >= 0) AppendAvroLong(out, node.branch);
    switch (node.what) {
      case What::kArray:
      case What::kMap:
        return Items(node, column, row, out);
      case What::kRecord:
        return Record(node, column.children(), row, out);
      case What::kString:
      case What::kBytes:
      case What::kFixed:
      case What::kEnum:
      case What::kUuid:
      case What::kUuidFixed:
        return Text(node, column.text(row), out);
      default:
        return Number(node, column, row, out);
    }
  }

  bool Items(const WriteNode& node, const Column& column, size_t row, std::string& out) {
    const uint32_t begin = column.offsets()[row];
    const uint32_t end = column.offsets()[row + 1];
    const bool is_map = node.what == What::kMap;
    if (begin != end) AppendAvroLong(out, end - begin);
    for (uint32_t k = begin; k < end; k++) {
      if (is_map) AppendAvroText(out, column.child(0)->text(k));
      if (!Value(*node.parts[0], *column.child(is_map ? 1 : 0), k, out)) {
        return Within(fmt::format("[{}]", k - begin));
      }
    }
    out.push_back(0);
    return true;
  }

  bool Text(const WriteNode& node, std::string_view text, std::string& out) {
    scratch_.clear();
    switch (node.what) {
      case What::kString:
        if (!IsUtf8(text)) return Refuse(node, text, "is not UTF-8");
        AppendAvroText(out, text);
        return true;
      case What::kBytes:
        AppendAvroText(out, text);
        return true;
      case What::kFixed:
        out += text;
        return text.size() == node.type->size ||
               Refuse(node, text,
                      fmt::format("has {} bytes, not {}", text.size(), node.type->size));
      case What::kEnum:
        for (size_t i = 0; i < node.type->symbols.size(); i++) {
          if (node.type->symbols[i] != text) continue;
          AppendAvroLong(out, static_cast<int64_t>(i));
          return true;
        }
        return Refuse(node, text, "is none of its symbols");
      case What::kUuid:
        if (!ReadUuid(text, scratch_)) return Refuse(node, text, "is no uuid");
        AppendAvroText(out, text);
        return true;
      default:
        if (!ReadUuid(text, scratch_)) return Refuse(node, text, "is no uuid");
        out += scratch_;
        return true;
    }
  }

  bool Number(const WriteNode& node, const Column& column, size_t row, std::string& out) {
    switch (node.what) {
      case What::kBool:
        out.push_back(static_cast<char>(column.values<uint8_t>()[row]));
        return true;
      case What::kInt32:
        AppendAvroLong(out, column.values<int32_t>()[row]);
        return true;
      case What::kInt64AsInt: {
        const int64_t value = column.values<int64_t>()[row];
        if (value != static_cast<int32_t>(value)) {
          return Refuse(node, std::to_string(value), "has more than 32 bits");
        }
        AppendAvroLong(out, value);
        return true;
      }
      case What::kFloat:
        AppendAvroFloating(out, column.values<float>()[row]);
        return true;
      case What::kFloatAsDouble:
        AppendAvroFloating(out, static_cast<double>(column.values<float>()[row]));
        return true;
      case What::kInt32AsDouble:
        AppendAvroFloating(out, static_cast<double>(column.values<int32_t>()[row]));
        return true;
      case What::kDouble:
        AppendAvroFloating(out, column.values<double>()[row]);
        return true;
      case What::kDecimal:
        return Decimal(node, column.values<Int128>()[row], out);
      case What::kTimestamp:
        AppendAvroLong(out, FloorDivide(column.values<int64_t>()[row], node.unit_us));
        return true;
      default:
        AppendAvroLong(out, column.values<int64_t>()[row]);
        return true;
    }
  }

  bool Decimal(const WriteNode& node, Int128 value, std::string& out) {
    Int128 scaled = 0;
    scratch_.clear();
    if (__builtin_mul_overflow(value, node.factor, &scaled) || scaled >= node.bound ||
        scaled <= -node.bound || !AppendAvroDecimal(scratch_, scaled, node.type->size)) {
      return Refuse(node, "the number", "has more digits");
    }
    if (node.type->Is(AvroKind::kBytes)) {
      AppendAvroText(out, scratch_);
    } else {
      out += scratch_;
    }
    return true;
  }

  bool Json(const WriteNode& node, const Column& column, size_t row, std::string& out) {
    using Tree = nlohmann::json;
    const Tree value = column.IsNull(row)
                           ? Tree()
                           : Tree::parse(column.text(row), nullptr, /*allow_exceptions=*/false);
    if (value.is_discarded()) return Refuse(node, column.text(row), "is not JSON");
    if (json_.Append(value, *node.type, out)) return true;
    fault_ = json_.fault();
    return false;
  }

  bool Refuse(const WriteNode& node, std::string_view value, std::string_view why) {
    fault_ = fmt::format(": '{}' {}, in {}", ForMessage(value), why, Describe(*node.type));
    return false;
  }
  bool Within(const std::string& part) {
    const bool joined = fault_[0] == ':' || fault_[0] == '[' || fault_[0] == '.';
    fault_.insert(0, joined ? part : part + ".");
    return false;
  }

  const AvroSchemaPtr writer_;
  std::deque<WriteNode> nodes_;
  const WriteNode* root_ = nullptr;
  AvroJsonWriter json_{AvroJsonStyle::kValue};
  std::string scratch_;
  std::string fault_;  // `field: why`, of the last row that did not fit.
};

}  // namespace

Result<std::unique_ptr<Encoder>> MakeAvroEncoder(const Schema& schema, AvroSchemaPtr writer) {
  if (!writer->root().Is(AvroKind::kRecord)) {
    return Status(errors::kAvroTypes,
                  fmt::format("the Avro schema is {}, not a record", Describe(writer->root())),
                  "its fields take the columns");
  }
  auto encoder = std::make_unique<AvroEncoder>(std::move(writer));
  WEIR_TRY(encoder->Plan(schema));
  return std::unique_ptr<Encoder>(std::move(encoder));
}

}  // namespace weir

#include "formats/avro_write_plan.h"

#include <optional>
#include <unordered_set>

#include <fmt/format.h>

#include "formats/avro_columns.h"
#include "formats/errors.h"
#include "formats/values.h"

namespace weir {
namespace {

using What = AvroWriteNode::What;

/// Chooses how, once.
class WritePlanner {
 public:
  explicit WritePlanner(std::deque<AvroWriteNode>& nodes) : nodes_(nodes) {}

  Result<AvroWriteNode*> Record(const std::vector<Field>& fields, const AvroType& type,
                                const std::string& path) {
    AvroWriteNode& node = New(What::kRecord, type);
    std::unordered_set<std::string> taken;
    for (const AvroField& field : type.fields) {
      const std::string at = path.empty() ? field.name : path + "." + field.name;
      size_t c = 0;
      while (c < fields.size() && fields[c].name != field.name) c++;
      AvroWriteNode* part = nullptr;
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
  AvroWriteNode& New(What what, const AvroType& type) {
    AvroWriteNode& node = nodes_.emplace_back();
    node.what = what;
    node.type = &type;
    return node;
  }

  Result<AvroWriteNode*> Value(const Type& from, const AvroType& to, const std::string& path) {
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
        Result<AvroWriteNode*> node = Whole(from, *to.parts[i], path);
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
  Result<AvroWriteNode*> Whole(const Type& from, const AvroType& to, const std::string& path) {
    switch (from.kind()) {
      case TypeKind::kList: {
        if (!to.Is(AvroKind::kArray)) break;
        AvroWriteNode& node = New(What::kArray, to);
        node.parts.push_back(WEIR_TRY(Value(from.children()[0].type, *to.parts[0], path + "[]")));
        return &node;
      }
      case TypeKind::kMap: {
        if (!to.Is(AvroKind::kMap)) break;
        AvroWriteNode& node = New(What::kMap, to);
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

  AvroWriteNode* Leaf(const Type& from, const AvroType& to, What what) {
    AvroWriteNode& node = New(what, to);
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

  std::deque<AvroWriteNode>& nodes_;
};

}  // namespace

Result<const AvroWriteNode*> PlanAvroRecord(const Schema& schema, const AvroType& type,
                                            std::deque<AvroWriteNode>& nodes) {
  return static_cast<const AvroWriteNode*>(
      WEIR_TRY(WritePlanner(nodes).Record(schema.fields(), type, "")));
}

}  // namespace weir

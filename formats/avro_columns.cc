#include "formats/avro_columns.h"

#include <unordered_set>

#include <fmt/format.h>

#include "formats/errors.h"

namespace weir {
namespace {

constexpr size_t kMostColumnParts = 10000;

Status Fault(std::string_view path, std::string_view what, std::string cure) {
  return Status(errors::kFormatColumns, fmt::format("{}: {}", path, what), std::move(cure));
}

/// Makes the types of columns.
class TypeMaker {
 public:
  Result<Type> Make(const AvroType& type, const std::string& path) {
    if (++parts_ > kMostColumnParts) {
      return Fault(path, fmt::format("more than {} nested fields", kMostColumnParts), kCure);
    }
    switch (type.kind) {
      case AvroKind::kBoolean:
        return Type(TypeKind::kBool);
      case AvroKind::kFloat:
        return Type(TypeKind::kFloat);
      case AvroKind::kDouble:
        return Type(TypeKind::kDouble);
      case AvroKind::kString:
      case AvroKind::kEnum:
        return Type(TypeKind::kString);
      case AvroKind::kInt:
        return Type(type.logical == AvroLogical::kDate ? TypeKind::kDate : TypeKind::kInt32);
      case AvroKind::kLong:
        return Type(type.logical == AvroLogical::kNone || type.logical == AvroLogical::kTimeMicros
                        ? TypeKind::kInt64
                        : TypeKind::kTimestamp);
      case AvroKind::kBytes:
      case AvroKind::kFixed:
        return OfBytes(type, path);
      case AvroKind::kNull:
        return Type(TypeKind::kJson);
      case AvroKind::kUnion: {
        const AvroType* const one = WithoutNull(type);
        return one == nullptr ? Type(TypeKind::kJson) : Make(*one, path);
      }
      default:
        return Nested(type, path);
    }
  }

 private:
  static constexpr const char* kCure = "leave the field out of 'columns', or declare it as json";

  Result<Type> OfBytes(const AvroType& type, const std::string& path) {
    if (type.logical == AvroLogical::kUuid) return Type(TypeKind::kString);
    if (type.logical != AvroLogical::kDecimal) return Type(TypeKind::kBytes);
    if (type.precision <= 38) return Type::Decimal(type.precision, type.scale);
    return Fault(path, fmt::format("{} has more than 38 digits", Describe(type)),
                 "leave the field out of 'columns', or declare it as bytes");
  }

  Result<Type> Nested(const AvroType& type, const std::string& path) {
    if (!around_.insert(&type).second) {
      return Fault(path, fmt::format("{} holds itself, which no column can", Describe(type)),
                   kCure);
    }
    if (around_.size() > static_cast<size_t>(kDeepestAvroColumn)) {
      return Fault(path, "is nested too deep", kCure);
    }
    Result<Type> made = Inside(type, path);
    around_.erase(&type);
    return made;
  }
  Result<Type> Inside(const AvroType& type, const std::string& path) {
    if (type.Is(AvroKind::kArray)) return Type::List(WEIR_TRY(Make(*type.parts[0], path + "[]")));
    if (type.Is(AvroKind::kMap)) return Type::Map(WEIR_TRY(Make(*type.parts[0], path + "[]")));
    std::vector<Field> fields;
    for (const AvroField& field : type.fields) {
      fields.push_back({field.name, WEIR_TRY(Make(*field.type, path + "." + field.name))});
    }
    return Type::Struct(std::move(fields));
  }

  std::unordered_set<const AvroType*> around_;
  size_t parts_ = 0;
};

/// What the type would be without its logical type, where it has one.
AvroType Bare(const AvroType& type) {
  AvroType bare;
  bare.kind = type.kind;
  return bare;
}

/// Whether a column of type `to` may be declared for values of `from`.
bool MayBecome(const AvroType& from, const Type& to) {
  if (to.Is(TypeKind::kJson)) return true;
  const AvroType* const one = WithoutNull(from);
  if (one == nullptr) return false;
  switch (one->kind) {
    case AvroKind::kArray:
      return to.Is(TypeKind::kList) && MayBecome(*one->parts[0], to.children()[0].type);
    case AvroKind::kMap:
      return to.Is(TypeKind::kMap) && MayBecome(*one->parts[0], to.children()[1].type);
    case AvroKind::kRecord: {
      if (!to.Is(TypeKind::kStruct)) return false;
      for (const Field& field : to.children()) {
        const AvroField* const source = one->Find(field.name);
        if (source == nullptr || !MayBecome(*source->type, field.type)) return false;
      }
      return true;
    }
    default:
      break;
  }
  TypeMaker maker;
  for (const AvroType& plain : {*one, Bare(*one)}) {
    const Result<Type> own = maker.Make(plain, "");
    if (own.ok() && *own == to) return true;
  }
  switch (to.kind()) {
    case TypeKind::kInt64:
      return one->Is(AvroKind::kInt);
    case TypeKind::kDouble:
      return one->kind >= AvroKind::kInt && one->kind <= AvroKind::kFloat;
    case TypeKind::kString:
      return one->Is(AvroKind::kBytes);
    case TypeKind::kBytes:
      return one->Is(AvroKind::kString);
    case TypeKind::kTimestamp:
      return one->Is(AvroKind::kString) || (one->logical == AvroLogical::kNone &&
                                            (one->Is(AvroKind::kInt) || one->Is(AvroKind::kLong)));
    case TypeKind::kDate:
      return one->Is(AvroKind::kString);
    default:
      return false;
  }
}

std::vector<std::string> PathOf(const ColumnDeclaration& column) {
  std::string_view rest = column.from.empty() ? column.name : column.from;
  std::vector<std::string> path;
  // A column's own name may hold points; a path is said by `from`.
  if (column.from.empty()) return {std::string(rest)};
  for (;;) {
    const size_t point = rest.find('.');
    path.emplace_back(rest.substr(0, point));
    if (point == std::string_view::npos) return path;
    rest.remove_prefix(point + 1);
  }
}

Result<const AvroType*> TypeAt(const AvroType& root, const std::vector<std::string>& path,
                               const std::string& column) {
  const AvroType* type = &root;
  for (const std::string& name : path) {
    const AvroType* const record = WithoutNull(*type);
    const AvroField* const field =
        record == nullptr || !record->Is(AvroKind::kRecord) ? nullptr : record->Find(name);
    if (field == nullptr) {
      return Fault(fmt::format("column '{}'", column),
                   fmt::format("{} has no field '{}'", Describe(*type), name),
                   "name one of its fields, or the path of one by 'from'");
    }
    type = field->type;
  }
  return type;
}

Result<AvroColumn> One(const AvroType& root, const ColumnDeclaration& declared) {
  AvroColumn column;
  column.path = PathOf(declared);
  column.times = WEIR_TRY(TimeReader::Make(declared));
  const AvroType& type = *WEIR_TRY(TypeAt(root, column.path, declared.name));
  const std::string place = fmt::format("column '{}'", declared.name);
  column.type = declared.type;
  if (column.type.Is(TypeKind::kNull)) {
    column.type = WEIR_TRY(ColumnTypeOf(type, place));
  } else if (!MayBecome(type, column.type)) {
    const Result<Type> own = TypeMaker().Make(type, place);
    return Fault(place,
                 fmt::format("{} is not read from {}", column.type.ToString(), Describe(type)),
                 own.ok() ? fmt::format("declare it as {}, and cast it in a step", own->ToString())
                          : "declare it as json");
  }
  return column;
}

/// Every field as it is.
std::vector<ColumnDeclaration> AllFields(const AvroType& root) {
  std::vector<ColumnDeclaration> all(root.fields.size());
  for (size_t i = 0; i < all.size(); i++) all[i].name = root.fields[i].name;
  return all;
}

}  // namespace

const AvroType* WithoutNull(const AvroType& type) {
  if (!type.Is(AvroKind::kUnion)) return &type;
  const AvroType* one = nullptr;
  for (const AvroType* branch : type.parts) {
    if (branch->Is(AvroKind::kNull)) continue;
    if (one != nullptr) return nullptr;
    one = branch;
  }
  return one;
}

Result<Type> ColumnTypeOf(const AvroType& type, const std::string& path) {
  return TypeMaker().Make(type, path);
}

Result<AvroColumns> AvroColumns::Make(AvroSchemaPtr reader,
                                      const std::vector<ColumnDeclaration>& declared,
                                      const std::vector<int>& wanted) {
  const AvroType& root = reader->root();
  if (!root.Is(AvroKind::kRecord)) {
    return Fault("the Avro schema", fmt::format("{} is no record", Describe(root)),
                 "the fields of a record are the columns");
  }
  const std::vector<ColumnDeclaration> all = declared.empty() ? AllFields(root) : declared;
  AvroColumns made;
  std::vector<Field> fields;
  for (int index : wanted) {
    const ColumnDeclaration& column = all[static_cast<size_t>(index)];
    made.columns_.push_back(WEIR_TRY(One(root, column)));
    fields.push_back({column.name, made.columns_.back().type});
  }
  made.schema_ = std::make_shared<const Schema>(std::move(fields));
  made.reader_ = std::move(reader);
  return made;
}

Result<SchemaPtr> AvroColumns::SchemaOf(const AvroSchema& reader,
                                        const std::vector<ColumnDeclaration>& declared) {
  // A schema is borrowed here for the length of the call.
  const AvroSchemaPtr borrowed(AvroSchemaPtr(), &reader);
  std::vector<int> every(declared.empty() ? reader.root().fields.size() : declared.size());
  for (size_t i = 0; i < every.size(); i++) every[i] = static_cast<int>(i);
  return WEIR_TRY(Make(borrowed, declared, every)).schema();
}

}  // namespace weir

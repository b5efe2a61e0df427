#include <fmt/format.h>

#include "batch/render.h"
#include "formats/avro_encoder.h"
#include "formats/errors.h"

namespace weir {
namespace {

/// Writes the types of columns as a schema. A struct is a record named after its place, so that no
/// two have one name.
class SchemaWriter {
 public:
  Status Record(std::string_view name, const std::vector<Field>& fields) {
    out_ += "{\"type\":\"record\",\"name\":";
    AppendJsonString(out_, name);
    out_ += ",\"fields\":[";
    for (size_t i = 0; i < fields.size(); i++) {
      const Field& field = fields[i];
      if (!IsAvroName(field.name)) {
        return Status(errors::kAvroTypes,
                      fmt::format("'{}' is no name for a field of an Avro schema", field.name),
                      "rename the column: letters, digits and _, not a digit first");
      }
      out_ += i > 0 ? ",{\"name\":\"" : "{\"name\":\"";
      out_ += field.name + "\",\"type\":";
      WEIR_TRY(Nullable(fmt::format("{}_{}", name, field.name), field.type));
      out_ += ",\"default\":null}";
    }
    out_ += "]}";
    return Status::Ok();
  }
  std::string Take() { return std::move(out_); }

 private:
  Status Nullable(const std::string& place, const Type& type) {
    out_ += "[\"null\",";
    WEIR_TRY(One(place, type));
    out_ += "]";
    return Status::Ok();
  }

  Status One(const std::string& place, const Type& type) {
    switch (type.kind()) {
      case TypeKind::kBool:
        out_ += "\"boolean\"";
        return Status::Ok();
      case TypeKind::kInt32:
        out_ += "\"int\"";
        return Status::Ok();
      case TypeKind::kInt64:
        out_ += "\"long\"";
        return Status::Ok();
      case TypeKind::kFloat:
      case TypeKind::kDouble:
      case TypeKind::kString:
      case TypeKind::kBytes:
        out_ += "\"" + type.ToString() + "\"";
        return Status::Ok();
      case TypeKind::kJson:
        out_ += "\"string\"";
        return Status::Ok();
      case TypeKind::kDate:
        out_ += R"({"type":"int","logicalType":"date"})";
        return Status::Ok();
      case TypeKind::kTimestamp:
        out_ += R"({"type":"long","logicalType":"timestamp-micros"})";
        return Status::Ok();
      case TypeKind::kDecimal:
        out_ +=
            fmt::format(R"({{"type":"bytes","logicalType":"decimal","precision":{},"scale":{}}})",
                        type.precision(), type.scale());
        return Status::Ok();
      case TypeKind::kList:
        out_ += R"({"type":"array","items":)";
        WEIR_TRY(Nullable(place, type.children()[0].type));
        out_ += "}";
        return Status::Ok();
      case TypeKind::kMap:
        out_ += R"({"type":"map","values":)";
        WEIR_TRY(Nullable(place, type.children()[1].type));
        out_ += "}";
        return Status::Ok();
      case TypeKind::kStruct:
        return Record(place, type.children());
      default:
        return Status(errors::kAvroTypes,
                      fmt::format("Avro has no type for {} ({})", type.ToString(), place),
                      "cast the column in a step");
    }
  }

  std::string out_;
};

}  // namespace

Result<std::string> AvroSchemaOf(const Schema& schema, std::string_view name) {
  SchemaWriter writer;
  WEIR_TRY(writer.Record(name, schema.fields()));
  std::string text = writer.Take();
  // A name that is none, and names of structs that meet, are found here.
  WEIR_TRY(AvroSchema::Parse(text));
  return text;
}

}  // namespace weir

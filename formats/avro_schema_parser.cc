#include <algorithm>
#include <limits>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "batch/utf8.h"
#include "formats/avro_json.h"
#include "formats/avro_names.h"
#include "formats/avro_number.h"
#include "formats/avro_schema.h"
#include "formats/errors.h"
#include "formats/json_reader.h"
#include "formats/values.h"

namespace weir {
namespace {

using Json = nlohmann::json;

constexpr int64_t kLargestFixed = 16 << 20;

Status Fault(std::string_view path, std::string_view what) {
  return Status(errors::kAvroSchema,
                fmt::format("the Avro schema{}{}: {}", path.empty() ? "" : " at ", path, what),
                "correct the schema");
}

std::string Shown(std::string_view text) { return "'" + ForMessage(text) + "'"; }

std::string Below(const std::string& path, std::string_view name) {
  return path.empty() ? std::string(name) : fmt::format("{}.{}", path, name);
}

}  // namespace

/// Recursive descent over the schema's JSON, whose depth is bounded.
class AvroSchemaParser {
 public:
  /// Only its named types are wanted.
  Status Refer(const Json& json) {
    WEIR_TRY(Type(json, "", ""));
    return Status::Ok();
  }
  Result<AvroSchemaPtr> Whole(const Json& json) {
    schema_->root_ = WEIR_TRY(Type(json, "", ""));
    WEIR_TRY(Defaults());
    schema_->normalised_ = NormalisedText(*schema_->root_);
    return AvroSchemaPtr(std::move(schema_));
  }

 private:
  /// A field whose default waits until all types are known.
  struct PendingDefault {
    AvroType* record;
    size_t field;
    std::string path;
  };

  Result<AvroType*> New(AvroKind kind, const std::string& path) {
    WEIR_TRY(Count(path));
    AvroType& type = schema_->types_.emplace_back();
    type.kind = kind;
    type.empty = kind == AvroKind::kNull;
    return &type;
  }
  Status Count(const std::string& path) {
    if (++parts_ <= kMostAvroParts) return Status::Ok();
    return Fault(path, fmt::format("more than {} types, fields and symbols", kMostAvroParts));
  }

  /// `space` is the namespace that stands around the type.
  Result<const AvroType*> Type(const Json& json, const std::string& space,
                               const std::string& path) {
    if (json.is_string()) return Named(json.get_ref<const std::string&>(), space, path);
    if (json.is_array()) return Union(json, space, path);
    if (!json.is_object()) return Fault(path, "a type is a name, an object or a list of types");
    const auto kind = json.find("type");
    if (kind == json.end()) return Fault(path, "'type' is missing");
    if (!kind->is_string()) return Type(*kind, space, path);
    const auto& word = kind->get_ref<const std::string&>();
    if (word == "record" || word == "error") return Record(json, space, path);
    if (word == "enum") return Enum(json, space, path);
    if (word == "fixed") return Fixed(json, space, path);
    if (word == "array") return Container(AvroKind::kArray, "items", json, space, path);
    if (word == "map") return Container(AvroKind::kMap, "values", json, space, path);
    const std::optional<AvroKind> primitive = PrimitiveNamed(word);
    if (!primitive) return Named(word, space, path);
    AvroType* const type = WEIR_TRY(New(*primitive, path));
    Annotate(json, *type);
    return type;
  }

  Result<const AvroType*> Named(const std::string& name, const std::string& space,
                                const std::string& path) {
    if (const std::optional<AvroKind> primitive = PrimitiveNamed(name)) {
      return static_cast<const AvroType*>(WEIR_TRY(New(*primitive, path)));
    }
    auto found = named_.end();
    if (!space.empty() && name.find('.') == std::string::npos) {
      found = named_.find(space + "." + name);
    }
    if (found == named_.end()) found = named_.find(name);
    if (found == named_.end()) return Fault(path, fmt::format("no type {}", Shown(name)));
    return static_cast<const AvroType*>(found->second);
  }

  Result<const AvroType*> Union(const Json& json, const std::string& space,
                                const std::string& path) {
    AvroType* const type = WEIR_TRY(New(AvroKind::kUnion, path));
    if (json.empty()) return Fault(path, "a union without types");
    std::unordered_map<std::string, size_t> names;
    for (size_t i = 0; i < json.size(); i++) {
      const std::string at = fmt::format("{}[{}]", path, i);
      const AvroType* const branch = WEIR_TRY(Type(json[i], space, at));
      if (branch->Is(AvroKind::kUnion)) return Fault(at, "a union straight inside a union");
      const std::string name = branch->IsNamed() ? branch->name : std::string(NameOf(branch->kind));
      if (!names.try_emplace(name, i).second) return Fault(at, fmt::format("{} twice", name));
      type->parts.push_back(branch);
    }
    return type;
  }

  Result<const AvroType*> Container(AvroKind kind, const char* key, const Json& json,
                                    const std::string& space, const std::string& path) {
    AvroType* const type = WEIR_TRY(New(kind, path));
    const auto part = json.find(key);
    if (part == json.end()) return Fault(path, fmt::format("'{}' is missing", key));
    type->parts.push_back(WEIR_TRY(Type(*part, space, path + "[]")));
    return type;
  }

  Result<const AvroType*> Record(const Json& json, const std::string& space,
                                 const std::string& path) {
    AvroType* const type = WEIR_TRY(NewNamed(AvroKind::kRecord, json, space, path));
    const auto fields = json.find("fields");
    if (fields == json.end() || !fields->is_array()) return Fault(path, "'fields' is no list");
    const std::string inner = SpaceOf(type->name);
    type->fields.reserve(fields->size());
    std::unordered_map<std::string, size_t> names;
    for (const Json& one : *fields) {
      AvroField field = WEIR_TRY(Field(one, inner, path));
      if (!names.try_emplace(field.name, type->fields.size()).second) {
        return Fault(Below(path, field.name), "a field of that name is there twice");
      }
      if (field.default_json) {
        pending_.push_back({type, type->fields.size(), Below(path, field.name)});
      }
      type->fields.push_back(std::move(field));
    }
    type->empty = std::all_of(type->fields.begin(), type->fields.end(),
                              [](const AvroField& field) { return field.type->empty; });
    return type;
  }

  Result<AvroField> Field(const Json& json, const std::string& space, const std::string& path) {
    WEIR_TRY(Count(path));
    AvroField field;
    if (!json.is_object()) return Fault(path, "a field is no object");
    field.name = WEIR_TRY(Name(json, path));
    const std::string at = Below(path, field.name);
    if (!IsAvroName(field.name)) return Fault(at, NoName(field.name));
    const auto type = json.find("type");
    if (type == json.end()) return Fault(at, "'type' is missing");
    field.type = WEIR_TRY(Type(*type, space, at));
    for (const std::string& alias : WEIR_TRY(Texts(json, "aliases", at))) {
      if (!IsAvroName(alias)) return Fault(at, NoName(alias));
      field.aliases.push_back(alias);
    }
    const auto value = json.find("default");
    if (value != json.end()) field.default_json = value->dump();
    return field;
  }

  Result<const AvroType*> Enum(const Json& json, const std::string& space,
                               const std::string& path) {
    AvroType* const type = WEIR_TRY(NewNamed(AvroKind::kEnum, json, space, path));
    type->symbols = WEIR_TRY(Texts(json, "symbols", path));
    if (type->symbols.empty()) return Fault(path, "an enum without symbols");
    std::unordered_map<std::string, size_t> places;
    for (const std::string& symbol : type->symbols) {
      WEIR_TRY(Count(path));
      if (!IsAvroName(symbol)) return Fault(path, NoName(symbol));
      if (!places.try_emplace(symbol, places.size()).second) {
        return Fault(path, fmt::format("the symbol {} twice", Shown(symbol)));
      }
    }
    const auto fallback = json.find("default");
    if (fallback == json.end()) return type;
    const auto place =
        fallback->is_string() ? places.find(fallback->get<std::string>()) : places.end();
    if (place == places.end()) return Fault(path, "the enum's default is none of its symbols");
    type->default_symbol = place->second;
    return type;
  }

  Result<const AvroType*> Fixed(const Json& json, const std::string& space,
                                const std::string& path) {
    AvroType* const type = WEIR_TRY(NewNamed(AvroKind::kFixed, json, space, path));
    const int64_t size = Whole(json, "size", -1);
    if (size < 0 || size > kLargestFixed) {
      return Fault(path, fmt::format("'size' is no number of bytes up to {}", kLargestFixed));
    }
    type->size = static_cast<size_t>(size);
    type->empty = size == 0;
    Annotate(json, *type);
    return type;
  }

  /// Gives `type` the logical type that is asked for, where it makes sense.
  static void Annotate(const Json& json, AvroType& type) {
    const auto word = json.find("logicalType");
    if (word == json.end() || !word->is_string()) return;
    const AvroLogical logical = LogicalNamed(word->get_ref<const std::string&>(), type);
    if (logical == AvroLogical::kUuid && type.Is(AvroKind::kFixed) && type.size != 16) return;
    if (logical == AvroLogical::kDecimal) {
      const int64_t precision = Whole(json, "precision", -1);
      const int64_t scale = Whole(json, "scale", json.contains("scale") ? -1 : 0);
      const bool fits = !type.Is(AvroKind::kFixed) || precision <= PrecisionOfFixed(type.size);
      constexpr int64_t kLargest = 1 << 20;
      if (precision < 1 || precision > kLargest || scale < 0 || scale > precision || !fits) return;
      type.precision = static_cast<int>(precision);
      type.scale = static_cast<int>(scale);
    }
    type.logical = logical;
  }

  Result<AvroType*> NewNamed(AvroKind kind, const Json& json, const std::string& space,
                             const std::string& path) {
    AvroType* const type = WEIR_TRY(New(kind, path));
    const std::string name = WEIR_TRY(Name(json, path));
    std::string inner = space;
    const auto given = json.find("namespace");
    if (given != json.end() && given->is_string()) inner = given->get<std::string>();
    type->name = WEIR_TRY(FullName(name, inner, path));
    if (PrimitiveNamed(type->name)) return Fault(path, NoName(type->name));
    if (!named_.try_emplace(type->name, type).second) {
      return Fault(path, fmt::format("the type {} is defined twice", Shown(type->name)));
    }
    for (const std::string& alias : WEIR_TRY(Texts(json, "aliases", path))) {
      type->aliases.push_back(WEIR_TRY(FullName(alias, SpaceOf(type->name), path)));
    }
    return type;
  }

  static Result<std::string> FullName(const std::string& name, const std::string& space,
                                      const std::string& path) {
    const bool qualified = name.find('.') != std::string::npos;
    std::string full = qualified || space.empty() ? name : space + "." + name;
    std::string_view rest = full;
    for (;;) {
      const size_t point = rest.find('.');
      if (!IsAvroName(rest.substr(0, point))) return Fault(path, NoName(full));
      if (point == std::string_view::npos) return full;
      rest.remove_prefix(point + 1);
    }
  }
  static std::string SpaceOf(const std::string& full_name) {
    const size_t point = full_name.rfind('.');
    return point == std::string::npos ? "" : full_name.substr(0, point);
  }
  static std::string NoName(std::string_view name) {
    return fmt::format("{} is no name (letters, digits and _, not a digit first)", Shown(name));
  }

  static Result<std::string> Name(const Json& json, const std::string& path) {
    const auto name = json.find("name");
    if (name == json.end() || !name->is_string()) return Fault(path, "'name' is missing");
    return name->get<std::string>();
  }
  static Result<std::vector<std::string>> Texts(const Json& json, const char* key,
                                                const std::string& path) {
    std::vector<std::string> texts;
    const auto list = json.find(key);
    if (list == json.end()) return texts;
    if (!list->is_array()) return Fault(path, fmt::format("'{}' is no list", key));
    for (const Json& one : *list) {
      if (!one.is_string()) return Fault(path, fmt::format("'{}' holds what is no text", key));
      texts.push_back(one.get<std::string>());
    }
    return texts;
  }
  /// The number under `key`, or `otherwise`.
  static int64_t Whole(const Json& json, const char* key, int64_t otherwise) {
    const auto number = json.find(key);
    if (number == json.end() || !number->is_number_integer()) return otherwise;
    if (number->is_number_unsigned() &&
        number->get<uint64_t>() > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
      return otherwise;
    }
    return number->get<int64_t>();
  }

  Status Defaults() {
    size_t sum = 0;
    for (const PendingDefault& pending : pending_) {
      AvroField& field = pending.record->fields[pending.field];
      AvroJsonWriter writer(AvroJsonStyle::kDefault);
      if (!writer.Append(Json::parse(*field.default_json), *field.type, field.default_bytes)) {
        return Fault(pending.path, "the default" + writer.fault());
      }
      sum += field.default_bytes.size();
      if (sum > kLongestAvroSchema) return Fault(pending.path, "the defaults are too long");
    }
    return Status::Ok();
  }

  std::shared_ptr<AvroSchema> schema_{new AvroSchema()};
  std::unordered_map<std::string, AvroType*> named_;
  std::vector<PendingDefault> pending_;
  size_t parts_ = 0;
};

namespace {

/// The JSON of a schema's text, whose size, depth and encoding are in bounds.
Result<Json> ReadSchemaJson(std::string_view json) {
  if (json.size() > kLongestAvroSchema) {
    return Fault("", fmt::format("longer than {} bytes", kLongestAvroSchema));
  }
  if (!IsUtf8(json)) return Fault("", "is not UTF-8");
  JsonReader reader(json);
  std::string_view span;
  if (!reader.ReadValue(span) || !reader.AtEnd()) {
    if (reader.too_deep()) return Fault("", fmt::format("deeper than {} levels", kDeepestJson));
    // A schema of one word may stand without quotes.
    if (PrimitiveNamed(json)) return Json(std::string(json));
    return Fault("", fmt::format("is not JSON, at character {}", reader.position() + 1));
  }
  Json read = Json::parse(json, nullptr, /*allow_exceptions=*/false);
  if (read.is_discarded()) return Fault("", "is not JSON");
  return read;
}

}  // namespace

Result<AvroSchemaPtr> AvroSchema::Parse(std::string_view json,
                                        std::span<const std::string> referred) {
  AvroSchemaParser parser;
  for (const std::string& each : referred) {
    WEIR_TRY(parser.Refer(WEIR_TRY(ReadSchemaJson(each))));
  }
  return parser.Whole(WEIR_TRY(ReadSchemaJson(json)));
}

}  // namespace weir

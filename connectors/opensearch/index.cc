#include "connectors/opensearch/index.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/log.h"
#include "clients/errors.h"
#include "connectors/opensearch/bulk.h"
#include "connectors/opensearch/errors.h"

namespace weir::opensearch {
namespace {

using nlohmann::json;

/// As the server maps texts that it meets for the first time.
json Text() {
  return {{"type", "text"},
          {"fields", {{"keyword", {{"type", "keyword"}, {"ignore_above", 256}}}}}};
}

json Properties(const std::vector<Field>& fields);

/// None: the server decides by the first value.
std::optional<json> FieldOf(const Type& type) {
  switch (type.kind()) {
    case TypeKind::kBool:
      return json{{"type", "boolean"}};
    case TypeKind::kInt32:
      return json{{"type", "integer"}};
    case TypeKind::kInt64:
    case TypeKind::kDuration:
      return json{{"type", "long"}};
    case TypeKind::kFloat:
      return json{{"type", "float"}};
    case TypeKind::kDouble:
    case TypeKind::kDecimal:
      return json{{"type", "double"}};
    case TypeKind::kString:
      return Text();
    case TypeKind::kBytes:
      return json{{"type", "binary"}};
    case TypeKind::kDate:
    case TypeKind::kTimestamp:
      return json{{"type", "date"}};
    case TypeKind::kList:  // Each field may hold several values.
      return FieldOf(type.children()[0].type);
    case TypeKind::kStruct:
      return json{{"properties", Properties(type.children())}};
    case TypeKind::kMap:
    case TypeKind::kJson:
    case TypeKind::kNull:
      return std::nullopt;
  }
  return std::nullopt;
}

json Properties(const std::vector<Field>& fields) {
  json properties = json::object();
  for (const Field& field : fields) {
    if (std::optional<json> mapped = FieldOf(field.type)) {
      properties[field.name] = std::move(*mapped);
    }
  }
  return properties;
}

json Given(const FieldTypes& given, json properties = json::object()) {
  for (const auto& [name, type] : given) properties[name] = json{{"type", type}};
  return properties;
}

/// What the server calls a field without a type.
std::string TypeOf(const json& field) {
  const auto type = field.find("type");
  return type != field.end() && type->is_string() ? type->get<std::string>() : "object";
}

Result<HttpResponse> Ask(Connection& connection, const std::string& method, std::string path,
                         const std::string& body) {
  Connection::Call call;
  call.method = method;
  call.path = std::move(path);
  call.body = body;
  return connection.Send(call);
}

}  // namespace

std::string IndexBody(const Schema& schema, const FieldTypes& given) {
  return json{{"mappings", {{"properties", Given(given, Properties(schema.fields()))}}}}.dump();
}

std::string MappingBody(const FieldTypes& given) {
  return json{{"properties", Given(given)}}.dump();
}

Result<FieldTypes> CompareMapping(std::string_view answer, const FieldTypes& given,
                                  const std::string& index) {
  const json indices = json::parse(answer, nullptr, /*allow_exceptions=*/false);
  if (!indices.is_object()) {
    return Status(errors::kBadAnswer,
                  fmt::format("the mapping of index '{}' is no JSON object", index),
                  "see that the address is that of an OpenSearch or Elasticsearch server");
  }
  FieldTypes lacking;
  std::string conflicts;
  for (const auto& [name, mapping] : indices.items()) {
    json properties = json::object();
    if (mapping.is_object() && mapping.contains("mappings") && mapping["mappings"].is_object()) {
      properties = mapping["mappings"].value("properties", json::object());
    }
    for (const auto& [field, type] : given) {
      const auto there = properties.find(field);
      if (there == properties.end() || !there->is_object()) {
        lacking[field] = type;
      } else if (TypeOf(*there) != type) {
        conflicts +=
            fmt::format("\n  '{}' is {}, and the job says {}", field, TypeOf(*there), type);
      }
    }
  }
  if (conflicts.empty()) return lacking;
  return Status(
      errors::kMappingConflict,
      fmt::format("index '{}' maps fields in another way than the job:{}", index, conflicts),
      "mend the job's 'mapping', or write to another index: a field's type cannot be "
      "changed once it is there");
}

Status PrepareIndex(Connection& connection, const std::string& index, const Schema& schema,
                    const FieldTypes& given) {
  const std::string what = fmt::format("looking at index '{}' at {}", index, connection.address());
  auto answer = WEIR_TRY(Ask(connection, "GET", fmt::format("/{}/_mapping", index), ""));
  if (given.empty()) return answer.status == 404 ? Status::Ok() : JudgeAnswer(answer, what);
  if (answer.status == 404) {
    const HttpResponse made =
        WEIR_TRY(Ask(connection, "PUT", "/" + index, IndexBody(schema, given)));
    const std::string reason = ReasonOf(made.body);
    if (made.status != 400 || !reason.starts_with("resource_already_exists_exception")) {
      WEIR_TRY(
          JudgeAnswer(made, fmt::format("making index '{}' at {}", index, connection.address())));
      log::Info("index made", {{"index", index}, {"address", connection.address()}});
      return Status::Ok();
    }
    // Somebody was faster.
    answer = WEIR_TRY(Ask(connection, "GET", fmt::format("/{}/_mapping", index), ""));
  }
  WEIR_TRY(JudgeAnswer(answer, what));
  const FieldTypes lacking = WEIR_TRY(CompareMapping(answer.body, given, index));
  if (lacking.empty()) return Status::Ok();
  const HttpResponse added =
      WEIR_TRY(Ask(connection, "PUT", fmt::format("/{}/_mapping", index), MappingBody(lacking)));
  return JudgeAnswer(added,
                     fmt::format("adding fields to index '{}' at {}", index, connection.address()));
}

}  // namespace weir::opensearch

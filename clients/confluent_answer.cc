#include "clients/confluent_answer.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "clients/errors.h"

namespace weir {
namespace {

using Json = nlohmann::json;

constexpr size_t kMostMessage = 300;

constexpr std::pair<SchemaCompatibility, const char*> kCompatibilities[] = {
    {SchemaCompatibility::kNone, "NONE"},
    {SchemaCompatibility::kBackward, "BACKWARD"},
    {SchemaCompatibility::kBackwardAll, "BACKWARD_TRANSITIVE"},
    {SchemaCompatibility::kForward, "FORWARD"},
    {SchemaCompatibility::kForwardAll, "FORWARD_TRANSITIVE"},
    {SchemaCompatibility::kFull, "FULL"},
    {SchemaCompatibility::kFullAll, "FULL_TRANSITIVE"},
};

Status NotUnderstood(const std::string& what) {
  return Status(errors::kBadAnswer, what + ": the answer makes no sense",
                "see that url is that of a schema registry, and nothing before it");
}

Json Parsed(const std::string& body) {
  return Json::parse(body, nullptr, /*allow_exceptions=*/false);
}

std::string TextIn(const Json& json, const char* name) {
  const auto at = json.is_object() ? json.find(name) : json.end();
  return at != json.end() && at->is_string() ? at->get<std::string>() : std::string();
}

int64_t NumberIn(const Json& json, const char* name) {
  const auto at = json.is_object() ? json.find(name) : json.end();
  return at != json.end() && at->is_number_integer() ? at->get<int64_t>() : 0;
}

std::optional<SchemaId> IdIn(const Json& json) {
  const int64_t id = NumberIn(json, "id");
  if (id < 0 || id > UINT32_MAX || !json.is_object() || !json.contains("id")) return std::nullopt;
  return SchemaId::OfNumber(static_cast<uint32_t>(id));
}

}  // namespace

ConfluentFault ReadConfluentFault(const HttpResponse& response) {
  const Json json = Parsed(response.body);
  return {static_cast<int>(NumberIn(json, "error_code")), TextIn(json, "message")};
}

Status ConfluentRefusal(const std::string& what, const HttpResponse& response) {
  const ConfluentFault fault = ReadConfluentFault(response);
  std::string text = what + ": status " + std::to_string(response.status);
  if (fault.code != 0 && fault.code != response.status) text += " " + std::to_string(fault.code);
  if (!fault.message.empty()) text += " (" + fault.message.substr(0, kMostMessage) + ")";
  if (MayPass(response.status)) {
    return Status(errors::kServiceBusy, text, "it should pass; if it does not, see the registry");
  }
  if (response.status == 401 || response.status == 403) {
    return Status(errors::kAccessDenied, text,
                  "see user and password, and what they may do in the registry");
  }
  if (response.status == 409) {
    return Status(errors::kSchemaRefused, text,
                  "it does not fit the versions that the subject has: mend the schema, or the "
                  "subject's compatibility");
  }
  if (response.status == 422) {
    return Status(errors::kSchemaRefused, text, "the registry finds it invalid: see the message");
  }
  if (response.status == 404 && !fault.missing()) {
    return Status(errors::kServiceRefused, text,
                  "there is no schema registry at this address: see url, and the path in it");
  }
  return Status(errors::kServiceRefused, text, "see the registry's settings and version");
}

Result<ConfluentSchema> ReadConfluentSchema(const std::string& body, const std::string& what) {
  const Json json = Parsed(body);
  ConfluentSchema found;
  found.registered.id = IdIn(json).value_or(SchemaId());
  found.registered.version = static_cast<int>(NumberIn(json, "version"));
  found.registered.schema.text = TextIn(json, "schema");
  const std::string type = TextIn(json, "schemaType");
  const std::optional<SchemaKind> kind = type.empty() ? SchemaKind::kAvro : SchemaKindOf(type);
  if (found.registered.schema.text.empty() || !kind) return NotUnderstood(what);
  found.registered.schema.kind = *kind;
  const auto references = json.find("references");
  if (references == json.end() || !references->is_array()) return found;
  for (const Json& each : *references) {
    found.references.push_back({TextIn(each, "name"), TextIn(each, "subject"),
                                static_cast<int>(NumberIn(each, "version"))});
    if (found.references.back().subject.empty()) return NotUnderstood(what);
  }
  return found;
}

Result<SchemaId> ReadConfluentId(const std::string& body, const std::string& what) {
  const std::optional<SchemaId> id = IdIn(Parsed(body));
  if (!id) return NotUnderstood(what);
  return *id;
}

Result<std::vector<int>> ReadConfluentVersions(const std::string& body, const std::string& what) {
  const Json json = Parsed(body);
  if (!json.is_array()) return NotUnderstood(what);
  std::vector<int> versions;
  for (const Json& each : json) {
    if (!each.is_number_integer()) return NotUnderstood(what);
    versions.push_back(each.get<int>());
  }
  return versions;
}

Result<SchemaCompatibility> ReadConfluentCompatibility(const std::string& body,
                                                       const std::string& what) {
  const Json json = Parsed(body);
  for (const auto& [compatibility, name] : kCompatibilities) {
    if (TextIn(json, "compatibilityLevel") == name) return compatibility;
  }
  return NotUnderstood(what);
}

Result<SchemaVerdict> ReadConfluentVerdict(const std::string& body, const std::string& what) {
  const Json json = Parsed(body);
  const auto compatible = json.is_object() ? json.find("is_compatible") : json.end();
  if (compatible == json.end() || !compatible->is_boolean()) return NotUnderstood(what);
  SchemaVerdict verdict;
  verdict.compatible = compatible->get<bool>();
  const std::string reason = TextIn(json, "reason");  // Apicurio's.
  if (!reason.empty()) verdict.messages.push_back(reason);
  const auto messages = json.find("messages");
  if (messages == json.end() || !messages->is_array()) return verdict;
  for (const Json& each : *messages) {
    if (each.is_string()) verdict.messages.push_back(each.get<std::string>());
  }
  return verdict;
}

std::string ConfluentSchemaBody(const SchemaText& schema) {
  Json json = {{"schema", schema.text}};
  // Older registries know Avro only, and not this field.
  if (schema.kind != SchemaKind::kAvro) json["schemaType"] = NameOf(schema.kind);
  return json.dump();
}

std::optional<std::string> ConfluentCompatibilityBody(SchemaCompatibility compatibility) {
  for (const auto& [each, name] : kCompatibilities) {
    if (each == compatibility) return Json{{"compatibility", name}}.dump();
  }
  return std::nullopt;
}

}  // namespace weir

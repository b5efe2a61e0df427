#include "clients/glue_answer.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "base/check.h"
#include "clients/errors.h"

namespace weir {
namespace {

using Json = nlohmann::json;

constexpr std::pair<SchemaCompatibility, const char*> kCompatibilities[] = {
    {SchemaCompatibility::kNone, "NONE"},
    {SchemaCompatibility::kDisabled, "DISABLED"},
    {SchemaCompatibility::kBackward, "BACKWARD"},
    {SchemaCompatibility::kBackwardAll, "BACKWARD_ALL"},
    {SchemaCompatibility::kForward, "FORWARD"},
    {SchemaCompatibility::kForwardAll, "FORWARD_ALL"},
    {SchemaCompatibility::kFull, "FULL"},
    {SchemaCompatibility::kFullAll, "FULL_ALL"},
};
constexpr std::pair<GlueStatus, const char*> kStatuses[] = {
    {GlueStatus::kAvailable, "AVAILABLE"},
    {GlueStatus::kPending, "PENDING"},
    {GlueStatus::kFailure, "FAILURE"},
    {GlueStatus::kDeleting, "DELETING"},
};

Status NotUnderstood(const std::string& what) {
  return Status(errors::kBadAnswer, what + ": the answer makes no sense",
                "see that the endpoint is AWS Glue, and nothing before it");
}

Json Parsed(const std::string& body) {
  return Json::parse(body, nullptr, /*allow_exceptions=*/false);
}

std::string TextIn(const Json& json, const char* name) {
  const auto at = json.is_object() ? json.find(name) : json.end();
  return at != json.end() && at->is_string() ? at->get<std::string>() : std::string();
}

std::string NameOfCompatibility(SchemaCompatibility compatibility) {
  for (const auto& [each, name] : kCompatibilities) {
    if (each == compatibility) return name;
  }
  WEIR_CHECK(false, "a compatibility without a name");
}

Json SchemaIdOf(const GlueSchemaName& name) {
  Json id = {{"SchemaName", name.schema}};
  if (!name.registry.empty()) id["RegistryName"] = name.registry;
  return id;
}

Result<GlueVersion> VersionIn(const Json& json, const std::string& what) {
  GlueVersion version;
  const std::optional<SchemaId> id = SchemaId::FromText(TextIn(json, "SchemaVersionId"));
  if (!id || id->bytes().size() != 16) return NotUnderstood(what);
  version.id = *id;
  const auto number = json.find("VersionNumber");
  if (number != json.end() && number->is_number_integer()) version.version = number->get<int>();
  // CreateSchema calls it otherwise.
  std::string status = TextIn(json, "Status");
  if (status.empty()) status = TextIn(json, "SchemaVersionStatus");
  for (const auto& [each, name] : kStatuses) {
    if (status == name) version.status = each;
  }
  const std::string text = TextIn(json, "SchemaDefinition");
  if (!text.empty()) {
    const std::optional<SchemaKind> kind = SchemaKindOf(TextIn(json, "DataFormat"));
    if (!kind) return NotUnderstood(what);
    version.schema = SchemaText{*kind, text};
  }
  return version;
}

}  // namespace

Result<GlueVersion> ReadGlueVersion(const std::string& body, const std::string& what) {
  return VersionIn(Parsed(body), what);
}

Result<GlueVersionPage> ReadGlueVersions(const std::string& body, const std::string& what) {
  const Json json = Parsed(body);
  const auto versions = json.is_object() ? json.find("Schemas") : json.end();
  if (versions == json.end() || !versions->is_array()) return NotUnderstood(what);
  GlueVersionPage page;
  for (const Json& each : *versions) page.versions.push_back(WEIR_TRY(VersionIn(each, what)));
  page.next = TextIn(json, "NextToken");
  return page;
}

Result<SchemaCompatibility> ReadGlueCompatibility(const std::string& body,
                                                  const std::string& what) {
  const std::string said = TextIn(Parsed(body), "Compatibility");
  for (const auto& [compatibility, name] : kCompatibilities) {
    if (said == name) return compatibility;
  }
  return NotUnderstood(what);
}

std::string GetSchemaVersionBody(const SchemaId& id) {
  return Json{{"SchemaVersionId", id.ToString()}}.dump();
}

std::string GetNewestSchemaVersionBody(const GlueSchemaName& name) {
  return Json{{"SchemaId", SchemaIdOf(name)}, {"SchemaVersionNumber", {{"LatestVersion", true}}}}
      .dump();
}

std::string GetSchemaByDefinitionBody(const GlueSchemaName& name, const std::string& text) {
  return Json{{"SchemaId", SchemaIdOf(name)}, {"SchemaDefinition", text}}.dump();
}

std::string ListSchemaVersionsBody(const GlueSchemaName& name, const std::string& next) {
  Json json = {{"SchemaId", SchemaIdOf(name)}, {"MaxResults", 100}};
  if (!next.empty()) json["NextToken"] = next;
  return json.dump();
}

std::string GetSchemaBody(const GlueSchemaName& name) {
  return Json{{"SchemaId", SchemaIdOf(name)}}.dump();
}

std::string CreateSchemaBody(const GlueSchemaName& name, const SchemaText& schema,
                             SchemaCompatibility compatibility, const std::string& description) {
  Json json = {{"SchemaName", name.schema},
               {"DataFormat", NameOf(schema.kind)},
               {"Compatibility", NameOfCompatibility(compatibility)},
               {"SchemaDefinition", schema.text}};
  if (!name.registry.empty()) json["RegistryId"] = {{"RegistryName", name.registry}};
  if (!description.empty()) json["Description"] = description;
  return json.dump();
}

std::string RegisterSchemaVersionBody(const GlueSchemaName& name, const std::string& text) {
  return Json{{"SchemaId", SchemaIdOf(name)}, {"SchemaDefinition", text}}.dump();
}

std::string UpdateSchemaBody(const GlueSchemaName& name, SchemaCompatibility compatibility) {
  return Json{{"SchemaId", SchemaIdOf(name)},
              {"SchemaVersionNumber", {{"LatestVersion", true}}},
              {"Compatibility", NameOfCompatibility(compatibility)}}
      .dump();
}

}  // namespace weir

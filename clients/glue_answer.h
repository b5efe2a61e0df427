#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "clients/schema_registry.h"

/// What the schema registry of AWS Glue is asked, and says. Pure.
/// https://docs.aws.amazon.com/glue/latest/webapi/API_SchemaId.html and its neighbours
namespace weir {

/// A schema (what others call a subject) within a registry.
struct GlueSchemaName {
  std::string registry;  ///< Empty: the account's default one.
  std::string schema;
};

enum class GlueStatus { kAvailable, kPending, kFailure, kDeleting };

/// A version as the API describes it; what an answer does not say is as it is here.
struct GlueVersion {
  SchemaId id;
  int version = 0;
  GlueStatus status = GlueStatus::kAvailable;
  std::optional<SchemaText> schema;
};
/// Of any call that answers with one version. Errors: kBadAnswer.
Result<GlueVersion> ReadGlueVersion(const std::string& body, const std::string& what);

struct GlueVersionPage {
  std::vector<GlueVersion> versions;
  std::string next;  ///< Token of the next page; empty: this is the last.
};
Result<GlueVersionPage> ReadGlueVersions(const std::string& body, const std::string& what);
Result<SchemaCompatibility> ReadGlueCompatibility(const std::string& body, const std::string& what);

/// Bodies of requests, named after the calls.
std::string GetSchemaVersionBody(const SchemaId& id);
std::string GetNewestSchemaVersionBody(const GlueSchemaName& name);
std::string GetSchemaByDefinitionBody(const GlueSchemaName& name, const std::string& text);
std::string ListSchemaVersionsBody(const GlueSchemaName& name, const std::string& next);
std::string GetSchemaBody(const GlueSchemaName& name);
std::string CreateSchemaBody(const GlueSchemaName& name, const SchemaText& schema,
                             SchemaCompatibility compatibility, const std::string& description);
std::string RegisterSchemaVersionBody(const GlueSchemaName& name, const std::string& text);
std::string UpdateSchemaBody(const GlueSchemaName& name, SchemaCompatibility compatibility);

}  // namespace weir

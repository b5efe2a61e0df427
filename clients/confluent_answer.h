#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "clients/http.h"
#include "clients/schema_registry.h"

/// What a Confluent-style registry says. Pure.
/// https://docs.confluent.io/platform/current/schema-registry/develop/api.html
namespace weir {

/// What it says of a request that it did not do.
struct ConfluentFault {
  int code = 0;  ///< `40403`; 0 where the answer is none of a registry's.
  std::string message;
  /// Whether what was asked for is not there: a subject, a version, a schema, or a choice of
  /// compatibility. An address at which there is no registry is something else.
  bool missing() const { return code / 100 == 404; }
};
ConfluentFault ReadConfluentFault(const HttpResponse& response);

/// The error of an answer: kServiceBusy, kAccessDenied, kSchemaRefused or kServiceRefused.
Status ConfluentRefusal(const std::string& what, const HttpResponse& response);

/// A schema that this one needs, by the name that it calls it.
struct ConfluentReference {
  std::string name;
  std::string subject;
  int version = 0;
};
struct ConfluentSchema {
  RegisteredSchema registered;  ///< Its dependencies are not there yet.
  std::vector<ConfluentReference> references;
};
/// The schema of an answer; an `id` that it does not say stays that of nothing. Errors: kBadAnswer.
Result<ConfluentSchema> ReadConfluentSchema(const std::string& body, const std::string& what);
Result<SchemaId> ReadConfluentId(const std::string& body, const std::string& what);
Result<std::vector<int>> ReadConfluentVersions(const std::string& body, const std::string& what);
Result<SchemaCompatibility> ReadConfluentCompatibility(const std::string& body,
                                                       const std::string& what);

/// Whether a schema could become a subject's newest version, and what stands against it.
struct SchemaVerdict {
  bool compatible = false;
  std::vector<std::string> messages;
};
Result<SchemaVerdict> ReadConfluentVerdict(const std::string& body, const std::string& what);

/// Bodies of requests.
std::string ConfluentSchemaBody(const SchemaText& schema);
/// None for kDisabled, which such registries do not have.
std::optional<std::string> ConfluentCompatibilityBody(SchemaCompatibility compatibility);

}  // namespace weir

#include "clients/glue_registry.h"

#include <algorithm>

#include "clients/aws_answer.h"
#include "clients/aws_rights.h"
#include "clients/errors.h"

namespace weir {
namespace {

std::string RightsNeeded() {
  return "the keys need " + ActionsOf(aws_use::kReadSchemas) + ", and to write new schemas " +
         ActionsOf(aws_use::kWriteSchemas) + ", on the registry and its schemas";
}

}  // namespace

GlueRegistry::GlueRegistry(std::string registry, std::string description,
                           std::unique_ptr<AwsService> service)
    : registry_(std::move(registry)),
      description_(std::move(description)),
      service_(std::move(service)) {}

Result<std::unique_ptr<GlueRegistry>> GlueRegistry::Make(GlueRegistryOptions options,
                                                         AwsCredentialProvider& credentials,
                                                         const Clock& clock) {
  std::unique_ptr<AwsService> service = WEIR_TRY(
      AwsService::Make({"glue", options.region, options.endpoint, options.http, options.retry},
                       &credentials, clock));
  return std::unique_ptr<GlueRegistry>(
      new GlueRegistry(options.registry, options.description, std::move(service)));
}

FrameSplit GlueRegistry::SplitFrame(std::string_view record) const {
  return SplitGlueFrame(record);
}

void GlueRegistry::AppendFrameHeader(const SchemaId& id, std::string& out) const {
  out += '\x03';
  out += '\0';
  out += id.bytes();
}

/// The body of a good answer; none where what was asked for is not there.
Result<std::optional<std::string>> GlueRegistry::Call(const std::string& operation,
                                                      const std::string& body) {
  HttpResponse answer = WEIR_TRY(service_->PostJson("AWSGlue." + operation, body));
  if (answer.status == 200) return std::optional(std::move(answer.body));
  const AwsFault fault = ReadAwsFault(answer);
  if (fault.code == "EntityNotFoundException") return std::optional<std::string>();
  return AwsRefusal(service_->WhatOf(operation), answer.status, fault, RightsNeeded());
}

Result<std::optional<RegisteredSchema>> GlueRegistry::Fetch(const std::string& body) {
  const std::optional<std::string> answer = WEIR_TRY(Call("GetSchemaVersion", body));
  if (!answer) return std::optional<RegisteredSchema>();
  const std::string what = service_->WhatOf("GetSchemaVersion");
  GlueVersion version = WEIR_TRY(ReadGlueVersion(*answer, what));
  if (!version.schema) {
    return Status(errors::kBadAnswer, what + ": a version without its schema",
                  "see that the endpoint is AWS Glue");
  }
  return std::optional(
      RegisteredSchema{version.id, version.version, std::move(*version.schema), {}});
}

Result<std::optional<RegisteredSchema>> GlueRegistry::FetchById(const SchemaId& id) {
  return Fetch(GetSchemaVersionBody(id));
}

Result<std::optional<RegisteredSchema>> GlueRegistry::Newest(const std::string& subject) {
  const std::string body = GetNewestSchemaVersionBody(NameOf(subject));
  const std::optional<std::string> answer = WEIR_TRY(Call("GetSchemaVersion", body));
  if (!answer) return std::optional<RegisteredSchema>();
  const GlueVersion version =
      WEIR_TRY(ReadGlueVersion(*answer, service_->WhatOf("GetSchemaVersion")));
  if (version.status == GlueStatus::kAvailable && version.schema) {
    return std::optional(RegisteredSchema{version.id, version.version, *version.schema, {}});
  }
  // One that Glue has refused, or not yet looked at, does not count.
  std::vector<RegisteredSchema> versions = WEIR_TRY(Versions(subject));
  if (versions.empty()) return std::optional<RegisteredSchema>();
  return std::optional(std::move(versions.back()));
}

Result<std::vector<RegisteredSchema>> GlueRegistry::Versions(const std::string& subject) {
  std::vector<GlueVersion> listed;
  std::string next;
  do {
    const std::optional<std::string> answer =
        WEIR_TRY(Call("ListSchemaVersions", ListSchemaVersionsBody(NameOf(subject), next)));
    if (!answer) break;
    GlueVersionPage page =
        WEIR_TRY(ReadGlueVersions(*answer, service_->WhatOf("ListSchemaVersions")));
    if (!next.empty() && page.next == next) {
      return Status(errors::kBadAnswer, "glue ListSchemaVersions: the listing does not end",
                    "see that the endpoint is AWS Glue");
    }
    next = std::move(page.next);
    for (GlueVersion& each : page.versions) {
      if (each.status == GlueStatus::kAvailable) listed.push_back(std::move(each));
    }
  } while (!next.empty());
  std::sort(listed.begin(), listed.end(),
            [](const GlueVersion& a, const GlueVersion& b) { return a.version < b.version; });
  std::vector<RegisteredSchema> versions;
  for (const GlueVersion& each : listed) {
    // One that was removed since the list was made is none.
    auto found = WEIR_TRY(FetchById(each.id));
    if (found) versions.push_back(std::move(*found));
  }
  return versions;
}

Result<std::optional<RegisteredSchema>> GlueRegistry::Find(const std::string& subject,
                                                           const SchemaText& schema) {
  const std::optional<std::string> answer = WEIR_TRY(
      Call("GetSchemaByDefinition", GetSchemaByDefinitionBody(NameOf(subject), schema.text)));
  if (!answer) return std::optional<RegisteredSchema>();
  const GlueVersion version =
      WEIR_TRY(ReadGlueVersion(*answer, service_->WhatOf("GetSchemaByDefinition")));
  if (version.status != GlueStatus::kAvailable) return std::optional<RegisteredSchema>();
  return std::optional(RegisteredSchema{version.id, version.version, schema, {}});
}

/// The answer of CreateSchema; none where the schema is there by now.
Result<std::optional<std::string>> GlueRegistry::Create(const GlueSchemaName& name,
                                                        const SchemaText& schema,
                                                        SchemaCompatibility compatibility) {
  const std::string what = service_->WhatOf("CreateSchema");
  const HttpResponse answer = WEIR_TRY(service_->PostJson(
      "AWSGlue.CreateSchema", CreateSchemaBody(name, schema, compatibility, description_)));
  if (answer.status == 200) return std::optional(answer.body);
  const AwsFault fault = ReadAwsFault(answer);
  if (fault.code == "AlreadyExistsException") return std::optional<std::string>();
  if (fault.code == "EntityNotFoundException") {
    return Status(errors::kServiceRefused, FaultText(what, answer.status, fault),
                  "there is no registry '" + name.registry + "': create it, or name another one");
  }
  if (fault.code == "InvalidInputException") {
    return Status(errors::kSchemaRefused, FaultText(what, answer.status, fault),
                  "Glue finds the schema or its name invalid: see the message");
  }
  return AwsRefusal(what, answer.status, fault, RightsNeeded());
}

Result<SchemaId> GlueRegistry::Register(const std::string& subject, const SchemaText& schema,
                                        std::optional<SchemaCompatibility> compatibility) {
  const GlueSchemaName name = NameOf(subject);
  const std::string what = service_->WhatOf("RegisterSchemaVersion");
  // Twice: a schema may be created by another, or go, between two calls.
  for (int i = 0; i < 2; i++) {
    const HttpResponse answer = WEIR_TRY(service_->PostJson(
        "AWSGlue.RegisterSchemaVersion", RegisterSchemaVersionBody(name, schema.text)));
    if (answer.status == 200) return Settled(WEIR_TRY(ReadGlueVersion(answer.body, what)));
    const AwsFault fault = ReadAwsFault(answer);
    if (fault.code == "InvalidInputException") {
      return Status(errors::kSchemaRefused, FaultText(what, answer.status, fault),
                    "mend the schema, or the compatibility of '" + subject + "'");
    }
    if (fault.code != "EntityNotFoundException") {
      return AwsRefusal(what, answer.status, fault, RightsNeeded());
    }
    const std::optional<std::string> created =
        WEIR_TRY(Create(name, schema, compatibility.value_or(SchemaCompatibility::kBackward)));
    if (!created) continue;
    return Settled(WEIR_TRY(ReadGlueVersion(*created, service_->WhatOf("CreateSchema"))));
  }
  return Status(errors::kServiceBusy, what + ": the schema '" + subject + "' comes and goes",
                "see who else creates and removes it");
}

/// The id of a version once Glue has looked at it.
Result<SchemaId> GlueRegistry::Settled(GlueVersion version) {
  const std::string what = "glue schema version " + version.id.ToString();
  const Duration begin = service_->clock().Monotonic();
  for (int tried = 1; version.status == GlueStatus::kPending; tried++) {
    const Duration spent{service_->clock().Monotonic().us - begin.us};
    const AfterTry after = service_->Wait(tried, spent);
    if (after == AfterTry::kCancelled) return Status(errors::kCallCancelled, what + ": given up");
    if (after == AfterTry::kGiveUp) {
      return Status(errors::kServiceBusy, what + " is still PENDING", "it should pass");
    }
    const std::optional<std::string> answer =
        WEIR_TRY(Call("GetSchemaVersion", GetSchemaVersionBody(version.id)));
    if (!answer) break;
    version = WEIR_TRY(ReadGlueVersion(*answer, service_->WhatOf("GetSchemaVersion")));
  }
  if (version.status == GlueStatus::kAvailable) return version.id;
  return Status(errors::kSchemaRefused, what + ": Glue has refused it",
                "it does not fit the versions that the schema has: mend it, or the schema's "
                "compatibility");
}

Result<std::optional<SchemaCompatibility>> GlueRegistry::CompatibilityOf(
    const std::string& subject) {
  const std::optional<std::string> answer =
      WEIR_TRY(Call("GetSchema", GetSchemaBody(NameOf(subject))));
  if (!answer) return std::optional<SchemaCompatibility>();
  return std::optional(WEIR_TRY(ReadGlueCompatibility(*answer, service_->WhatOf("GetSchema"))));
}

Status GlueRegistry::SetCompatibility(const std::string& subject,
                                      SchemaCompatibility compatibility) {
  if (!WEIR_TRY(Call("UpdateSchema", UpdateSchemaBody(NameOf(subject), compatibility)))) {
    return Status(errors::kServiceRefused,
                  "glue UpdateSchema: there is no schema '" + subject + "'",
                  "register a version first");
  }
  return Status::Ok();
}

}  // namespace weir

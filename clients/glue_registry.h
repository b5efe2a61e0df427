#pragma once

#include <memory>
#include <string>
#include <vector>

#include "clients/aws_service.h"
#include "clients/glue_answer.h"
#include "clients/schema_registry.h"

namespace weir {

struct GlueRegistryOptions {
  std::string registry;     ///< Empty: the account's default one.
  std::string description;  ///< Of schemas that weir creates; may be empty.
  std::string region;
  std::string endpoint;  ///< See AwsEndpoint().
  HttpOptions http;
  RetryPolicy retry;
};

/// The schema registry of AWS Glue. A subject is what Glue calls a schema.
class GlueRegistry final : public SchemaRegistry {
 public:
  /// `credentials` and `clock` outlive the registry. Nothing is sent yet. Errors:
  /// kBadServiceOption.
  static Result<std::unique_ptr<GlueRegistry>> Make(GlueRegistryOptions options,
                                                    AwsCredentialProvider& credentials,
                                                    const Clock& clock);

  FrameSplit SplitFrame(std::string_view record) const override;
  void AppendFrameHeader(const SchemaId& id, std::string& out) const override;
  Result<std::optional<RegisteredSchema>> FetchById(const SchemaId& id) override;
  Result<std::optional<RegisteredSchema>> Newest(const std::string& subject) override;
  Result<std::vector<RegisteredSchema>> Versions(const std::string& subject) override;
  Result<std::optional<RegisteredSchema>> Find(const std::string& subject,
                                               const SchemaText& schema) override;
  /// Also waits until Glue has looked at the version, for RetryPolicy::bound at most.
  Result<SchemaId> Register(const std::string& subject, const SchemaText& schema,
                            std::optional<SchemaCompatibility> compatibility) override;
  Result<std::optional<SchemaCompatibility>> CompatibilityOf(const std::string& subject) override;
  Status SetCompatibility(const std::string& subject, SchemaCompatibility compatibility) override;
  void Cancel() override { service_->Cancel(); }

 private:
  GlueRegistry(std::string registry, std::string description, std::unique_ptr<AwsService> service);
  Result<std::optional<std::string>> Call(const std::string& operation, const std::string& body);
  Result<std::optional<RegisteredSchema>> Fetch(const std::string& body);
  Result<std::optional<std::string>> Create(const GlueSchemaName& name, const SchemaText& schema,
                                            SchemaCompatibility compatibility);
  Result<SchemaId> Settled(GlueVersion version);
  GlueSchemaName NameOf(const std::string& subject) const { return {registry_, subject}; }

  const std::string registry_;
  const std::string description_;
  const std::unique_ptr<AwsService> service_;
};

}  // namespace weir

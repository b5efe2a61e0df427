#pragma once

#include <atomic>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/time.h"
#include "clients/confluent_answer.h"
#include "clients/http.h"
#include "clients/retry.h"
#include "clients/schema_registry.h"

namespace weir {

struct ConfluentRegistryOptions {
  /// `https://HOST:PORT/PATH`, several with commas between them: any of them will do.
  std::string urls;
  std::string user;  ///< Empty: no authentication.
  std::string password;
  HttpOptions http;
  RetryPolicy retry;
};

/// A registry with Confluent's API: Confluent's own, Karapace, Redpanda, Apicurio (at
/// `/apis/ccompat/v7`). Calls go to the address that has answered last, then to the others.
class ConfluentRegistry final : public SchemaRegistry {
 public:
  /// `clock` outlives the registry. Nothing is sent yet. Errors: kBadServiceOption.
  static Result<std::unique_ptr<ConfluentRegistry>> Make(ConfluentRegistryOptions options,
                                                         const Clock& clock);

  FrameSplit SplitFrame(std::string_view record) const override;
  void AppendFrameHeader(const SchemaId& id, std::string& out) const override;
  Result<std::optional<RegisteredSchema>> FetchById(const SchemaId& id) override;
  Result<std::optional<RegisteredSchema>> Newest(const std::string& subject) override;
  Result<std::vector<RegisteredSchema>> Versions(const std::string& subject) override;
  Result<std::optional<RegisteredSchema>> Find(const std::string& subject,
                                               const SchemaText& schema) override;
  Result<SchemaId> Register(const std::string& subject, const SchemaText& schema,
                            std::optional<SchemaCompatibility> compatibility) override;
  Result<std::optional<SchemaCompatibility>> CompatibilityOf(const std::string& subject) override;
  Status SetCompatibility(const std::string& subject, SchemaCompatibility compatibility) override;
  /// What the registry itself says of a schema that is not registered yet; compatible where there
  /// is no such subject.
  Result<SchemaVerdict> Check(const std::string& subject, const SchemaText& schema);
  void Cancel() override;

 private:
  struct Call;
  using Place = std::pair<std::string, int>;  ///< Subject and version.
  ConfluentRegistry(ConfluentRegistryOptions options, std::vector<std::string> urls,
                    const Clock& clock);
  Result<HttpResponse> SendOnce(const Call& call, const std::string& url);
  Result<std::optional<std::string>> Send(const Call& call);
  Result<std::optional<RegisteredSchema>> FetchVersion(const std::string& subject,
                                                       const std::string& version);
  Result<RegisteredSchema> Complete(ConfluentSchema found);
  Status AddReferences(const std::vector<ConfluentReference>& references, std::set<Place>& seen,
                       std::vector<std::string>& texts);

  const ConfluentRegistryOptions options_;
  const std::vector<std::string> urls_;  ///< Without a slash at their ends.
  const Clock& clock_;
  HttpClient http_;
  RetryPauses pauses_;
  std::atomic<size_t> newest_url_{0};  ///< That has answered last.
};

}  // namespace weir

#include "formats/registry_connection.h"

#include <array>
#include <utility>

#include <fmt/format.h>

#include "clients/aws_chain.h"
#include "clients/aws_endpoint.h"
#include "clients/confluent_registry.h"
#include "clients/glue_registry.h"
#include "config/yaml_origin.h"

namespace weir {
namespace {

HttpOptions HttpTo(const std::string& ca, const std::string& folder) {
  HttpOptions http;
  const bool whole = ca.empty() || ca.starts_with('/') || folder.empty();
  http.ca_file = whole ? ca : folder + "/" + ca;
  return http;
}

/// Who waits for a schema tries again by himself.
RetryPolicy FewTries() {
  RetryPolicy policy;
  policy.tries = 3;
  policy.bound = Duration::Seconds(3);
  return policy;
}

class ToConfluent final : public RegistryConnection {
 public:
  ToConfluent(SchemaRegistryOptions options, std::string folder)
      : options_(std::move(options)), folder_(std::move(folder)) {}

  Result<std::shared_ptr<SchemaRegistry>> Open() const override {
    ConfluentRegistryOptions options;
    options.urls = options_.url;
    options.user = options_.user;
    if (options_.password.given()) options.password = WEIR_TRY(options_.password.Resolve(folder_));
    options.http = HttpTo(options_.ca, folder_);
    options.retry = FewTries();
    return std::shared_ptr<SchemaRegistry>(
        WEIR_TRY(ConfluentRegistry::Make(std::move(options), SystemClock())));
  }
  std::string address() const override { return options_.url; }

 private:
  const SchemaRegistryOptions options_;
  const std::string folder_;
};

/// The registry's client, and the keys that it borrows.
struct GlueClient {
  explicit GlueClient(const AwsKeysOptions& options)
      : keys([options] { return FindAwsCredentials(options, EnvironmentVariable, SystemClock()); },
             SystemClock()) {}
  AwsCredentialProvider keys;
  std::unique_ptr<GlueRegistry> registry;
};

class ToGlue final : public RegistryConnection {
 public:
  ToGlue(GlueOptions options, std::string folder)
      : options_(std::move(options)),
        folder_(std::move(folder)),
        region_(options_.region.empty()
                    ? FindAwsRegion(options_.profile, EnvironmentVariable).value_or("")
                    : options_.region) {}

  Result<std::shared_ptr<SchemaRegistry>> Open() const override {
    AwsKeysOptions keys;
    keys.profile = options_.profile;
    keys.role = {options_.role, options_.session_name, options_.external_id};
    keys.region = region_;
    GlueRegistryOptions options;
    options.registry = options_.registry;
    options.description = options_.description;
    options.region = region_;
    options.endpoint = options_.endpoint.empty() ? AwsEndpoint("glue", region_, EnvironmentVariable)
                                                 : options_.endpoint;
    options.http = HttpTo(options_.ca, folder_);
    options.retry = FewTries();
    auto client = std::make_shared<GlueClient>(keys);
    client->registry =
        WEIR_TRY(GlueRegistry::Make(std::move(options), client->keys, SystemClock()));
    return std::shared_ptr<SchemaRegistry>(client, client->registry.get());
  }
  std::string address() const override {
    return fmt::format("glue {} {}{}", region_, options_.registry, options_.endpoint);
  }

 private:
  const GlueOptions options_;
  const std::string folder_;
  const std::string region_;
};

}  // namespace

const Spec<SchemaRegistryOptions>& SchemaRegistryOptions::Describe() {
  static const Spec<SchemaRegistryOptions> spec(
      "schema_registry",
      "A schema registry with Confluent's API: Confluent's own, Karapace, Redpanda's, Apicurio.",
      {Required("url", &SchemaRegistryOptions::url,
                "Its address, http or https; several with commas between them: any of them will "
                "do.",
                NotEmpty),
       Optional("user", &SchemaRegistryOptions::user, "Who weir is, for basic authentication."),
       Optional("password", &SchemaRegistryOptions::password, "That of the user."),
       Optional("ca", &SchemaRegistryOptions::ca,
                "File of the authorities to trust (PEM). Left out: the system's.")},
      "schema_registry: { url: https://registry:8081, user: weir, password: { env: "
      "REGISTRY_PASSWORD "
      "} }");
  return spec;
}

const Spec<GlueOptions>& GlueOptions::Describe() {
  static const Spec<GlueOptions> spec(
      "glue", "The schema registry of AWS Glue.",
      {Optional("region", &GlueOptions::region, "Left out: that of AWS_REGION or of the profile."),
       Optional("registry", &GlueOptions::registry,
                "The registry's name. Left out: the account's default registry."),
       Optional("description", &GlueOptions::description, "Of schemas that weir creates there."),
       Optional("endpoint", &GlueOptions::endpoint, "Another address than Amazon's own."),
       Optional("profile", &GlueOptions::profile,
                "A profile of AWS's files. Left out: the usual chain of places for keys."),
       Optional("role", &GlueOptions::role, "ARN of a role to take on."),
       Optional("external_id", &GlueOptions::external_id, "What that role wants to hear."),
       Optional("session_name", &GlueOptions::session_name, std::string("weir"),
                "Name of the session in that role."),
       Optional("ca", &GlueOptions::ca,
                "File of the authorities to trust (PEM). Left out: the system's.")},
      "glue: { region: us-east-1, registry: clickstream }");
  return spec;
}

std::span<const RegistryKind> RegistryKinds() {
  static const std::array<RegistryKind, 2> kinds = {{
      {"schema_registry", &SchemaRegistryOptions::Describe()},
      {"glue", &GlueOptions::Describe()},
  }};
  return kinds;
}

std::vector<std::string_view> RegistryKindNames() {
  std::vector<std::string_view> names;
  for (const RegistryKind& kind : RegistryKinds()) names.push_back(kind.name);
  return names;
}

RegistryConnectionPtr RegistryConnection::Read(const ConnectionSpec& connection,
                                               Diagnostics& diagnostics) {
  const std::string folder = FolderOf(connection.options);
  if (connection.kind == "glue") {
    GlueOptions options;
    if (!GlueOptions::Describe().Read(connection.options, diagnostics, options)) return nullptr;
    return std::make_shared<ToGlue>(std::move(options), folder);
  }
  SchemaRegistryOptions options;
  if (!SchemaRegistryOptions::Describe().Read(connection.options, diagnostics, options)) {
    return nullptr;
  }
  return std::make_shared<ToConfluent>(std::move(options), folder);
}

}  // namespace weir

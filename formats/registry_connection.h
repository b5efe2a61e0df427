#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "clients/schema_registry.h"
#include "config/node_spec.h"
#include "config/spec.h"

namespace weir {

/// `connections: { NAME: { schema_registry: {…} } }`: a registry with Confluent's API.
struct SchemaRegistryOptions {
  std::string url;
  std::string user;
  Secret password;
  std::string ca;
  static const Spec<SchemaRegistryOptions>& Describe();
};

/// `connections: { NAME: { glue: {…} } }`: AWS Glue's.
struct GlueOptions {
  std::string region;
  std::string registry;
  std::string description;
  std::string endpoint;
  std::string profile;
  std::string role;
  std::string external_id;
  std::string session_name = "weir";
  std::string ca;
  static const Spec<GlueOptions>& Describe();
};

/// A kind of connection that leads to a schema registry.
struct RegistryKind {
  std::string_view name;
  const SpecBase* options;
};
std::span<const RegistryKind> RegistryKinds();
std::vector<std::string_view> RegistryKindNames();

/// A registry as a job reaches it. Immutable.
class RegistryConnection {
 public:
  virtual ~RegistryConnection() = default;
  /// One of RegistryKinds; faults of its options go to `diagnostics`, null then. Nothing is sent.
  static std::shared_ptr<const RegistryConnection> Read(const ConnectionSpec& connection,
                                                        Diagnostics& diagnostics);

  /// A client of the caller's own. Secrets are read now. Errors: kSecretMissing,
  /// kBadServiceOption.
  virtual Result<std::shared_ptr<SchemaRegistry>> Open() const = 0;
  /// Which registry it is, for messages, and so that what one has said is never taken for what
  /// another has: its address, or region and name.
  virtual std::string address() const = 0;
};
using RegistryConnectionPtr = std::shared_ptr<const RegistryConnection>;

}  // namespace weir

#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "config/spec.h"

namespace weir::opensearch {

/// Which of AWS's services requests are signed for: domains, or serverless collections.
enum class AwsSearch { kDomain, kServerless };
std::vector<Choice<AwsSearch>> ChoicesOf(AwsSearch);

/// `signing: {…}` of a connection.
struct SigningOptions {
  AwsSearch service = AwsSearch::kDomain;
  std::string region;
  static const Spec<SigningOptions>& Describe();
};

/// `tls: {…}` of a connection.
struct TlsOptions {
  std::string ca;
  static const Spec<TlsOptions>& Describe();
};

/// `connections: { NAME: { opensearch: {…} } }`: how a server is reached.
struct ConnectionOptions {
  std::string url;
  std::string user;
  Secret password;
  TlsOptions tls;
  std::optional<SigningOptions> signing;
  std::string profile;
  std::string role;
  std::string external_id;
  std::string session_name = "weir";
  /// Not written by a user: the folder of the file that the connection stands in.
  std::string folder;
  static const Spec<ConnectionOptions>& Describe();
};

/// The addresses of a list separated by commas.
std::vector<std::string> UrlsOf(std::string_view list);

/// What the Spec cannot say: addresses, options that do not belong together. False where there was
/// a fault.
bool CheckConnection(const ConnectionOptions& options, const YamlNode& node,
                     Diagnostics& diagnostics);

/// `opensearch: {…}` of a sink.
struct SinkOptions {
  std::string connection;
  std::string index;
  ExpressionText id;
  ExpressionText tombstone;
  std::map<std::string, std::string> mapping;
  static const Spec<SinkOptions>& Describe();
};

/// What an index may be called: of what a server takes, that which needs no escaping in a path.
bool IsIndexName(std::string_view name);

}  // namespace weir::opensearch

#include "connectors/opensearch/options.h"

#include <algorithm>

#include <fmt/format.h>

#include "clients/http_address.h"
#include "connectors/opensearch/errors.h"

namespace weir::opensearch {
namespace {

constexpr size_t kLongestIndexName = 255;

}  // namespace

std::vector<Choice<AwsSearch>> ChoicesOf(AwsSearch) {
  return {{"es", AwsSearch::kDomain}, {"aoss", AwsSearch::kServerless}};
}

const Spec<SigningOptions>& SigningOptions::Describe() {
  static const Spec<SigningOptions> spec(
      "signing", "Requests are signed with keys of AWS.",
      {Optional("service", &SigningOptions::service, AwsSearch::kDomain,
                "es: a domain of Amazon OpenSearch Service; aoss: a serverless collection, which "
                "must be of type search."),
       Optional("region", &SigningOptions::region,
                "Its region. Left out: AWS_REGION, or the profile's.")},
      "signing: { service: es, region: eu-central-1 }");
  return spec;
}

const Spec<TlsOptions>& TlsOptions::Describe() {
  static const Spec<TlsOptions> spec(
      "tls", "Whom to trust.",
      {Optional("ca", &TlsOptions::ca,
                "PEM file of the authorities to trust. Left out: the system's, which know "
                "Amazon's.")},
      "tls: { ca: ca.pem }");
  return spec;
}

const Spec<ConnectionOptions>& ConnectionOptions::Describe() {
  static const Spec<ConnectionOptions> spec(
      "opensearch", "An OpenSearch or Elasticsearch server.",
      {Required("url", &ConnectionOptions::url,
                "Address, http://HOST:PORT or https://HOST:PORT; several of one cluster, separated "
                "by commas: the next one is asked where one is away.",
                NotEmpty),
       Optional("user", &ConnectionOptions::user, "User, where the server asks for one."),
       Optional("password", &ConnectionOptions::password, "That user's password."),
       Optional("tls", &ConnectionOptions::tls, "Whom to trust."),
       Optional("signing", &ConnectionOptions::signing,
                "Signs requests with keys of AWS, in place of user and password."),
       Optional("profile", &ConnectionOptions::profile,
                "signing: profile of ~/.aws that holds the keys. Left out: the usual chain."),
       Optional("role", &ConnectionOptions::role, "signing: ARN of a role to take on first."),
       Optional("external_id", &ConnectionOptions::external_id,
                "signing: what that role's owner wants to be told."),
       Optional("session_name", &ConnectionOptions::session_name, std::string("weir"),
                "signing: name of the session with that role.", NotEmpty)},
      "opensearch: { url: \"http://localhost:9200\" }");
  return spec;
}

std::vector<std::string> UrlsOf(std::string_view list) {
  std::vector<std::string> urls;
  while (!list.empty()) {
    const size_t comma = std::min(list.find(','), list.size());
    std::string_view url = list.substr(0, comma);
    list.remove_prefix(std::min(comma + 1, list.size()));
    while (url.starts_with(' ')) url.remove_prefix(1);
    while (url.ends_with(' ')) url.remove_suffix(1);
    if (!url.empty()) urls.emplace_back(url);
  }
  return urls;
}

bool CheckConnection(const ConnectionOptions& options, const YamlNode& node,
                     Diagnostics& diagnostics) {
  bool good = true;
  const auto fault = [&](std::string_view key, std::string message, std::string cure) {
    good = false;
    const YamlNode* value = node.Find(key);
    diagnostics.Error(errors::kSearchOption, value != nullptr ? value->place() : node.place(),
                      std::move(message), std::move(cure));
  };
  const std::vector<std::string> urls = UrlsOf(options.url);
  bool encrypted = !urls.empty();
  for (const std::string& url : urls) {
    const auto address = ParseHttpAddress(url);
    if (!address) fault("url", fmt::format("'{}' is no address", url), "write http://HOST:PORT");
    encrypted = encrypted && address && address->https;
  }
  if (urls.empty()) fault("url", "no address is there", "write http://HOST:PORT");
  if (!options.tls.ca.empty() && !encrypted && good) {
    fault("tls", "'tls' has no meaning where an address is http://", "write https://");
  }
  if (options.user.empty() != !options.password.given()) {
    fault(options.user.empty() ? "password" : "user", "user and password belong together",
          "user: NAME, password: { env: VARIABLE } or { file: NAME }");
  }
  if (options.signing && !options.user.empty()) {
    fault("signing", "a request is either signed or has a user and a password",
          "leave one of the two out");
  }
  for (const std::string_view key : {"profile", "role", "external_id", "session_name"}) {
    if (options.signing || node.Find(key) == nullptr) continue;
    fault(key, fmt::format("'{}' has no meaning without 'signing'", key),
          "say it: signing: { service: es }");
  }
  if (!options.external_id.empty() && options.role.empty() && options.signing) {
    fault("external_id", "'external_id' is there, and no role", "name the role to take on");
  }
  return good;
}

const Spec<SinkOptions>& SinkOptions::Describe() {
  static const Spec<SinkOptions> spec(
      "opensearch", "Writes rows as documents of an OpenSearch or Elasticsearch index.",
      {Required("connection", &SinkOptions::connection, "Name of an opensearch connection.",
                NotEmpty),
       Required("index", &SinkOptions::index, "The index to write to.",
                Condition("an index's name: lower-case letters, digits, '.', '_' and '-', not '_' "
                          "or '-' first, 255 at most",
                          [](const std::string& name) { return IsIndexName(name); })),
       Optional("id", &SinkOptions::id,
                "Column or expression: the document's id, 512 bytes at most. A later row of the "
                "same id takes the place of an earlier one. Left out: each row is a document of "
                "its own."),
       Optional("tombstone", &SinkOptions::tombstone,
                "Condition: rows for which it holds delete the document of their id."),
       Optional("mapping", &SinkOptions::mapping,
                "Field types by column, such as geo_point or keyword. Where the index is not "
                "there it is made with them, the other columns by their types.")},
      "opensearch: { connection: search, index: counts, id: \"concat(product, '/', window_end)\" "
      "}");
  return spec;
}

bool IsIndexName(std::string_view name) {
  if (name.empty() || name.size() > kLongestIndexName || name == "." || name == "..") return false;
  if (name.front() == '_' || name.front() == '-') return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
  });
}

}  // namespace weir::opensearch

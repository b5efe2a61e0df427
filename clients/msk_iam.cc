#include "clients/msk_iam.h"

#include <algorithm>
#include <sstream>

#include "base/base64.h"
#include "base/hex.h"
#include "clients/aws_metadata.h"
#include "clients/aws_profile.h"

namespace weir {
namespace {

constexpr int64_t kLifetimeSeconds = 900;
/// The broker's log shows it; not signed.
constexpr const char* kUserAgent = "weir";

std::string Base64Url(std::string_view bytes) {
  std::string text = Base64(bytes);
  std::replace(text.begin(), text.end(), '+', '-');
  std::replace(text.begin(), text.end(), '/', '_');
  while (text.ends_with('=')) text.pop_back();
  return text;
}

}  // namespace

MskToken SignMskToken(const AwsCredentials& credentials, const std::string& region, EventTime now) {
  const SigV4Scope scope{region, "kafka-cluster", now};
  const std::string time = AmzDate(now);
  SigV4Request request;
  request.method = "GET";
  request.query = {{"Action", "kafka-cluster:Connect"},
                   {"X-Amz-Algorithm", "AWS4-HMAC-SHA256"},
                   {"X-Amz-Credential", credentials.access_key + "/" + time.substr(0, 8) + "/" +
                                            region + "/kafka-cluster/aws4_request"},
                   {"X-Amz-Date", time},
                   {"X-Amz-Expires", std::to_string(kLifetimeSeconds)},
                   {"X-Amz-SignedHeaders", "host"}};
  if (!credentials.session_token.empty()) {
    request.query.emplace_back("X-Amz-Security-Token", credentials.session_token);
  }
  const std::string host = "kafka." + region + ".amazonaws.com";
  request.headers = {{"host", host}};
  request.payload_hash = Hex(Sha256Of(""));
  const std::string url = "https://" + host + "/?" + QueryText(request.query) +
                          "&X-Amz-Signature=" + SignV4(request, scope, credentials).signature +
                          "&User-Agent=" + kUserAgent;
  // Times are signed in whole seconds.
  const EventTime signed_at{now.us - now.us % 1'000'000};
  const EventTime end =
      std::min(signed_at + Duration::Seconds(kLifetimeSeconds), credentials.expires);
  return {Base64Url(url), end.us / 1000};
}

std::optional<std::string> RegionOfMskBrokers(const std::string& bootstrap_servers) {
  std::istringstream servers(bootstrap_servers);
  for (std::string server; std::getline(servers, server, ',');) {
    const std::string host = server.substr(0, server.rfind(':'));
    for (const std::string mark : {".kafka.", ".kafka-serverless."}) {
      const size_t at = host.find(mark);
      if (at == std::string::npos) continue;
      const size_t begin = at + mark.size();
      const std::string region = host.substr(begin, host.find('.', begin) - begin);
      if (host.substr(begin) == region + "." + AwsDomain(region)) return region;
    }
  }
  return std::nullopt;
}

std::optional<std::string> FindMskRegion(const std::string& bootstrap_servers,
                                         const std::string& profile,
                                         const VariableLookup& variable) {
  if (auto named = RegionOfMskBrokers(bootstrap_servers)) return named;
  if (auto set = FindAwsRegion(profile, variable)) return set;
  return AskMachineRegion(variable);
}

}  // namespace weir

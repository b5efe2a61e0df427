#include "connectors/opensearch/connection.h"

#include <utility>

#include "base/base64.h"
#include "base/hex.h"
#include "clients/aws_answer.h"
#include "clients/aws_chain.h"
#include "clients/errors.h"

namespace weir::opensearch {
namespace {

/// An answer has a line or so for each document of a request.
constexpr uint64_t kMostAnswerBytes = 32 << 20;
/// Indexing may take a while before the first byte of its answer comes.
constexpr Duration kStallTimeout = Duration::Seconds(60);

HttpOptions HttpOptionsOf(const ConnectionOptions& options) {
  HttpOptions http;
  http.stall_timeout = kStallTimeout;
  http.ca_file = PathFrom(options.folder, options.tls.ca);
  return http;
}

AwsCredentialProvider::Finder KeysOf(const ConnectionOptions& options) {
  AwsKeysOptions keys;
  keys.profile = options.profile;
  keys.role = {options.role, options.session_name, options.external_id};
  keys.region = options.signing->region;
  return [keys] { return FindAwsCredentials(keys, EnvironmentVariable, SystemClock()); };
}

}  // namespace

std::string PathFrom(const std::string& folder, const std::string& path) {
  return path.empty() || path.starts_with('/') || folder.empty() ? path : folder + "/" + path;
}

Connection::Connection(ConnectionOptions options)
    : options_(std::move(options)), http_(HttpOptionsOf(options_)) {
  for (const std::string& url : UrlsOf(options_.url)) addresses_.push_back(*ParseHttpAddress(url));
  if (!options_.signing) return;
  region_ = options_.signing->region;
  keys_ = std::make_unique<AwsCredentialProvider>(KeysOf(options_), SystemClock());
}

Result<std::string> Connection::Password() {
  const std::lock_guard lock(mutex_);
  if (!password_) password_ = WEIR_TRY(options_.password.Resolve(options_.folder));
  return *password_;
}

Result<std::string> Connection::Region() {
  const std::lock_guard lock(mutex_);
  if (region_.empty()) {
    const auto found = FindAwsRegion(options_.profile, EnvironmentVariable);
    if (!found) {
      return Status(errors::kBadServiceOption, "nobody says which region " + address() + " is in",
                    "say it: signing: { region: eu-central-1 }");
    }
    region_ = *found;
  }
  return region_;
}

Result<HttpResponse> Connection::Send(const Call& call) {
  const size_t first = current_;
  Result<HttpResponse> answer = SendTo(addresses_[first % addresses_.size()], call);
  for (size_t next = first + 1; next < first + addresses_.size(); next++) {
    if (answer.ok() || !answer.status().Is(errors::kServiceAway)) break;
    answer = SendTo(addresses_[next % addresses_.size()], call);
    if (answer.ok()) current_ = next % addresses_.size();
  }
  if (!answer.ok()) return answer;
  if (answer->status == 401) {
    const std::lock_guard lock(mutex_);
    password_.reset();
  } else if (answer->status != 403) {
    let_in_ = true;
  }
  return answer;
}

Result<HttpResponse> Connection::SendTo(const HttpAddress& address, const Call& call) {
  HttpRequest request;
  request.method = call.method;
  request.url = address.base() + address.path + call.path;
  if (!call.query.empty()) request.url += "?" + QueryText(call.query);
  request.body.bytes = call.body;
  request.body_limit_bytes = kMostAnswerBytes;
  if (!call.body.empty()) request.headers.emplace_back("Content-Type", call.content_type);
  if (keys_) return SendSigned(request, address, call);
  if (!options_.user.empty()) {
    request.headers.emplace_back("Authorization",
                                 "Basic " + Base64(options_.user + ":" + WEIR_TRY(Password())));
  }
  return http_.Send(request);
}

Result<HttpResponse> Connection::SendSigned(HttpRequest& request, const HttpAddress& address,
                                            const Call& call) {
  const std::string region = WEIR_TRY(Region());
  AwsCredentials keys = WEIR_TRY(keys_->Get());
  const HttpHeaders plain = request.headers;
  while (true) {
    const EventTime now = SystemClock().Now();
    SigV4Request signing;
    signing.method = call.method;
    signing.path = address.path + call.path;
    signing.query = call.query;
    signing.payload_hash = Hex(Sha256Of(call.body));
    request.headers = plain;
    request.headers.emplace_back("Host", address.host);
    request.headers.emplace_back("X-Amz-Date", AmzDate(now));
    request.headers.emplace_back("X-Amz-Content-Sha256", signing.payload_hash);
    if (!keys.session_token.empty()) {
      request.headers.emplace_back("X-Amz-Security-Token", keys.session_token);
    }
    signing.headers = request.headers;
    const SigV4Scope scope{region, weir::ShowValue(options_.signing->service), now};
    request.headers.emplace_back("Authorization", SignV4(signing, scope, keys).authorization);
    auto answer = WEIR_TRY(http_.Send(request));
    if (answer.status != 403 || !KeysHaveEnded(ReadAwsFault(answer))) return answer;
    AwsCredentials others = WEIR_TRY(keys_->GetOther(keys));
    if (others == keys) return answer;
    keys = std::move(others);
  }
}

}  // namespace weir::opensearch

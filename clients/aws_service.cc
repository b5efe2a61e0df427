#include "clients/aws_service.h"

#include <utility>

#include "base/hex.h"
#include "clients/aws_answer.h"
#include "clients/errors.h"

namespace weir {
namespace {

/// A page of a listing of schemas, or a schema; both are far smaller.
constexpr uint64_t kMostAnswerBytes = 16 << 20;

}  // namespace

AwsService::AwsService(AwsServiceOptions options, HttpAddress address,
                       AwsCredentialProvider* credentials, const Clock& clock)
    : options_(std::move(options)),
      address_(std::move(address)),
      credentials_(credentials),
      clock_(clock),
      http_(options_.http) {}

Result<std::unique_ptr<AwsService>> AwsService::Make(AwsServiceOptions options,
                                                     AwsCredentialProvider* credentials,
                                                     const Clock& clock) {
  if (options.region.empty()) {
    return Status(errors::kBadServiceOption,
                  "nobody says which region " + options.service + " is to be called in",
                  "set region, or AWS_REGION");
  }
  std::optional<HttpAddress> address = ParseHttpAddress(options.endpoint);
  if (!address) {
    return Status(errors::kBadServiceOption,
                  "'" + options.endpoint + "' is no address of " + options.service,
                  "write it as https://HOST or https://HOST:PORT");
  }
  return std::unique_ptr<AwsService>(
      new AwsService(std::move(options), std::move(*address), credentials, clock));
}

std::string AwsService::WhatOf(const std::string& target) const {
  return options_.service + " " + target.substr(target.find('.') + 1);
}

void AwsService::Cancel() {
  http_.Cancel();
  pauses_.Cancel();
}

Result<HttpResponse> AwsService::PostJson(const std::string& target, const std::string& body) {
  return Post(WhatOf(target),
              {{"Content-Type", "application/x-amz-json-1.1"}, {"X-Amz-Target", target}}, body);
}

Result<HttpResponse> AwsService::SendOnce(const HttpHeaders& headers, const std::string& body,
                                          const AwsCredentials* keys) {
  HttpRequest request;
  request.method = "POST";
  request.url = address_.base() + (address_.path.empty() ? "/" : address_.path);
  request.headers = headers;
  request.body.bytes = body;
  request.body_limit_bytes = kMostAnswerBytes;
  if (keys != nullptr) {
    const EventTime now = clock_.Now();
    request.headers.emplace_back("Host", address_.host);
    request.headers.emplace_back("X-Amz-Date", AmzDate(now));
    if (!keys->session_token.empty()) {
      request.headers.emplace_back("X-Amz-Security-Token", keys->session_token);
    }
    SigV4Request signing;
    signing.method = request.method;
    signing.path = address_.path.empty() ? "/" : address_.path;
    signing.headers = request.headers;
    signing.payload_hash = Hex(Sha256Of(body));
    const SigV4Scope scope{options_.region, options_.service, now};
    request.headers.emplace_back("Authorization", SignV4(signing, scope, *keys).authorization);
  }
  return http_.Send(request);
}

Result<HttpResponse> AwsService::Post(const std::string& what, const HttpHeaders& headers,
                                      const std::string& body) {
  const Duration begin = clock_.Monotonic();
  bool keys_sought = false;
  for (int tried = 1;; tried++) {
    std::optional<AwsCredentials> keys;
    if (credentials_ != nullptr) keys = WEIR_TRY(credentials_->Get());
    Result<HttpResponse> answer = SendOnce(headers, body, keys ? &*keys : nullptr);
    Status error;
    if (answer.ok()) {
      if (answer->status / 100 == 2) return answer;
      const AwsFault fault = ReadAwsFault(*answer);
      if (keys && KeysHaveEnded(fault) && !std::exchange(keys_sought, true) &&
          WEIR_TRY(credentials_->GetOther(*keys)) != *keys) {
        continue;
      }
      if (!FaultMayPass(answer->status, fault)) return answer;
      error = AwsRefusal(what, answer->status, fault, "");
    } else {
      error = std::move(answer).status().WithContext(what);
    }
    if (error.kind() != ErrorKind::kRetry || error.Is(errors::kCallCancelled)) return error;
    const Duration spent{clock_.Monotonic().us - begin.us};
    const AfterTry after = Wait(tried, spent);
    if (after == AfterTry::kGiveUp) return error;
    if (after == AfterTry::kCancelled) {
      return Status(errors::kCallCancelled, what + ": given up");
    }
  }
}

}  // namespace weir

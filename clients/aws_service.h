#pragma once

#include <memory>
#include <string>

#include "base/status.h"
#include "base/time.h"
#include "clients/aws_credentials.h"
#include "clients/http.h"
#include "clients/http_address.h"
#include "clients/retry.h"

namespace weir {

struct AwsServiceOptions {
  std::string service;   ///< As signatures and hosts name it: `glue`.
  std::string region;    ///< As signatures name it.
  std::string endpoint;  ///< See AwsEndpoint().
  HttpOptions http;
  RetryPolicy retry;
};

/// One of AWS's services that take POST requests to one place: STS, Glue, Secrets Manager. Thread
/// safe; a call blocks until it is done or given up.
class AwsService {
 public:
  /// `credentials` and `clock` outlive the service. Null credentials: requests are not signed.
  /// Errors: kBadServiceOption for no region, or an endpoint that is no address.
  static Result<std::unique_ptr<AwsService>> Make(AwsServiceOptions options,
                                                  AwsCredentialProvider* credentials,
                                                  const Clock& clock);

  /// The answer to a request, whatever its status, unless that may pass: then it is sent again, for
  /// RetryPolicy::bound at most, and is an error of kind kRetry at last. Keys that are said to have
  /// ended are replaced once. `what` names the call in errors: `sts AssumeRole`.
  Result<HttpResponse> Post(const std::string& what, const HttpHeaders& headers,
                            const std::string& body);
  /// The same in AWS's JSON 1.1: `target` is `AWSGlue.GetSchemaVersion`.
  Result<HttpResponse> PostJson(const std::string& target, const std::string& body);

  /// `glue GetSchemaVersion`: how errors name a call of PostJson.
  std::string WhatOf(const std::string& target) const;
  /// The time between tries of what the service has to do first; ended by Cancel.
  AfterTry Wait(int tried, Duration spent) { return pauses_.Wait(options_.retry, tried, spent); }
  const Clock& clock() const { return clock_; }
  /// Ends what is under way with kCallCancelled, and all later calls.
  void Cancel();

 private:
  AwsService(AwsServiceOptions options, HttpAddress address, AwsCredentialProvider* credentials,
             const Clock& clock);
  Result<HttpResponse> SendOnce(const HttpHeaders& headers, const std::string& body,
                                const AwsCredentials* keys);

  const AwsServiceOptions options_;
  const HttpAddress address_;
  AwsCredentialProvider* const credentials_;
  const Clock& clock_;
  HttpClient http_;
  RetryPauses pauses_;
};

}  // namespace weir

#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.h"
#include "clients/http.h"

namespace weir {

/// Keys of AWS. Never printed: no error and no log line holds any part of them.
struct AwsCredentials {
  std::string access_key;
  std::string secret_key;
  std::string session_token;             ///< Empty: keys that were not lent.
  EventTime expires = EventTime::Max();  ///< Max: keys for good, or nobody says.
  bool operator==(const AwsCredentials&) const = default;
};

using QueryParameters = std::vector<std::pair<std::string, std::string>>;

/// What is signed of a request. Path and query are plain, not encoded; all headers are signed, so
/// `host` must be among them and what proxies change must not.
struct SigV4Request {
  std::string method;
  std::string path = "/";
  QueryParameters query;
  HttpHeaders headers;
  std::string payload_hash;  ///< Hexadecimal SHA-256 of the body.
};

/// For whom and when a signature counts.
struct SigV4Scope {
  std::string region;
  std::string service;
  EventTime time;
};

/// A signature with the two texts that it comes from, to be compared where one is refused.
struct SigV4Signature {
  std::string canonical_request;
  std::string string_to_sign;
  std::string signature;      ///< Hexadecimal.
  std::string authorization;  ///< The header.
};

/// AWS Signature Version 4 in a header. Pure. Paths are encoded once and not normalized, as S3 has
/// it; of other services only paths without a character that is encoded are signed rightly.
/// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
SigV4Signature SignV4(const SigV4Request& request, const SigV4Scope& scope,
                      const AwsCredentials& credentials);

/// `20130524T000000Z`: what the header x-amz-date says.
std::string AmzDate(EventTime time);
/// Everything but letters, digits and `-._~` as %XX; slashes stay where `path`.
std::string UriEncode(std::string_view text, bool path);
/// `a=1&b=2`, encoded and in the order in which it is signed; empty where there are none.
std::string QueryText(const QueryParameters& query);

/// 32 bytes.
std::string Sha256Of(std::string_view bytes);
/// 16 bytes; for the one header that S3 wants it in.
std::string Md5Of(std::string_view bytes);

}  // namespace weir

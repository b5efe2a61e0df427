#include "config/store_location.h"

#include <algorithm>
#include <cctype>

#include "config/errors.h"

namespace weir {
namespace {

constexpr std::string_view kScheme = "s3://";

/// A bucket's name as S3 has it, roughly: what could change a host or a path is not in it.
bool IsBucket(std::string_view name) {
  return name.size() >= 3 && name.size() <= 63 &&
         std::all_of(name.begin(), name.end(), [](unsigned char c) {
           return (c < 0x80 && std::islower(c)) || std::isdigit(c) || c == '-' || c == '.';
         });
}

bool IsPlace(const std::string& url) {
  if (url.starts_with("/") || url.starts_with("file:/")) return true;
  if (!url.starts_with(kScheme)) return false;
  const std::string_view rest = std::string_view(url).substr(kScheme.size());
  const size_t slash = rest.find('/');
  return IsBucket(rest.substr(0, slash)) && rest.find("//") == std::string_view::npos &&
         rest.find("/../") == std::string_view::npos && !rest.ends_with("/..");
}

}  // namespace

std::vector<Choice<StoreEncryption>> ChoicesOf(StoreEncryption) {
  return {{"none", StoreEncryption::kNone},
          {"AES256", StoreEncryption::kAes256},
          {"aws:kms", StoreEncryption::kKms}};
}

const Spec<StoreLocation>& StoreLocation::Describe() {
  const auto place = Condition("/path, file:/path or s3://bucket/prefix", IsPlace);
  static const Spec<StoreLocation> spec(
      "checkpoint_store", "Where checkpoints are kept.",
      {Bare(&StoreLocation::url, "The url alone.", place),
       Required("url", &StoreLocation::url,
                "A directory (`/path` or `file:/path`), or `s3://bucket/prefix`.", place),
       Optional("endpoint", &StoreLocation::endpoint,
                "Address of an S3 service other than Amazon's: https://host:port."),
       Optional("region", &StoreLocation::region,
                "Of the bucket. Left out: AWS_REGION, the profile's, or us-east-1 at an endpoint."),
       Optional(
           "path_style", &StoreLocation::path_style,
           "Whether the bucket stands in the path, and not in the host's name. Left out: where "
           "there is an endpoint."),
       Optional("profile", &StoreLocation::profile,
                "Profile of ~/.aws that holds the keys. Left out: the environment's keys, or the "
                "profile that AWS_PROFILE names."),
       Optional("access_key", &StoreLocation::access_key, "Id of the access key."),
       Optional("secret_key", &StoreLocation::secret_key, "The secret access key."),
       Optional("session_token", &StoreLocation::session_token, "With keys that end."),
       Optional("encryption", &StoreLocation::encryption, StoreEncryption::kNone,
                "How S3 is asked to encrypt objects; none: as the bucket says."),
       Optional("kms_key", &StoreLocation::kms_key,
                "Key for aws:kms. Left out: the account's own for S3."),
       Optional("ca_file", &StoreLocation::ca_file,
                "Certificates (PEM) to trust instead of the system's."),
       Optional("timeout", &StoreLocation::timeout, Duration::Seconds(10),
                "How long the service may say nothing before a request is given up.",
                InRange(Duration::Seconds(1), Duration::Minutes(5)))},
      "checkpoint_store: { url: s3://bucket/weir, region: eu-central-1 }");
  return spec;
}

StoreLocation StoreLocation::Directory(const std::string& path) {
  StoreLocation location;
  location.url = "file:" + path;
  return location;
}

std::string StoreLocation::path() const {
  std::string path = url.starts_with("file:") ? url.substr(5) : url;
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  return path;
}

std::string StoreLocation::bucket() const {
  const std::string rest = url.substr(kScheme.size());
  return rest.substr(0, rest.find('/'));
}

std::string StoreLocation::prefix() const {
  const size_t slash = url.find('/', kScheme.size());
  std::string prefix = slash == std::string::npos ? "" : url.substr(slash + 1);
  if (!prefix.empty() && !prefix.ends_with('/')) prefix += '/';
  return prefix;
}

bool ReadValue(const YamlNode& node, Diagnostics& diagnostics, StoreLocation& out) {
  if (!StoreLocation::Describe().Read(node, diagnostics, out)) return false;
  const auto fault = [&](const std::string& message, const std::string& cure) {
    diagnostics.Error(errors::kBadValue, node.place(), message, cure);
    return false;
  };
  if (!out.is_s3() && node.entries().size() > 1) {
    return fault("a directory has no other options than its 'url'", "take the others out");
  }
  if (out.access_key.given() != out.secret_key.given()) {
    return fault("'access_key' and 'secret_key' go together", "give both, or neither");
  }
  if (out.session_token.given() && !out.access_key.given()) {
    return fault("'session_token' goes with 'access_key' and 'secret_key'", "give all three");
  }
  if (out.access_key.given() && !out.profile.empty()) {
    return fault("keys come from a 'profile' or from 'access_key' and 'secret_key'",
                 "take one of them out");
  }
  if (!out.kms_key.empty() && out.encryption != StoreEncryption::kKms) {
    return fault("'kms_key' has no effect without 'encryption: aws:kms'",
                 "set encryption: aws:kms, or take it out");
  }
  return true;
}

}  // namespace weir

#include "config/s3_settings.h"

#include <algorithm>
#include <cctype>

#include "config/errors.h"

namespace weir {

std::vector<Choice<StoreEncryption>> ChoicesOf(StoreEncryption) {
  return {{"none", StoreEncryption::kNone},
          {"AES256", StoreEncryption::kAes256},
          {"aws:kms", StoreEncryption::kKms}};
}

std::array<SpecFieldOf<S3Settings>, 14> S3Settings::Fields() {
  return {
      Optional("endpoint", &S3Settings::endpoint,
               "Address of an S3 service: https://host:port. Left out: AWS_ENDPOINT_URL_S3, "
               "AWS_ENDPOINT_URL, or Amazon's own."),
      Optional("region", &S3Settings::region,
               "Of the bucket. Left out: AWS_REGION, the profile's, or us-east-1 at an endpoint."),
      Optional("path_style", &S3Settings::path_style,
               "Whether the bucket stands in the path, and not in the host's name. Left out: where "
               "there is an endpoint."),
      Optional("profile", &S3Settings::profile,
               "Profile of ~/.aws to take the keys from. Left out: where AWS's own tools look."),
      Optional("role", &S3Settings::role, "ARN of a role to take on with these keys."),
      Optional("external_id", &S3Settings::external_id, "What the role asks for, if it does."),
      Optional("session_name", &S3Settings::session_name, "weir",
               "Name of the session of the role, in AWS's logs.", NotEmpty),
      Optional("access_key", &S3Settings::access_key, "Id of the access key."),
      Optional("secret_key", &S3Settings::secret_key, "The secret access key."),
      Optional("session_token", &S3Settings::session_token, "With keys that end."),
      Optional("encryption", &S3Settings::encryption, StoreEncryption::kNone,
               "How S3 is asked to encrypt objects; none: as the bucket says."),
      Optional("kms_key", &S3Settings::kms_key,
               "Key for aws:kms. Left out: the account's own for S3."),
      Optional("ca_file", &S3Settings::ca_file,
               "Certificates (PEM) to trust instead of the system's."),
      Optional("timeout", &S3Settings::timeout, Duration::Seconds(10),
               "How long the service may say nothing before a request is given up.",
               InRange(Duration::Seconds(1), Duration::Minutes(5)))};
}

bool IsBucketName(const std::string& name) {
  return name.size() >= 3 && name.size() <= 63 &&
         std::all_of(name.begin(), name.end(), [](unsigned char c) {
           return (c < 0x80 && std::islower(c)) || std::isdigit(c) || c == '-' || c == '.';
         });
}

bool CheckS3Settings(const S3Settings& settings, const YamlNode& node, Diagnostics& diagnostics) {
  const auto fault = [&](const std::string& message, const std::string& cure) {
    diagnostics.Error(errors::kBadValue, node.place(), message, cure);
    return false;
  };
  if (settings.access_key.given() != settings.secret_key.given()) {
    return fault("'access_key' and 'secret_key' go together", "give both, or neither");
  }
  if (settings.session_token.given() && !settings.access_key.given()) {
    return fault("'session_token' goes with 'access_key' and 'secret_key'", "give all three");
  }
  if (settings.access_key.given() && !settings.profile.empty()) {
    return fault("keys come from a 'profile' or from 'access_key' and 'secret_key'",
                 "take one of them out");
  }
  if (settings.role.empty() && !settings.external_id.empty()) {
    return fault("'external_id' has no effect without 'role'", "name the role, or take it out");
  }
  if (settings.access_key.given() && !settings.role.empty()) {
    return fault("'role' is taken on with keys that are found, not with those given here",
                 "take 'access_key' and 'secret_key' out, or 'role'");
  }
  if (!settings.kms_key.empty() && settings.encryption != StoreEncryption::kKms) {
    return fault("'kms_key' has no effect without 'encryption: aws:kms'",
                 "set encryption: aws:kms, or take it out");
  }
  return true;
}

}  // namespace weir

#include "clients/s3_access.h"

#include "clients/aws_chain.h"
#include "clients/aws_endpoint.h"

namespace weir {
namespace {

AwsCredentialProvider::Finder KeysOf(const S3Settings& settings) {
  return [settings]() -> Result<AwsCredentials> {
    if (!settings.access_key.given()) {
      AwsKeysOptions options;
      options.profile = settings.profile;
      options.role = {settings.role, settings.session_name, settings.external_id};
      options.region = settings.region;
      return FindAwsCredentials(options, EnvironmentVariable, SystemClock());
    }
    AwsCredentials keys;
    keys.access_key = WEIR_TRY(settings.access_key.Resolve(settings.folder));
    keys.secret_key = WEIR_TRY(settings.secret_key.Resolve(settings.folder));
    keys.session_token = WEIR_TRY(settings.session_token.Resolve(settings.folder));
    return keys;
  };
}

/// As the settings or the environment name it; empty: Amazon's own.
std::string EndpointOf(const S3Settings& settings) {
  if (!settings.endpoint.empty()) return settings.endpoint;
  if (auto own = EnvironmentVariable("AWS_ENDPOINT_URL_S3")) return *own;
  return EnvironmentVariable("AWS_ENDPOINT_URL").value_or("");
}

}  // namespace

S3Options S3OptionsOf(const S3Settings& settings, const std::string& bucket) {
  S3Options options;
  options.bucket = bucket;
  options.endpoint = EndpointOf(settings);
  options.region = settings.region;
  if (options.region.empty()) {
    options.region = FindAwsRegion(settings.profile, EnvironmentVariable)
                         .value_or(options.endpoint.empty() ? "" : "us-east-1");
  }
  options.path_style = settings.path_style.value_or(!options.endpoint.empty());
  options.encryption = settings.encryption == StoreEncryption::kKms      ? S3Encryption::kKms
                       : settings.encryption == StoreEncryption::kAes256 ? S3Encryption::kAes256
                                                                         : S3Encryption::kDefault;
  options.kms_key = settings.kms_key;
  options.http.stall_timeout = settings.timeout;
  options.http.ca_file = settings.ca_file;
  if (!settings.ca_file.empty() && !settings.ca_file.starts_with('/') && !settings.folder.empty()) {
    options.http.ca_file = settings.folder + "/" + settings.ca_file;
  }
  return options;
}

Result<std::shared_ptr<S3Access>> S3Access::Open(const S3Settings& settings,
                                                 const std::string& bucket) {
  auto keys = std::make_unique<AwsCredentialProvider>(KeysOf(settings), SystemClock());
  std::unique_ptr<S3Client> client =
      WEIR_TRY(S3Client::Make(S3OptionsOf(settings, bucket), *keys, SystemClock()));
  return std::shared_ptr<S3Access>(new S3Access{std::move(keys), std::move(client)});
}

}  // namespace weir

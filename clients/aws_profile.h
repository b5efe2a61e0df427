#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "clients/aws_endpoint.h"
#include "clients/sigv4.h"

namespace weir {

/// The profiles of AWS's two files by name, each with its settings.
using AwsProfiles = std::map<std::string, std::map<std::string, std::string>>;

/// Pure. Reads `~/.aws/credentials` (`[NAME]`) and `~/.aws/config` (`[profile NAME]`, `[default]`);
/// settings of the first go before those of the second. Indented lines belong to the setting above
/// them (`s3 =` and the like) and say nothing of keys.
/// https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html
AwsProfiles ParseAwsProfiles(std::string_view credentials, std::string_view config);

/// The two files, those of the home directory or AWS_SHARED_CREDENTIALS_FILE and AWS_CONFIG_FILE.
struct AwsProfileFiles {
  std::string credentials;
  std::string config;
};
AwsProfileFiles FindAwsProfileFiles(const VariableLookup& variable);
/// What they hold; files that are not there hold nothing.
AwsProfiles ReadAwsProfiles(const AwsProfileFiles& files);
/// The one that is named, else that of AWS_PROFILE, else `default`.
std::string AwsProfileName(const std::string& named, const VariableLookup& variable);

/// AWS_REGION, AWS_DEFAULT_REGION, or the region of the profile; none where nobody says.
std::optional<std::string> FindAwsRegion(const std::string& profile,
                                         const VariableLookup& variable);

/// A role to be taken on.
struct AwsRole {
  std::string arn;
  std::string session_name;  ///< Part of who one then is: the same for ever.
  std::string external_id;   ///< Empty: none.
};

/// How a profile comes to its keys: it begins with some, and takes roles on with them, one after
/// the other.
struct AwsProfilePlan {
  enum class Begin { kKeys, kEnvironment, kMachine, kContainer, kWebIdentity };
  Begin begin = Begin::kKeys;
  AwsCredentials keys;     ///< With kKeys.
  std::string token_file;  ///< With kWebIdentity; its role is the first of `roles`.
  std::vector<AwsRole> roles;
};
/// Name of the session of a role, where none is given.
inline constexpr std::string_view kAwsSessionName = "weir";

/// Pure. Follows role_arn, source_profile, credential_source and web_identity_token_file; none
/// where there is no such profile, or it says nothing of keys. Errors: kNoCredentials, for half of
/// a pair of keys, profiles that name each other in a circle, and what weir cannot ask: sign-on
/// (sso_…), programs (credential_process), a second factor (mfa_serial).
Result<std::optional<AwsProfilePlan>> PlanAwsProfile(const std::string& name,
                                                     const AwsProfiles& profiles);

}  // namespace weir

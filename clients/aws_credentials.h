#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/status.h"
#include "clients/sigv4.h"

namespace weir {

/// Looks a variable of the environment up; none where it is not set.
using VariableLookup = std::function<std::optional<std::string>(const std::string& name)>;
/// That of this process.
std::optional<std::string> EnvironmentVariable(const std::string& name);

/// Where keys are looked for: in the profile if one is named, else in the environment, else in the
/// profile that AWS_PROFILE names, else in the one called `default`. Profiles are read from
/// ~/.aws/credentials and ~/.aws/config (AWS_SHARED_CREDENTIALS_FILE, AWS_CONFIG_FILE) and must
/// hold plain keys, with a session token or without; roles, sign-on, programs, and what machines
/// and containers are given are not asked yet: an error says which of them was met.
Result<AwsCredentials> FindAwsCredentials(const std::string& profile,
                                          const VariableLookup& variable);

/// AWS_REGION, AWS_DEFAULT_REGION, or the region of the profile as above; none where nobody says.
std::optional<std::string> FindAwsRegion(const std::string& profile,
                                         const VariableLookup& variable);

}  // namespace weir

#pragma once

#include <functional>
#include <optional>
#include <string>

namespace weir {

/// Looks a variable of the environment up; none where it is not set or empty.
using VariableLookup = std::function<std::optional<std::string>(const std::string& name)>;
/// That of this process.
std::optional<std::string> EnvironmentVariable(const std::string& name);

/// What the names of a region's services end with: `amazonaws.com`, in China `amazonaws.com.cn`,
/// and so on. Pure.
/// https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html
std::string AwsDomain(const std::string& region);

/// Where a service is called: AWS_ENDPOINT_URL_<SERVICE> (`sts`: AWS_ENDPOINT_URL_STS), else
/// AWS_ENDPOINT_URL, else `https://SERVICE.REGION.DOMAIN`.
std::string AwsEndpoint(const std::string& service, const std::string& region,
                        const VariableLookup& variable);

}  // namespace weir

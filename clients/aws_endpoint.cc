#include "clients/aws_endpoint.h"

#include <cctype>
#include <cstdlib>
#include <utility>

namespace weir {

std::optional<std::string> EnvironmentVariable(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr || *value == '\0') return std::nullopt;
  return value;
}

std::string AwsDomain(const std::string& region) {
  static constexpr std::pair<const char*, const char*> kPartitions[] = {
      {"cn-", "amazonaws.com.cn"},   {"eusc-", "amazonaws.eu"},      {"us-iso-", "c2s.ic.gov"},
      {"us-isob-", "sc2s.sgov.gov"}, {"us-isof-", "csp.hci.ic.gov"}, {"eu-isoe-", "cloud.adc-e.uk"},
  };
  for (const auto& [prefix, domain] : kPartitions) {
    if (region.starts_with(prefix)) return domain;
  }
  return "amazonaws.com";
}

std::string AwsEndpoint(const std::string& service, const std::string& region,
                        const VariableLookup& variable) {
  std::string name = "AWS_ENDPOINT_URL_";
  for (const unsigned char c : service) {
    name += c == '-' ? '_' : static_cast<char>(std::toupper(c));
  }
  // The service is called secretsmanager where it is called, and Secrets Manager by AWS's tools.
  if (service == "secretsmanager") name = "AWS_ENDPOINT_URL_SECRETS_MANAGER";
  if (auto own = variable(name)) return *own;
  if (auto all = variable("AWS_ENDPOINT_URL")) return *all;
  return "https://" + service + "." + region + "." + AwsDomain(region);
}

}  // namespace weir

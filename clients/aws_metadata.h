#pragma once

#include <optional>
#include <string>

#include "base/status.h"
#include "clients/aws_endpoint.h"
#include "clients/sigv4.h"

/// What AWS tells the machine or the container that weir runs in.
namespace weir {

/// Keys, or why there are none here and somebody else is to be asked.
struct AwsLentKeys {
  std::optional<AwsCredentials> keys;
  std::string none;
};

/// Where a container is told to ask. Pure.
struct AwsContainerSource {
  std::string url;
  std::string token;       ///< For the header Authorization; empty: none.
  std::string token_file;  ///< That holds it, read each time.
};
/// From AWS_CONTAINER_CREDENTIALS_RELATIVE_URI (ECS) or AWS_CONTAINER_CREDENTIALS_FULL_URI with
/// AWS_CONTAINER_AUTHORIZATION_TOKEN or …_TOKEN_FILE (EKS Pod Identity); none where neither is set.
/// A full URI leads to https, this machine, or AWS's own link-local addresses, else it is an error
/// (kNoCredentials): keys are not asked for over a network in the open.
Result<std::optional<AwsContainerSource>> FindContainerSource(const VariableLookup& variable);

/// Keys of the container's role. Errors: those of HttpClient, kServiceBusy, kAccessDenied,
/// kServiceRefused, kBadAnswer, kNoCredentials.
Result<AwsLentKeys> AskContainer(const VariableLookup& variable);

/// Keys of the machine's role, by IMDSv2 at 169.254.169.254 (AWS_EC2_METADATA_SERVICE_ENDPOINT,
/// AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE=IPv6, AWS_EC2_METADATA_DISABLED). Where nobody answers
/// within a second or two, there are none. Errors: as AskContainer.
Result<AwsLentKeys> AskMachine(const VariableLookup& variable);
/// The region that the machine is in; none where it does not say.
std::optional<std::string> AskMachineRegion(const VariableLookup& variable);

/// Pure: the document in which keys are lent. `what` names it in errors (kBadAnswer).
Result<AwsCredentials> ReadLentKeys(const std::string& json, const std::string& what);

}  // namespace weir

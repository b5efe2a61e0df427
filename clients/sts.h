#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/status.h"
#include "clients/aws_profile.h"
#include "clients/aws_service.h"

/// AWS's Security Token Service: lends keys of a role, and says who one is.
/// https://docs.aws.amazon.com/STS/latest/APIReference/
namespace weir {

/// STS of a region (empty: the global one), at AWS_ENDPOINT_URL_STS where that is set.
/// `credentials`: as AwsService has them; AssumeRoleWithWebIdentity alone needs none.
Result<std::unique_ptr<AwsService>> MakeSts(const std::string& region,
                                            const VariableLookup& variable,
                                            AwsCredentialProvider* credentials, const Clock& clock);

/// Keys of a role, good for an hour. Errors: those of AwsService, kAccessDenied, kServiceRefused.
Result<AwsCredentials> AssumeRole(AwsService& sts, const AwsRole& role);
/// The same with the token of somebody who vouches for us (Kubernetes, OpenID Connect).
Result<AwsCredentials> AssumeRoleWithWebIdentity(AwsService& sts, const AwsRole& role,
                                                 const std::string& token);

/// Whom the keys belong to.
struct AwsIdentity {
  std::string account;
  std::string arn;
  std::string user_id;
  std::optional<EventTime> asked_at;  ///< By the service's clock, to the second.
};
Result<AwsIdentity> GetCallerIdentity(AwsService& sts);

/// Pure: what the calls read. Errors: kBadAnswer.
Result<AwsCredentials> ReadAssumedRole(const std::string& xml, const std::string& operation);
Result<AwsIdentity> ReadCallerIdentity(const std::string& xml);

}  // namespace weir

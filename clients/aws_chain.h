#pragma once

#include <string>

#include "base/status.h"
#include "base/time.h"
#include "clients/aws_profile.h"

namespace weir {

/// Whose keys of AWS are wanted.
struct AwsKeysOptions {
  std::string profile;  ///< Empty: whatever the chain finds first.
  AwsRole role;         ///< To be taken on with what is found; without an ARN: none.
  std::string
      region;  ///< In which STS is asked; empty: as FindAwsRegion says, else the global one.
};

/// One walk along AWS's chain of places for keys; see AwsCredentialProvider for keys that stay
/// good. Where a profile is named it alone counts; else
///   1. AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_CREDENTIAL_EXPIRATION
///   2. AWS_WEB_IDENTITY_TOKEN_FILE with AWS_ROLE_ARN, AWS_ROLE_SESSION_NAME (EKS)
///   3. the profile of AWS_PROFILE, or `default` (see PlanAwsProfile)
///   4. what a container is given (see AskContainer)
///   5. what a machine is given (see AskMachine)
/// The first that is set up counts: where it fails nobody else is asked, since other keys may be
/// somebody else's. Errors: kNoCredentials, which says what each place said; those of STS and of
/// the metadata services. No error holds any part of a key or token.
Result<AwsCredentials> FindAwsCredentials(const AwsKeysOptions& options,
                                          const VariableLookup& variable, const Clock& clock);

}  // namespace weir

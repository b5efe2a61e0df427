#pragma once

#include <memory>
#include <string>

#include "base/status.h"
#include "clients/aws_service.h"

/// Secrets that AWS keeps. No error holds any part of one.
namespace weir {

/// The text of a secret's current version, by AWS Secrets Manager. `service` was made for
/// `secretsmanager`; `id` is a name or an ARN. Errors: those of AwsService, kAccessDenied,
/// kServiceRefused, and kNoSecret where there is none, it is being deleted, or it is no text.
/// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html
Result<std::string> GetSecretValue(AwsService& service, const std::string& id);
/// Pure: what that call reads.
Result<std::string> ReadSecretValue(const std::string& json, const std::string& id);

/// What Amazon MSK wants in a secret for SASL/SCRAM: `{"username": "…", "password": "…"}`.
struct UserAndPassword {
  std::string user;
  std::string password;
};
/// Pure. Errors: kNoSecret.
Result<UserAndPassword> ReadUserAndPassword(const std::string& secret, const std::string& id);

}  // namespace weir

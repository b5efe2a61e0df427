#include "clients/secrets_manager.h"

#include <nlohmann/json.hpp>

#include "clients/aws_answer.h"
#include "clients/aws_rights.h"
#include "clients/errors.h"

namespace weir {
namespace {

using Json = nlohmann::json;

constexpr const char* kTarget = "secretsmanager.GetSecretValue";

std::string TextIn(const Json& json, const char* name) {
  const auto at = json.is_object() ? json.find(name) : json.end();
  return at != json.end() && at->is_string() ? at->get<std::string>() : std::string();
}

Json Parsed(const std::string& text) {
  return Json::parse(text, nullptr, /*allow_exceptions=*/false);
}

}  // namespace

Result<std::string> GetSecretValue(AwsService& service, const std::string& id) {
  const HttpResponse answer = WEIR_TRY(service.PostJson(kTarget, Json{{"SecretId", id}}.dump()));
  if (answer.status == 200) return ReadSecretValue(answer.body, id);
  const AwsFault fault = ReadAwsFault(answer);
  const std::string what = service.WhatOf(kTarget) + " of '" + id + "'";
  if (fault.code == "ResourceNotFoundException" || fault.code == "InvalidRequestException") {
    return Status(errors::kNoSecret, FaultText(what, answer.status, fault),
                  "see its name, its region, and that it is not being deleted");
  }
  if (fault.code == "DecryptionFailure") {
    return Status(errors::kAccessDenied, FaultText(what, answer.status, fault),
                  "the keys need kms:Decrypt on the key that the secret is encrypted with");
  }
  return AwsRefusal(what, answer.status, fault,
                    "the keys need " + ActionsOf(aws_use::kSecret) +
                        ", on the secret and on the key that it is encrypted with");
}

Result<std::string> ReadSecretValue(const std::string& text, const std::string& id) {
  const Json json = Parsed(text);
  if (!json.is_object()) {
    return Status(errors::kBadAnswer, "secretsmanager GetSecretValue: the answer makes no sense",
                  "see that the endpoint is AWS Secrets Manager");
  }
  const auto secret = json.find("SecretString");
  if (secret == json.end() || !secret->is_string()) {
    return Status(errors::kNoSecret, "the secret '" + id + "' holds bytes, and no text",
                  "store it as text");
  }
  return secret->get<std::string>();
}

Result<UserAndPassword> ReadUserAndPassword(const std::string& secret, const std::string& id) {
  const Json json = Parsed(secret);
  UserAndPassword found{TextIn(json, "username"), TextIn(json, "password")};
  if (found.user.empty() || found.password.empty()) {
    return Status(errors::kNoSecret, "the secret '" + id + "' holds no user and password",
                  "store it as {\"username\": \"…\", \"password\": \"…\"}");
  }
  return found;
}

}  // namespace weir

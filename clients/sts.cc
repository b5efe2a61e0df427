#include "clients/sts.h"

#include <time.h>

#include <ctime>

#include <pugixml.hpp>

#include "clients/aws_answer.h"
#include "clients/errors.h"

namespace weir {
namespace {

/// Where nobody names a region. The global service is signed for as if it were there.
constexpr const char* kGlobalRegion = "us-east-1";

Status NotUnderstood(const std::string& operation) {
  return Status(errors::kBadAnswer, "sts " + operation + ": the answer makes no sense",
                "see that the endpoint is AWS's STS, and nothing before it");
}

Result<HttpResponse> Call(AwsService& sts, const std::string& operation,
                          QueryParameters parameters) {
  parameters.emplace_back("Action", operation);
  parameters.emplace_back("Version", "2011-06-15");
  return sts.Post("sts " + operation,
                  {{"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"}},
                  QueryText(parameters));
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`, by RFC 9110.
std::optional<EventTime> ReadHttpDate(const std::string& text) {
  std::tm time = {};
  if (strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &time) == nullptr) return std::nullopt;
  return EventTime{static_cast<int64_t>(timegm(&time)) * 1'000'000};
}

QueryParameters ParametersOf(const AwsRole& role) {
  QueryParameters parameters = {{"RoleArn", role.arn}, {"RoleSessionName", role.session_name}};
  if (!role.external_id.empty()) parameters.emplace_back("ExternalId", role.external_id);
  return parameters;
}

}  // namespace

Result<std::unique_ptr<AwsService>> MakeSts(const std::string& region,
                                            const VariableLookup& variable,
                                            AwsCredentialProvider* credentials,
                                            const Clock& clock) {
  AwsServiceOptions options;
  options.service = "sts";
  options.region = region.empty() ? kGlobalRegion : region;
  options.endpoint = AwsEndpoint("sts", options.region, variable);
  if (options.endpoint == "https://sts.us-east-1.amazonaws.com" && region.empty()) {
    options.endpoint = "https://sts.amazonaws.com";
  }
  return AwsService::Make(std::move(options), credentials, clock);
}

Result<AwsCredentials> AssumeRole(AwsService& sts, const AwsRole& role) {
  const HttpResponse answer = WEIR_TRY(Call(sts, "AssumeRole", ParametersOf(role)));
  if (answer.status == 200) return ReadAssumedRole(answer.body, "AssumeRole");
  return AwsRefusal("sts AssumeRole " + role.arn, answer.status, ReadAwsFault(answer),
                    "the keys need sts:AssumeRole on the role, and its trust policy must name whom "
                    "they belong to (and the external id, if it asks for one)");
}

Result<AwsCredentials> AssumeRoleWithWebIdentity(AwsService& sts, const AwsRole& role,
                                                 const std::string& token) {
  QueryParameters parameters = ParametersOf(role);
  parameters.emplace_back("WebIdentityToken", token);
  const HttpResponse answer =
      WEIR_TRY(Call(sts, "AssumeRoleWithWebIdentity", std::move(parameters)));
  if (answer.status == 200) return ReadAssumedRole(answer.body, "AssumeRoleWithWebIdentity");
  const AwsFault fault = ReadAwsFault(answer);
  const std::string what = "sts AssumeRoleWithWebIdentity " + role.arn;
  if (fault.code == "ExpiredTokenException" || fault.code == "InvalidIdentityToken" ||
      fault.code == "IDPRejectedClaim") {
    return Status(errors::kAccessDenied, FaultText(what, answer.status, fault),
                  "see that the token file is renewed, and that the account trusts who signs it");
  }
  return AwsRefusal(what, answer.status, fault,
                    "the role's trust policy must allow sts:AssumeRoleWithWebIdentity to the "
                    "token's issuer and subject");
}

Result<AwsIdentity> GetCallerIdentity(AwsService& sts) {
  const HttpResponse answer = WEIR_TRY(Call(sts, "GetCallerIdentity", {}));
  if (answer.status == 200) {
    AwsIdentity identity = WEIR_TRY(ReadCallerIdentity(answer.body));
    identity.asked_at = ReadHttpDate(std::string(answer.Header("date")));
    return identity;
  }
  return AwsRefusal("sts GetCallerIdentity", answer.status, ReadAwsFault(answer),
                    "this call needs no right: something between here and AWS refuses it");
}

Result<AwsCredentials> ReadAssumedRole(const std::string& xml, const std::string& operation) {
  pugi::xml_document document;
  document.load_buffer(xml.data(), xml.size());
  const pugi::xml_node found = document.child((operation + "Response").c_str())
                                   .child((operation + "Result").c_str())
                                   .child("Credentials");
  const std::optional<EventTime> expires = ReadAwsTime(found.child_value("Expiration"));
  AwsCredentials keys{found.child_value("AccessKeyId"), found.child_value("SecretAccessKey"),
                      found.child_value("SessionToken"), expires.value_or(EventTime{0})};
  if (!expires || keys.access_key.empty() || keys.secret_key.empty()) {
    return NotUnderstood(operation);
  }
  return keys;
}

Result<AwsIdentity> ReadCallerIdentity(const std::string& xml) {
  pugi::xml_document document;
  document.load_buffer(xml.data(), xml.size());
  const pugi::xml_node found =
      document.child("GetCallerIdentityResponse").child("GetCallerIdentityResult");
  AwsIdentity identity{found.child_value("Account"), found.child_value("Arn"),
                       found.child_value("UserId"), std::nullopt};
  if (identity.arn.empty()) return NotUnderstood("GetCallerIdentity");
  return identity;
}

}  // namespace weir

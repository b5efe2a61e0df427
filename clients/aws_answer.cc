#include "clients/aws_answer.h"

#include <algorithm>
#include <ctime>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <pugixml.hpp>

#include "clients/errors.h"

namespace weir {
namespace {

using Json = nlohmann::json;

constexpr size_t kMostMessage = 200;

bool OneOf(const std::string& code, std::initializer_list<const char*> codes) {
  return std::any_of(codes.begin(), codes.end(), [&](const char* each) { return code == each; });
}

std::string TextIn(const Json& json, const char* name) {
  const auto at = json.find(name);
  return at != json.end() && at->is_string() ? at->get<std::string>() : std::string();
}

/// `com.amazonaws.glue#EntityNotFoundException:http://…` says EntityNotFoundException.
std::string WithoutNamespace(std::string code) {
  code = code.substr(0, code.find(':'));
  const size_t hash = code.rfind('#');
  return hash == std::string::npos ? code : code.substr(hash + 1);
}

}  // namespace

AwsFault ReadAwsFault(const HttpResponse& response) {
  AwsFault fault;
  const Json json = Json::parse(response.body, nullptr, /*allow_exceptions=*/false);
  if (json.is_object()) {
    for (const char* name : {"__type", "code", "Code"}) {
      if (fault.code.empty()) fault.code = TextIn(json, name);
    }
    for (const char* name : {"message", "Message"}) {
      if (fault.message.empty()) fault.message = TextIn(json, name);
    }
  } else {
    pugi::xml_document document;
    document.load_buffer(response.body.data(), response.body.size());
    const pugi::xml_node error = document.find_node(
        [](const pugi::xml_node& node) { return std::string_view(node.name()) == "Error"; });
    fault.code = error.child_value("Code");
    fault.message = error.child_value("Message");
  }
  if (fault.code.empty()) fault.code = response.Header("x-amzn-errortype");
  fault.code = WithoutNamespace(std::move(fault.code));
  return fault;
}

bool KeysHaveEnded(const AwsFault& fault) {
  return OneOf(fault.code,
               {"ExpiredToken", "TokenRefreshRequired", "InvalidToken", "InvalidAccessKeyId",
                "ExpiredTokenException", "InvalidClientTokenId", "UnrecognizedClientException"});
}

bool FaultMayPass(int status, const AwsFault& fault) {
  return MayPass(status) ||
         OneOf(fault.code,
               {"SlowDown", "Throttling", "ThrottlingException", "RequestTimeout", "InternalError",
                "ServiceUnavailable", "RequestLimitExceeded", "OperationAborted",
                "ConditionalRequestConflict", "InternalFailure", "InternalServiceException",
                "InternalServiceError", "IDPCommunicationError", "OperationTimeoutException",
                "ConcurrentModificationException", "TooManyRequestsException",
                "ProvisionedThroughputExceededException"});
}

std::string FaultText(const std::string& what, int status, const AwsFault& fault) {
  std::string text = what + ": status " + std::to_string(status);
  if (!fault.code.empty()) text += " " + fault.code;
  if (!fault.message.empty()) text += " (" + fault.message.substr(0, kMostMessage) + ")";
  return text;
}

Status AwsRefusal(const std::string& what, int status, const AwsFault& fault,
                  const std::string& rights) {
  const std::string text = FaultText(what, status, fault);
  if (FaultMayPass(status, fault)) {
    return Status(errors::kServiceBusy, text, "it should pass; if it does not, see the service");
  }
  const auto denied = [&](const std::string& cure) {
    return Status(errors::kAccessDenied, text, cure);
  };
  if (fault.code == "RequestTimeTooSkewed" ||
      fault.message.find("Signature expired") != std::string::npos ||
      fault.message.find("Signature not yet current") != std::string::npos) {
    return denied("set this machine's clock");
  }
  if (OneOf(fault.code, {"SignatureDoesNotMatch", "InvalidAccessKeyId", "InvalidToken",
                         "InvalidSignatureException", "InvalidClientTokenId",
                         "UnrecognizedClientException", "IncompleteSignature",
                         "MissingAuthenticationToken", "MissingAuthenticationTokenException"})) {
    return denied("the keys are wrong: see access_key and secret_key");
  }
  if (OneOf(fault.code, {"ExpiredToken", "TokenRefreshRequired", "ExpiredTokenException"})) {
    return denied("the session's keys have ended: get new ones");
  }
  if (status == 401 || status == 403 ||
      OneOf(fault.code, {"AccessDenied", "AccessDeniedException"})) {
    return denied(rights);
  }
  return Status(errors::kServiceRefused, text, "see the service's settings and version");
}

std::optional<EventTime> ReadAwsTime(std::string_view text) {
  const std::string copy(text);
  std::tm parts{};
  const char* rest = ::strptime(copy.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
  if (rest == nullptr) return std::nullopt;
  if (*rest == '.') {
    rest++;
    while (*rest >= '0' && *rest <= '9') rest++;
  }
  if (std::string_view(rest) != "Z" && std::string_view(rest) != "+00:00") return std::nullopt;
  return EventTime{static_cast<int64_t>(::timegm(&parts)) * 1'000'000};
}

}  // namespace weir

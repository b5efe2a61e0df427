#include "clients/aws_metadata.h"

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "clients/aws_answer.h"
#include "clients/errors.h"
#include "clients/http.h"
#include "clients/http_address.h"

namespace weir {
namespace {

using Json = nlohmann::json;

constexpr const char* kContainerHost = "http://169.254.170.2";
constexpr const char* kTokenLifetimeSeconds = "300";
constexpr const char* kRolePath = "/latest/meta-data/iam/security-credentials/";
constexpr const char* kHopLimit =
    "from a container, give the instance a metadata hop limit of 2, or the container a role of its "
    "own";

/// Close by or not there at all; never behind a proxy.
HttpOptions OptionsOf() {
  HttpOptions options;
  options.connect_timeout = Duration::Seconds(1);
  options.stall_timeout = Duration::Seconds(1);
  options.direct = true;
  return options;
}

bool IsClose(const HttpAddress& address) {
  const std::string host = address.HostName();
  const bool loopback =
      host.starts_with("127.") && host.find_first_not_of("0123456789.") == std::string::npos;
  return address.https || host == "localhost" || host == "::1" || loopback ||
         host == "169.254.170.2" || host == "169.254.170.23" || host == "fd00:ec2::23";
}

/// Why a service that lends keys gives none.
Status Refused(const std::string& what, const HttpResponse& answer) {
  return AwsRefusal(what, answer.status, ReadAwsFault(answer),
                    "see that a role is attached, and may be taken on");
}

/// One walk to the machine's metadata, with a token of its own.
class Machine {
 public:
  explicit Machine(const VariableLookup& variable) : http_(OptionsOf()) {
    const bool v6 = variable("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE").value_or("") == "IPv6";
    base_ = variable("AWS_EC2_METADATA_SERVICE_ENDPOINT")
                .value_or(v6 ? "http://[fd00:ec2::254]" : "http://169.254.169.254");
    while (base_.ends_with('/')) base_.pop_back();
  }

  /// False where nobody answers: `none` says why.
  Result<bool> Greet(std::string& none) {
    HttpRequest request;
    request.method = "PUT";
    request.url = base_ + "/latest/api/token";
    request.headers = {{"X-aws-ec2-metadata-token-ttl-seconds", kTokenLifetimeSeconds}};
    const Result<HttpResponse> answer = http_.Send(request);
    if (!answer.ok()) {
      none = answer.status().message() + " (" + kHopLimit + ")";
      return false;
    }
    if (MayPass(answer->status)) return Refused("machine metadata token", *answer);
    if (answer->status != 200) {
      none = base_ + " gives no token of IMDSv2: status " + std::to_string(answer->status);
      return false;
    }
    token_ = answer->body;
    return true;
  }

  Result<HttpResponse> Get(const std::string& path) {
    HttpRequest request;
    request.url = base_ + path;
    request.headers = {{"X-aws-ec2-metadata-token", token_}};
    return http_.Send(request);
  }

 private:
  HttpClient http_;
  std::string base_;
  std::string token_;
};

bool SwitchedOff(const VariableLookup& variable) {
  return variable("AWS_EC2_METADATA_DISABLED").value_or("") == "true";
}

}  // namespace

Result<AwsCredentials> ReadLentKeys(const std::string& text, const std::string& what) {
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  const auto value = [&](const char* name) {
    const auto at = json.is_object() ? json.find(name) : json.end();
    return at != json.end() && at->is_string() ? at->get<std::string>() : std::string();
  };
  const std::string code = value("Code");
  if (!code.empty() && code != "Success") {
    return Status(errors::kAccessDenied, what + ": " + code + " " + value("Message").substr(0, 200),
                  "see that a role is attached, and may be taken on");
  }
  const std::string end = value("Expiration");
  const std::optional<EventTime> expires = end.empty() ? EventTime::Max() : ReadAwsTime(end);
  const AwsCredentials keys{value("AccessKeyId"), value("SecretAccessKey"), value("Token"),
                            expires.value_or(EventTime{0})};
  if (keys.access_key.empty() || keys.secret_key.empty() || !expires) {
    return Status(errors::kBadAnswer, what + ": the answer holds no keys",
                  "see that this is the service that is meant");
  }
  return keys;
}

Result<std::optional<AwsContainerSource>> FindContainerSource(const VariableLookup& variable) {
  AwsContainerSource source;
  if (const auto relative = variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")) {
    source.url = kContainerHost + *relative;
  } else if (const auto full = variable("AWS_CONTAINER_CREDENTIALS_FULL_URI")) {
    source.url = *full;
  } else {
    return std::optional<AwsContainerSource>();
  }
  const auto address = ParseHttpAddress(source.url.substr(0, source.url.find('?')));
  if (!address || !IsClose(*address)) {
    return Status(errors::kNoCredentials,
                  "AWS_CONTAINER_CREDENTIALS_FULL_URI leads to another machine without https",
                  "it is https, 127.0.0.1, or the address that ECS and EKS give");
  }
  source.token_file = variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE").value_or("");
  if (source.token_file.empty()) {
    source.token = variable("AWS_CONTAINER_AUTHORIZATION_TOKEN").value_or("");
  }
  return std::optional(source);
}

Result<AwsLentKeys> AskContainer(const VariableLookup& variable) {
  std::optional<AwsContainerSource> source = WEIR_TRY(FindContainerSource(variable));
  if (!source) return AwsLentKeys{std::nullopt, "AWS_CONTAINER_CREDENTIALS_… are not set"};
  if (!source->token_file.empty()) {
    std::ifstream file(source->token_file, std::ios::binary);
    std::stringstream text;
    text << file.rdbuf();
    if (!file) {
      return Status(errors::kNoCredentials, "cannot read " + source->token_file,
                    "see what AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE names");
    }
    source->token = text.str();
    source->token.resize(source->token.find_last_not_of(" \t\r\n") + 1);
  }
  if (source->token.find_first_of("\r\n") != std::string::npos) {
    return Status(errors::kNoCredentials, "the container's authorization token has several lines",
                  "see AWS_CONTAINER_AUTHORIZATION_TOKEN and its file");
  }
  HttpClient http(OptionsOf());
  HttpRequest request;
  request.url = source->url;
  if (!source->token.empty()) request.headers = {{"Authorization", source->token}};
  const HttpResponse answer = WEIR_TRY(http.Send(request));
  if (answer.status != 200) return Refused("container credentials", answer);
  return AwsLentKeys{WEIR_TRY(ReadLentKeys(answer.body, "container credentials")), ""};
}

Result<AwsLentKeys> AskMachine(const VariableLookup& variable) {
  if (SwitchedOff(variable)) return AwsLentKeys{std::nullopt, "AWS_EC2_METADATA_DISABLED is set"};
  Machine machine(variable);
  AwsLentKeys lent;
  if (!WEIR_TRY(machine.Greet(lent.none))) return lent;
  const HttpResponse roles = WEIR_TRY(machine.Get(kRolePath));
  const std::string role = roles.body.substr(0, roles.body.find_first_of("\r\n"));
  if (roles.status == 404 || (roles.status == 200 && role.empty())) {
    lent.none = "the machine has no role";
    return lent;
  }
  if (roles.status != 200) return Refused("machine metadata", roles);
  const HttpResponse answer = WEIR_TRY(machine.Get(kRolePath + UriEncode(role, /*path=*/false)));
  if (answer.status != 200) return Refused("machine metadata of role " + role, answer);
  lent.keys = WEIR_TRY(ReadLentKeys(answer.body, "machine metadata of role " + role));
  return lent;
}

std::optional<std::string> AskMachineRegion(const VariableLookup& variable) {
  if (SwitchedOff(variable)) return std::nullopt;
  Machine machine(variable);
  std::string none;
  const Result<bool> there = machine.Greet(none);
  if (!there.ok() || !*there) return std::nullopt;
  const Result<HttpResponse> answer = machine.Get("/latest/meta-data/placement/region");
  if (!answer.ok() || answer->status != 200 || answer->body.empty()) return std::nullopt;
  return answer->body;
}

}  // namespace weir

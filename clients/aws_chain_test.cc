#include "clients/aws_chain.h"

#include <filesystem>
#include <fstream>
#include <map>

#include "base/ids.h"
#include "clients/aws_metadata.h"
#include "clients/errors.h"
#include "clients/sts.h"
#include "tests/catch.h"
#include "tests/parts/http_fake.h"

namespace weir {
namespace {

using testing::FakeHttp;

/// A home with AWS's two files, an environment of its own, and one server for STS, the machine's
/// metadata and the container's.
class Home {
 public:
  Home() : path_(std::filesystem::temp_directory_path() / ("weir-home-" + RandomId())) {
    std::filesystem::create_directories(path_ / ".aws");
    environment["HOME"] = path_.string();
    environment["AWS_ENDPOINT_URL_STS"] = aws.url() + "/sts";
    environment["AWS_EC2_METADATA_DISABLED"] = "true";
  }
  ~Home() { std::filesystem::remove_all(path_); }
  /// Returns its path.
  std::string Write(const std::string& name, const std::string& text) {
    std::ofstream(path_ / ".aws" / name) << text;
    return path_ / ".aws" / name;
  }
  Result<AwsCredentials> Find(const AwsKeysOptions& options = {}) const {
    return FindAwsCredentials(options, Lookup(), SystemClock());
  }
  Result<AwsCredentials> Find(const std::string& profile) const {
    AwsKeysOptions options;
    options.profile = profile;
    return Find(options);
  }
  VariableLookup Lookup() const {
    return [this](const std::string& name) {
      const auto at = environment.find(name);
      return at == environment.end() ? std::optional<std::string>() : at->second;
    };
  }
  std::map<std::string, std::string> environment;
  std::map<std::string, FakeHttp::Answer> answers;  ///< By path.
  FakeHttp aws{[this](const httplib::Request& request) { return Answer(request); }};

 private:
  static std::string KeysXml(const std::string& operation, const std::string& name) {
    return "<" + operation + "Response xmlns='https://sts.amazonaws.com/doc/2011-06-15/'><" +
           operation + "Result><Credentials><AccessKeyId>of " + name +
           "</AccessKeyId><SecretAccessKey>HUSH</SecretAccessKey><SessionToken>TOKEN"
           "</SessionToken><Expiration>2030-01-02T03:04:05Z</Expiration></Credentials></" +
           operation + "Result></" + operation + "Response>";
  }
  FakeHttp::Answer Answer(const httplib::Request& request) {
    if (const auto at = answers.find(request.path); at != answers.end()) return at->second;
    if (request.path != "/sts") return {404, "", "text/plain"};
    return {200, KeysXml(request.get_param_value("Action"), request.get_param_value("RoleArn")),
            "text/xml"};
  }

  const std::filesystem::path path_;
};

/// The error, which must hold no part of any key or token.
Status Refused(const Result<AwsCredentials>& found) {
  REQUIRE_FALSE(found.ok());
  CHECK(found.status().ToString().find("HUSH") == std::string::npos);
  return found.status();
}

std::string Key(const Result<AwsCredentials>& found) {
  return found.ok() ? found->access_key : found.status().ToString();
}

constexpr const char* kLent =
    R"({"Code":"Success","AccessKeyId":"LENT","SecretAccessKey":"HUSH","Token":"T",)"
    R"("Expiration":"2030-01-02T03:04:05Z"})";

TEST_CASE("keys come from the environment, or from a profile") {
  Home home;
  home.Write("credentials", "[default]\naws_access_key_id = AKID1\naws_secret_access_key=HUSH1\n");
  home.Write("config",
             "[default]\nregion = eu-north-1\n[profile night]\nregion=eu-west-3\n"
             "aws_access_key_id=AKID2\naws_secret_access_key = HUSH2\n");
  CHECK(*home.Find() == AwsCredentials{"AKID1", "HUSH1", ""});
  CHECK(Key(home.Find("night")) == "AKID2");
  CHECK(FindAwsRegion("", home.Lookup()) == "eu-north-1");
  CHECK(FindAwsRegion("night", home.Lookup()) == "eu-west-3");
  home.environment["AWS_PROFILE"] = "night";
  CHECK(Key(home.Find()) == "AKID2");
  home.environment["AWS_ACCESS_KEY_ID"] = "AKID4";
  CHECK(Refused(home.Find()).message().find("other half") != std::string::npos);
  home.environment["AWS_SECRET_ACCESS_KEY"] = "HUSH4";
  home.environment["AWS_SESSION_TOKEN"] = "TOKEN4";
  home.environment["AWS_CREDENTIAL_EXPIRATION"] = "2030-01-02T03:04:05+00:00";
  CHECK(*home.Find() ==
        AwsCredentials{"AKID4", "HUSH4", "TOKEN4", EventTime{1'893'553'445'000'000}});
  // One that is named goes before the environment.
  CHECK(Key(home.Find("night")) == "AKID2");
  home.environment["AWS_REGION"] = "sa-east-1";
  CHECK(FindAwsRegion("night", home.Lookup()) == "sa-east-1");
  CHECK(home.aws.TakeRequests().empty());
}

TEST_CASE("where there are no keys, each place says why") {
  Home home;
  const Status none = Refused(home.Find());
  CHECK(none.Is(errors::kNoCredentials));
  for (const char* said :
       {"environment: AWS_ACCESS_KEY_ID is not set; web identity: AWS_WEB", "profile: no 'default'",
        "container: AWS_CONTAINER_CREDENTIALS_", "machine: AWS_EC2_METADATA_DISABLED is set"}) {
    INFO(none.message());
    CHECK(none.message().find(said) != std::string::npos);
  }
  CHECK(Refused(home.Find("nobody")).message().find("no profile 'nobody'") != std::string::npos);
  home.environment["AWS_PROFILE"] = "nobody";
  CHECK(Refused(home.Find()).message().find("no profile 'nobody'") != std::string::npos);
  CHECK_FALSE(FindAwsRegion("", home.Lookup()).has_value());
}

TEST_CASE("a web identity is exchanged for keys, without a signature") {
  Home home;
  home.environment["AWS_WEB_IDENTITY_TOKEN_FILE"] = home.Write("token", "HUSH.TOKEN+/=");
  CHECK(Refused(home.Find()).message().find("AWS_ROLE_ARN is not") != std::string::npos);
  home.environment["AWS_ROLE_ARN"] = "arn:aws:iam::1:role/pod";
  const auto keys = home.Find();
  REQUIRE(keys.ok());
  CHECK(*keys == AwsCredentials{"of arn:aws:iam::1:role/pod", "HUSH", "TOKEN",
                                EventTime{1'893'553'445'000'000}});
  const auto requests = home.aws.TakeRequests();
  REQUIRE(requests.size() == 1);
  CHECK_FALSE(requests[0].has_header("Authorization"));
  CHECK(requests[0].get_param_value("Action") == "AssumeRoleWithWebIdentity");
  CHECK(requests[0].get_param_value("WebIdentityToken") == "HUSH.TOKEN+/=");
  CHECK(requests[0].get_param_value("RoleSessionName") == "weir");

  // It fails, and nobody else is asked: the profile's keys are somebody else's.
  home.Write("credentials", "[default]\naws_access_key_id = AKID1\naws_secret_access_key=HUSH1\n");
  home.answers["/sts"] = {400,
                          "<ErrorResponse><Error><Code>ExpiredTokenException</Code><Message>Token "
                          "expired</Message></Error></ErrorResponse>",
                          "text/xml"};
  const Status refused = Refused(home.Find());
  CHECK(refused.Is(errors::kAccessDenied));
  CHECK(refused.ToString().find("AWS keys from the web identity: sts AssumeRoleWithWebIdentity") !=
        std::string::npos);
  CHECK(refused.cure().find("token file") != std::string::npos);
  home.environment["AWS_WEB_IDENTITY_TOKEN_FILE"] = "/nowhere/token";
  CHECK(Refused(home.Find()).message().find("/nowhere/token") != std::string::npos);
}

TEST_CASE("roles are taken on with what was found, also one after the other") {
  Home home;
  home.Write("config",
             "[profile outer]\nrole_arn = arn:outer\nsource_profile = inner\n"
             "external_id = ticket\n[profile inner]\nrole_arn = arn:inner\n"
             "role_session_name = me\ncredential_source = Environment\n");
  home.environment["AWS_ACCESS_KEY_ID"] = "AKID";
  home.environment["AWS_SECRET_ACCESS_KEY"] = "HUSH";
  AwsKeysOptions options;
  options.profile = "outer";
  options.role.arn = "arn:last";
  options.role.external_id = "other";
  options.region = "eu-west-1";
  CHECK(Key(home.Find(options)) == "of arn:last");
  const auto requests = home.aws.TakeRequests();
  REQUIRE(requests.size() == 3);
  CHECK(requests[0].get_header_value("Authorization").find("Credential=AKID/") !=
        std::string::npos);
  CHECK(requests[0].get_header_value("Authorization").find("/eu-west-1/sts/aws4_request") !=
        std::string::npos);
  CHECK(requests[0].get_param_value("RoleSessionName") == "me");
  CHECK_FALSE(requests[0].has_param("ExternalId"));
  CHECK(requests[1].get_header_value("Authorization").find("Credential=of arn:inner/") !=
        std::string::npos);
  CHECK(requests[1].get_header_value("X-Amz-Security-Token") == "TOKEN");
  CHECK(requests[1].get_param_value("ExternalId") == "ticket");
  CHECK(requests[2].get_param_value("RoleSessionName") == "weir");
  CHECK(requests[2].get_param_value("ExternalId") == "other");

  home.answers["/sts"] = {
      403, "<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>", "text/xml"};
  const Status denied = Refused(home.Find(options));
  CHECK(denied.Is(errors::kAccessDenied));
  CHECK(denied.cure().find("trust policy") != std::string::npos);
  home.answers["/sts"] = {200, "<html>", "text/html"};
  CHECK(Refused(home.Find(options)).Is(errors::kBadAnswer));
}

TEST_CASE("containers are lent keys by who is close") {
  Home home;
  home.environment["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = home.aws.url() + "/v1/keys?x=1";
  home.environment["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = home.Write("pod", "HUSHPOD\n");
  home.answers["/v1/keys"] = {200, kLent};
  CHECK(Key(home.Find()) == "LENT");
  CHECK(home.aws.TakeRequests().at(0).get_header_value("Authorization") == "HUSHPOD");
  home.environment.erase("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
  home.environment["AWS_CONTAINER_AUTHORIZATION_TOKEN"] = "HUSH2";
  CHECK(Key(home.Find()) == "LENT");
  CHECK(home.aws.TakeRequests().at(0).get_header_value("Authorization") == "HUSH2");
  home.answers["/v1/keys"] = {403, R"({"code":"AccessDenied","message":"no"})"};
  CHECK(Refused(home.Find()).Is(errors::kAccessDenied));
  home.answers["/v1/keys"] = {500, ""};
  CHECK(Refused(home.Find()).Is(errors::kServiceBusy));
  home.environment["AWS_CONTAINER_AUTHORIZATION_TOKEN"] = "HUSH\r\nX: y";
  CHECK(Refused(home.Find()).message().find("several lines") != std::string::npos);
  home.environment["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = "/nowhere";
  CHECK(Refused(home.Find()).message().find("/nowhere") != std::string::npos);
}

TEST_CASE("a container's keys are not asked for over a network in the open") {
  std::map<std::string, std::string> environment;
  const VariableLookup variable = [&](const std::string& name) {
    const auto at = environment.find(name);
    return at == environment.end() ? std::optional<std::string>() : at->second;
  };
  const auto url = [&](const std::string& full) {
    environment["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = full;
    const auto found = FindContainerSource(variable);
    return found.ok() ? found->value().url : std::string(found.status().code().id);
  };
  for (const char* fine :
       {"https://anywhere/x", "http://127.0.0.1:80/x", "http://localhost/x", "http://[::1]/x",
        "http://169.254.170.23/v1/credentials", "http://[fd00:ec2::23]/v1/credentials"}) {
    CHECK(url(fine) == fine);
  }
  for (const char* wrong : {"http://10.0.0.1/x", "http://127.example.com/x", "nonsense",
                            "http://169.254.170.2@example.com/", "http://169.254.169.254/"}) {
    CHECK(url(wrong) == "WEIR-A007");
  }
  environment["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = "/v2/credentials/1";
  CHECK(url("http://localhost/x") == "http://169.254.170.2/v2/credentials/1");
}

TEST_CASE("a machine is lent keys by IMDSv2") {
  Home home;
  home.environment.erase("AWS_EC2_METADATA_DISABLED");
  home.environment["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = home.aws.url() + "/";
  const std::string roles = "/latest/meta-data/iam/security-credentials/";
  home.answers["/latest/api/token"] = {200, "HUSHTOKEN", "text/plain"};
  CHECK(Refused(home.Find()).message().find("the machine has no role") != std::string::npos);
  home.answers[roles] = {200, "role/1\n", "text/plain"};
  home.answers[roles + "role/1"] = {200, kLent, "text/plain"};
  home.aws.TakeRequests();
  CHECK(Key(home.Find()) == "LENT");
  const auto requests = home.aws.TakeRequests();
  REQUIRE(requests.size() == 3);
  CHECK(requests[0].method == "PUT");
  CHECK(requests[0].has_header("X-aws-ec2-metadata-token-ttl-seconds"));
  CHECK(requests[2].get_header_value("X-aws-ec2-metadata-token") == "HUSHTOKEN");
  home.answers["/latest/meta-data/placement/region"] = {200, "ap-south-1", "text/plain"};
  CHECK(AskMachineRegion(home.Lookup()) == "ap-south-1");
  home.answers[roles + "role/1"] = {200, R"({"Code":"AssumeRoleUnauthorizedAccess"})"};
  CHECK(Refused(home.Find()).Is(errors::kAccessDenied));
  home.answers[roles + "role/1"] = {200, "nonsense"};
  CHECK(Refused(home.Find()).Is(errors::kBadAnswer));
  home.answers["/latest/api/token"] = {403, "", "text/plain"};
  CHECK(Refused(home.Find()).Is(errors::kNoCredentials));
  home.answers["/latest/api/token"] = {503, "", "text/plain"};
  CHECK(Refused(home.Find()).Is(errors::kServiceBusy));
  home.environment["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = "http://127.0.0.1:1";
  CHECK(Refused(home.Find()).message().find("hop limit") != std::string::npos);
  CHECK_FALSE(AskMachineRegion(home.Lookup()).has_value());
}

TEST_CASE("sts says who one is") {
  Home home;
  AwsCredentialProvider keys([] { return Result(AwsCredentials{"AKID", "HUSH", ""}); },
                             SystemClock());
  const auto sts = MakeSts("eu-west-1", home.Lookup(), &keys, SystemClock());
  REQUIRE(sts.ok());
  home.answers["/sts"] = {200,
                          "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:me</Arn>"
                          "<UserId>U</UserId><Account>123</Account></GetCallerIdentityResult>"
                          "</GetCallerIdentityResponse>",
                          "text/xml"};
  const auto identity = GetCallerIdentity(**sts);
  REQUIRE(identity.ok());
  CHECK(identity->arn == "arn:me");
  CHECK(identity->account == "123");
  home.answers["/sts"] = {200, "", "text/xml"};
  CHECK(GetCallerIdentity(**sts).status().Is(errors::kBadAnswer));
}

TEST_CASE("endpoints are those of the partition, or as the environment says") {
  std::map<std::string, std::string> environment;
  const VariableLookup variable = [&](const std::string& name) {
    const auto at = environment.find(name);
    return at == environment.end() ? std::optional<std::string>() : at->second;
  };
  CHECK(AwsEndpoint("glue", "eu-west-1", variable) == "https://glue.eu-west-1.amazonaws.com");
  CHECK(AwsEndpoint("sts", "cn-north-1", variable) == "https://sts.cn-north-1.amazonaws.com.cn");
  CHECK(AwsDomain("us-gov-west-1") == "amazonaws.com");
  CHECK(AwsDomain("us-isob-east-1") == "sc2s.sgov.gov");
  environment["AWS_ENDPOINT_URL"] = "http://all";
  environment["AWS_ENDPOINT_URL_SECRETS_MANAGER"] = "http://secrets";
  CHECK(AwsEndpoint("glue", "eu-west-1", variable) == "http://all");
  CHECK(AwsEndpoint("secretsmanager", "eu-west-1", variable) == "http://secrets");
}

}  // namespace
}  // namespace weir

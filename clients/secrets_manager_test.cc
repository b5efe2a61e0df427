#include "clients/secrets_manager.h"

#include "clients/errors.h"
#include "tests/catch.h"
#include "tests/parts/http_fake.h"

namespace weir {
namespace {

using testing::FakeHttp;

TEST_CASE("secrets are read, and never told") {
  FakeHttp::Answer answer{200, R"({"Name":"AmazonMSK_x","SecretString":"HUSH"})"};
  FakeHttp http([&](const httplib::Request&) { return answer; });
  AwsCredentialProvider keys([] { return Result(AwsCredentials{"AKID", "HUSH", ""}); },
                             SystemClock());
  AwsServiceOptions options;
  options.service = "secretsmanager";
  options.region = "eu-west-1";
  options.endpoint = http.url();
  const auto service = AwsService::Make(options, &keys, SystemClock());
  REQUIRE(service.ok());
  CHECK(*GetSecretValue(**service, "AmazonMSK_x") == "HUSH");
  const auto request = http.TakeRequests().at(0);
  CHECK(request.get_header_value("X-Amz-Target") == "secretsmanager.GetSecretValue");
  CHECK(request.body == R"({"SecretId":"AmazonMSK_x"})");
  const auto fault = [&](int status, const std::string& body) {
    answer = {status, body};
    const auto read = GetSecretValue(**service, "s");
    REQUIRE_FALSE(read.ok());
    CHECK(read.status().ToString().find("HUSH") == std::string::npos);
    return read.status();
  };
  CHECK(fault(400, R"({"__type":"ResourceNotFoundException"})").Is(errors::kNoSecret));
  CHECK(fault(400, R"({"__type":"AccessDeniedException"})")
            .cure()
            .find("secretsmanager:GetSecretValue") != std::string::npos);
  CHECK(fault(400, R"({"__type":"DecryptionFailure"})").cure().find("kms:Decrypt") !=
        std::string::npos);
  CHECK(fault(200, R"({"SecretBinary":"HUSH"})").Is(errors::kNoSecret));
  CHECK(fault(200, "HUSH").Is(errors::kBadAnswer));
}

TEST_CASE("a secret for SCRAM holds a user and a password") {
  const auto found = ReadUserAndPassword(R"({"username":"u","password":"HUSH","x":1})", "s");
  REQUIRE(found.ok());
  CHECK(found->user == "u");
  CHECK(found->password == "HUSH");
  for (const char* wrong : {"", "HUSH", "[\"HUSH\"]", R"({"username":"u"})",
                            R"({"username":"u","password":["HUSH"]})"}) {
    const auto none = ReadUserAndPassword(wrong, "s");
    CHECK(none.status().Is(errors::kNoSecret));
    CHECK(none.status().ToString().find("HUSH") == std::string::npos);
  }
}

}  // namespace
}  // namespace weir

#include "clients/msk_iam.h"

#include <cstdlib>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "tests/catch.h"

namespace weir {
namespace {

/// 2026-01-02T03:04:05.678Z.
constexpr EventTime kNow{1'767'323'045'678'000};

/// The URL in a token, up to who asks.
std::string UrlOf(std::string token) {
  for (char& c : token) c = c == '-' ? '+' : c == '_' ? '/' : c;
  std::string url;
  REQUIRE(DecodeBase64(token, url));
  return url.substr(0, url.find("&User-Agent="));
}

TEST_CASE("tokens are those of Amazon's signer") {
  const MskToken plain = SignMskToken({"AKIATEST1", "secret1secret1", ""}, "eu-west-1", kNow);
  CHECK(UrlOf(plain.text) ==
        "https://kafka.eu-west-1.amazonaws.com/?Action=kafka-cluster%3AConnect&X-Amz-Algorithm="
        "AWS4-HMAC-SHA256&X-Amz-Credential=AKIATEST1%2F20260102%2Feu-west-1%2Fkafka-cluster%2F"
        "aws4_request&X-Amz-Date=20260102T030405Z&X-Amz-Expires=900&X-Amz-SignedHeaders=host&"
        "X-Amz-Signature=b1f6c5f57ce7dd32d743c521d3784b6794afbe5b42ebebc828a38003267c6bdc");
  CHECK(plain.end_ms == 1'767'323'945'000);
  CHECK(plain.text.find_first_of("+/=") == std::string::npos);
  const std::string lent =
      UrlOf(SignMskToken({"AKIATEST1", "secret1secret1", "tok/en+2=="}, "cn-north-1", kNow).text);
  CHECK(lent.find("&X-Amz-Security-Token=tok%2Fen%2B2%3D%3D&") != std::string::npos);
  CHECK(lent.ends_with("4b239a914ad8ad5c1a57cc2515fb992b2136bfeac8953dc1a1687e9db37b3aa4"));
}

TEST_CASE("a token ends with its keys") {
  const AwsCredentials keys{"AKIA", "secret", "", kNow + Duration::Minutes(3)};
  CHECK(SignMskToken(keys, "eu-west-1", kNow).end_ms == 1'767'323'045'678 + 180'000);
}

TEST_CASE("the region stands in the brokers' names") {
  CHECK(RegionOfMskBrokers("b-1.demo.a1.c2.kafka.eu-west-1.amazonaws.com:9098") == "eu-west-1");
  CHECK(RegionOfMskBrokers("boot-x.c1.kafka-serverless.us-east-2.amazonaws.com:9098") ==
        "us-east-2");
  CHECK(RegionOfMskBrokers("b-1.x.c2.kafka.cn-north-1.amazonaws.com.cn") == "cn-north-1");
  CHECK(RegionOfMskBrokers("proxy:9098,b-1-public.x.c2.kafka.eu-west-1.amazonaws.com:9198") ==
        "eu-west-1");
  for (const char* other :
       {"", "localhost:9092", "my.kafka.example.com:9098", "a.kafka.",
        "b-1.x.kafka.cn-north-1.amazonaws.com:1", "x.kafka.eu-west-1.amazonaws.com.evil.org:1"}) {
    INFO(other);
    CHECK_FALSE(RegionOfMskBrokers(other).has_value());
  }
}

TEST_CASE("where brokers' names hold no region, the environment says it") {
  std::map<std::string, std::string> environment = {{"AWS_EC2_METADATA_DISABLED", "true"}};
  const VariableLookup variable = [&](const std::string& name) {
    const auto at = environment.find(name);
    return at == environment.end() ? std::optional<std::string>() : at->second;
  };
  const std::string named = "b-1.demo.a1.c2.kafka.eu-west-1.amazonaws.com:9098";
  CHECK_FALSE(FindMskRegion("localhost:9098", "", variable).has_value());
  environment["AWS_REGION"] = "sa-east-1";
  CHECK(FindMskRegion("localhost:9098", "", variable) == "sa-east-1");
  CHECK(FindMskRegion(named, "", variable) == "eu-west-1");
}

/// A pytest gives tokens that another signer has made, with what they were made from.
TEST_CASE("tokens of another signer are made again", "[.aws]") {
  std::ifstream file(std::getenv("WEIR_TEST_MSK_TOKENS"));
  const nlohmann::json cases = nlohmann::json::parse(file);
  REQUIRE(cases.size() > 10);
  for (const nlohmann::json& each : cases) {
    const AwsCredentials keys{each["access_key"], each["secret_key"], each["session_token"]};
    const MskToken token = SignMskToken(keys, each["region"], EventTime{each["time_us"]});
    CHECK(UrlOf(token.text) == UrlOf(each["token"]));
    CHECK(token.end_ms == each["end_ms"]);
  }
}

}  // namespace
}  // namespace weir

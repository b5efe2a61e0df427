#include "clients/aws_answer.h"

#include "clients/errors.h"
#include "tests/catch.h"

namespace weir {
namespace {

AwsFault FaultIn(const std::string& body, HttpHeaders headers = {}) {
  HttpResponse response;
  response.body = body;
  response.headers = std::move(headers);
  return ReadAwsFault(response);
}

TEST_CASE("faults are read in each of AWS's dialects") {
  const AwsFault json =
      FaultIn(R"({"__type":"com.amazonaws.glue#EntityNotFoundException","Message":"gone"})");
  CHECK(json.code == "EntityNotFoundException");
  CHECK(json.message == "gone");
  CHECK(FaultIn(R"({"message":"m"})", {{"x-amzn-errortype", "AccessDeniedException:http://x/"}})
            .code == "AccessDeniedException");
  CHECK(FaultIn(R"({"code":"InvalidParameter","message":"m"})").code == "InvalidParameter");
  const AwsFault xml = FaultIn(
      "<ErrorResponse xmlns='x'><Error><Type>Sender</Type><Code>ExpiredTokenException</Code>"
      "<Message>old</Message></Error></ErrorResponse>");
  CHECK(xml.code == "ExpiredTokenException");
  CHECK(xml.message == "old");
  CHECK(FaultIn("<Error><Code>SlowDown</Code></Error>").code == "SlowDown");
  CHECK(FaultIn("<ErrorResponse><Errors><Error><Code>A</Code></Error></Errors></ErrorResponse>")
            .code == "A");
  CHECK(FaultIn("<html>").code.empty());
  CHECK(FaultIn("").code.empty());
  CHECK(FaultIn("[1]").code.empty());
  CHECK(FaultIn(R"({"__type":7})").code.empty());
}

TEST_CASE("refusals say whose fault they are") {
  const auto refusal = [](int status, AwsFault fault) {
    return AwsRefusal("glue X", status, fault, "give it the right");
  };
  CHECK(refusal(500, {}).Is(errors::kServiceBusy));
  CHECK(refusal(400, {"ThrottlingException", ""}).Is(errors::kServiceBusy));
  CHECK(refusal(400, {"AccessDeniedException", ""}).cure() == "give it the right");
  CHECK(refusal(403, {"", ""}).Is(errors::kAccessDenied));
  CHECK(refusal(403, {"InvalidClientTokenId", ""}).cure().find("keys are wrong") !=
        std::string::npos);
  CHECK(refusal(403, {"SignatureDoesNotMatch", "Signature expired: 2020 is now earlier"}).cure() ==
        "set this machine's clock");
  CHECK(refusal(400, {"ExpiredTokenException", ""}).cure().find("have ended") != std::string::npos);
  const Status refused = refusal(400, {"InvalidInputException", std::string(500, 'x')});
  CHECK(refused.Is(errors::kServiceRefused));
  CHECK(refused.message() ==
        "glue X: status 400 InvalidInputException (" + std::string(200, 'x') + ")");
}

TEST_CASE("times of AWS") {
  CHECK(ReadAwsTime("2020-01-02T03:04:05Z")->us == 1'577'934'245'000'000);
  CHECK(ReadAwsTime("2020-01-02T03:04:05.123456Z")->us == 1'577'934'245'000'000);
  CHECK(ReadAwsTime("2020-01-02T03:04:05+00:00")->us == 1'577'934'245'000'000);
  for (const char* wrong : {"", "2020-01-02", "2020-01-02T03:04:05+01:00", "1577934245"}) {
    CHECK_FALSE(ReadAwsTime(wrong).has_value());
  }
}

}  // namespace
}  // namespace weir

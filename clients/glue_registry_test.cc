#include "clients/glue_registry.h"

#include <map>
#include <nlohmann/json.hpp>

#include "clients/errors.h"
#include "tests/catch.h"
#include "tests/parts/http_fake.h"

namespace weir {
namespace {

using Json = nlohmann::json;
using testing::FakeHttp;

constexpr const char* kFirst = "00000000-0000-4000-8000-000000000001";
constexpr const char* kSecond = "00000000-0000-4000-8000-000000000002";

/// Answers by operation, the given ones in turn and the last of them for ever.
struct Glue {
  std::map<std::string, std::vector<FakeHttp::Answer>> answers;
  AwsCredentialProvider keys{[] { return Result(AwsCredentials{"AKID", "HUSH", "TOKEN"}); },
                             SystemClock()};
  FakeHttp http{[this](const httplib::Request& request) {
    std::string target = request.get_header_value("X-Amz-Target");
    auto& left = answers[target.substr(target.find('.') + 1)];
    if (left.empty()) return FakeHttp::Answer{500, "nothing is to be asked"};
    const FakeHttp::Answer answer = left.front();
    if (left.size() > 1) left.erase(left.begin());
    return answer;
  }};
  std::unique_ptr<GlueRegistry> client = MakeClient();

  std::unique_ptr<GlueRegistry> MakeClient() {
    GlueRegistryOptions options;
    options.registry = "reg";
    options.description = "made by weir";
    options.region = "eu-west-1";
    options.endpoint = http.url();
    options.retry.first_wait = Duration::Millis(1);
    options.retry.longest_wait = Duration::Millis(2);
    options.retry.tries = 3;
    auto made = GlueRegistry::Make(options, keys, SystemClock());
    REQUIRE(made.ok());
    return std::move(made).value();
  }
  std::vector<std::string> Operations() {
    std::vector<std::string> operations;
    for (const auto& request : http.TakeRequests()) {
      operations.push_back(request.get_header_value("X-Amz-Target").substr(8));
    }
    return operations;
  }
};

FakeHttp::Answer Version(const char* id, int number, const char* status, const char* text = "X") {
  return {200, Json{{"SchemaVersionId", id},
                    {"VersionNumber", number},
                    {"Status", status},
                    {"DataFormat", "AVRO"},
                    {"SchemaDefinition", text}}
                   .dump()};
}

FakeHttp::Answer Fault(const char* type) {
  return {400, Json{{"__type", type}, {"Message", "told by the test"}}.dump()};
}

template <typename T>
T Check(Result<T> result) {
  if (!result.ok()) FAIL(result.status().ToString());
  return std::move(result).value();
}

TEST_CASE("Glue's schemas are fetched by id, signed") {
  Glue glue;
  glue.answers["GetSchemaVersion"] = {Version(kFirst, 3, "AVAILABLE")};
  const auto id = SchemaId::FromText(kFirst);
  const auto found = Check(glue.client->FetchById(*id));
  REQUIRE(found);
  CHECK(found->id == *id);
  CHECK(found->version == 3);
  CHECK(found->schema.text == "X");
  const auto request = glue.http.TakeRequests().at(0);
  CHECK(Json::parse(request.body) == Json{{"SchemaVersionId", kFirst}});
  const std::string signature = request.get_header_value("Authorization");
  CHECK(signature.find("/eu-west-1/glue/aws4_request") != std::string::npos);
  CHECK(signature.find("SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;"
                       "x-amz-target") != std::string::npos);
  glue.answers["GetSchemaVersion"] = {Fault("EntityNotFoundException")};
  CHECK_FALSE(Check(glue.client->FetchById(*id)).has_value());
  CHECK_FALSE(Check(glue.client->Newest("t")).has_value());
}

TEST_CASE("Glue's faults are told apart") {
  Glue glue;
  const auto fault = [&](const FakeHttp::Answer& answer) {
    glue.answers["GetSchemaVersion"] = {answer};
    const Status status = glue.client->Newest("t").status();
    CHECK(status.ToString().find("HUSH") == std::string::npos);
    return status;
  };
  CHECK(fault(Fault("AccessDeniedException")).cure().find("glue:GetSchemaVersion") !=
        std::string::npos);
  CHECK(fault({403,
               "<ErrorResponse><Error><Code>SignatureDoesNotMatch</Code></Error>"
               "</ErrorResponse>",
               "text/xml"})
            .Is(errors::kAccessDenied));
  CHECK(fault(Fault("InternalServiceException")).Is(errors::kServiceBusy));
  CHECK(fault({503, ""}).Is(errors::kServiceBusy));
  CHECK(fault(Fault("InvalidInputException")).Is(errors::kServiceRefused));
  CHECK(fault({200, "<html>"}).Is(errors::kBadAnswer));
  CHECK(fault({200, R"({"SchemaVersionId":"7"})"}).Is(errors::kBadAnswer));
}

TEST_CASE("only versions that Glue has accepted count") {
  Glue glue;
  glue.answers["ListSchemaVersions"] = {
      {200, Json{{"Schemas",
                  {{{"SchemaVersionId", kSecond}, {"VersionNumber", 2}, {"Status", "AVAILABLE"}},
                   {{"SchemaVersionId", kFirst}, {"VersionNumber", 3}, {"Status", "FAILURE"}}}},
                 {"NextToken", "more"}}
                .dump()},
      {200, Json{{"Schemas",
                  {{{"SchemaVersionId", kFirst}, {"VersionNumber", 1}, {"Status", "AVAILABLE"}}}}}
                .dump()}};
  glue.answers["GetSchemaVersion"] = {Version(kFirst, 1, "AVAILABLE", "one"),
                                      Version(kSecond, 2, "AVAILABLE", "two")};
  const auto versions = Check(glue.client->Versions("t"));
  REQUIRE(versions.size() == 2);
  CHECK(versions[0].schema.text == "one");
  CHECK(versions[1].schema.text == "two");
  // The newest one was refused: the one before it is what counts.
  glue.answers["ListSchemaVersions"] = {
      {200, Json{{"Schemas",
                  {{{"SchemaVersionId", kSecond}, {"VersionNumber", 2}, {"Status", "AVAILABLE"}}}}}
                .dump()}};
  glue.answers["GetSchemaVersion"] = {Version(kFirst, 3, "FAILURE"),
                                      Version(kSecond, 2, "AVAILABLE", "two")};
  CHECK(Check(glue.client->Newest("t"))->schema.text == "two");
  glue.answers["ListSchemaVersions"] = {Fault("EntityNotFoundException")};
  CHECK(Check(glue.client->Versions("t")).empty());
  glue.answers["GetSchemaByDefinition"] = {Version(kSecond, 2, "AVAILABLE")};
  CHECK(Check(glue.client->Find("t", {SchemaKind::kAvro, "X"}))->id.ToString() == kSecond);
  glue.answers["GetSchemaByDefinition"] = {Version(kSecond, 2, "FAILURE")};
  CHECK_FALSE(Check(glue.client->Find("t", {SchemaKind::kAvro, "X"})).has_value());
}

TEST_CASE("a version counts once Glue has looked at it") {
  Glue glue;
  const SchemaText schema{SchemaKind::kAvro, "X"};
  glue.answers["RegisterSchemaVersion"] = {Version(kFirst, 2, "PENDING")};
  glue.answers["GetSchemaVersion"] = {Version(kFirst, 2, "PENDING"),
                                      Version(kFirst, 2, "AVAILABLE")};
  CHECK(Check(glue.client->Register("t", schema, std::nullopt)).ToString() == kFirst);
  CHECK(glue.Operations() ==
        std::vector<std::string>{"RegisterSchemaVersion", "GetSchemaVersion", "GetSchemaVersion"});
  glue.answers["GetSchemaVersion"] = {Version(kFirst, 2, "FAILURE")};
  CHECK(glue.client->Register("t", schema, std::nullopt).status().Is(errors::kSchemaRefused));
  glue.answers["GetSchemaVersion"] = {Version(kFirst, 2, "PENDING")};
  CHECK(glue.client->Register("t", schema, std::nullopt).status().Is(errors::kServiceBusy));
  glue.answers["RegisterSchemaVersion"] = {Fault("InvalidInputException")};
  CHECK(glue.client->Register("t", schema, std::nullopt).status().Is(errors::kSchemaRefused));
}

TEST_CASE("a schema that is not there is created") {
  Glue glue;
  const SchemaText schema{SchemaKind::kAvro, "X"};
  glue.answers["RegisterSchemaVersion"] = {Fault("EntityNotFoundException")};
  glue.answers["CreateSchema"] = {
      {200, Json{{"SchemaVersionId", kFirst}, {"SchemaVersionStatus", "AVAILABLE"}}.dump()}};
  CHECK(Check(glue.client->Register("t", schema, SchemaCompatibility::kFullAll)).ToString() ==
        kFirst);
  const auto requests = glue.http.TakeRequests();
  REQUIRE(requests.size() == 2);
  CHECK(Json::parse(requests[1].body) == Json{{"SchemaName", "t"},
                                              {"RegistryId", {{"RegistryName", "reg"}}},
                                              {"DataFormat", "AVRO"},
                                              {"Compatibility", "FULL_ALL"},
                                              {"Description", "made by weir"},
                                              {"SchemaDefinition", "X"}});
  // Somebody else was faster.
  glue.answers["RegisterSchemaVersion"] = {Fault("EntityNotFoundException"),
                                           Version(kSecond, 1, "AVAILABLE")};
  glue.answers["CreateSchema"] = {Fault("AlreadyExistsException")};
  CHECK(Check(glue.client->Register("t", schema, std::nullopt)).ToString() == kSecond);
  glue.answers["RegisterSchemaVersion"] = {Fault("EntityNotFoundException")};
  glue.answers["CreateSchema"] = {Fault("EntityNotFoundException")};
  const Status status = glue.client->Register("t", schema, std::nullopt).status();
  CHECK(status.Is(errors::kServiceRefused));
  CHECK(status.cure().find("no registry 'reg'") != std::string::npos);
}

TEST_CASE("Glue's compatibility and frames") {
  Glue glue;
  glue.answers["GetSchema"] = {{200, R"({"Compatibility":"BACKWARD_ALL"})"}};
  CHECK(Check(glue.client->CompatibilityOf("t")) == SchemaCompatibility::kBackwardAll);
  glue.answers["GetSchema"] = {Fault("EntityNotFoundException")};
  CHECK_FALSE(Check(glue.client->CompatibilityOf("t")).has_value());
  glue.answers["UpdateSchema"] = {{200, "{}"}};
  CHECK(glue.client->SetCompatibility("t", SchemaCompatibility::kDisabled).ok());
  CHECK(Json::parse(glue.http.TakeRequests().back().body)["Compatibility"] == "DISABLED");
  std::string record;
  glue.client->AppendFrameHeader(*SchemaId::FromText(kFirst), record);
  CHECK(record.size() == 18);
  CHECK(glue.client->SplitFrame(record + "x").frame->payload == "x");
}

}  // namespace
}  // namespace weir

#include "clients/confluent_registry.h"

#include <map>

#include "clients/errors.h"
#include "tests/catch.h"
#include "tests/parts/http_fake.h"

namespace weir {
namespace {

using testing::FakeHttp;

/// Answers by `METHOD /path`.
struct Registry {
  std::map<std::string, FakeHttp::Answer> answers;
  FakeHttp http{[this](const httplib::Request& request) {
    const auto at = answers.find(request.method + " " + request.path);
    return at != answers.end() ? at->second : FakeHttp::Answer{404, "<html>", "text/html"};
  }};

  std::unique_ptr<ConfluentRegistry> Client(const std::string& urls = "") const {
    ConfluentRegistryOptions options;
    options.urls = urls.empty() ? http.url() + "/base/" : urls;
    options.user = "me";
    options.password = "HUSH";
    options.retry.first_wait = Duration::Millis(1);
    options.retry.longest_wait = Duration::Millis(2);
    options.retry.tries = 3;
    auto made = ConfluentRegistry::Make(options, SystemClock());
    REQUIRE(made.ok());
    return std::move(made).value();
  }
};

template <typename T>
T Check(Result<T> result) {
  if (!result.ok()) FAIL(result.status().ToString());
  return std::move(result).value();
}

Status Refused(const Status& status) {
  REQUIRE_FALSE(status.ok());
  CHECK(status.ToString().find("HUSH") == std::string::npos);
  return status;
}

FakeHttp::Answer Fault(int status, int code) {
  return {status, "{\"error_code\":" + std::to_string(code) + ",\"message\":\"told by the test\"}"};
}

TEST_CASE("schemas are fetched by id, with what they refer to") {
  Registry registry;
  const auto client = registry.Client();
  registry.answers["GET /base/schemas/ids/7"] = {200, R"({"schema":"\"string\""})"};
  const auto plain = Check(client->FetchById(SchemaId::OfNumber(7)));
  REQUIRE(plain);
  CHECK(plain->id == SchemaId::OfNumber(7));
  CHECK(plain->schema.kind == SchemaKind::kAvro);
  CHECK(plain->schema.text == "\"string\"");
  CHECK(plain->dependencies.empty());
  const auto request = registry.http.TakeRequests().at(0);
  CHECK(request.get_header_value("Authorization") == "Basic bWU6SFVTSA==");

  registry.answers["GET /base/schemas/ids/8"] = {200,
                                                 R"({"schema":"A","schemaType":"AVRO","references":[
               {"name":"b","subject":"b","version":2},{"name":"c","subject":"c/x","version":1}]})"};
  registry.answers["GET /base/subjects/b/versions/2"] = {
      200, R"({"subject":"b","version":2,"id":3,"schema":"B","references":[
               {"name":"c","subject":"c/x","version":1}]})"};
  registry.answers["GET /base/subjects/c/x/versions/1"] = {
      200, R"({"subject":"c/x","version":1,"id":4,"schema":"C"})"};
  const auto composed = Check(client->FetchById(SchemaId::OfNumber(8)));
  REQUIRE(composed);
  CHECK(composed->dependencies == std::vector<std::string>{"C", "B"});
  registry.answers.erase("GET /base/subjects/c/x/versions/1");
  registry.answers["GET /base/subjects/c/x/versions/1"] = Fault(404, 40402);
  CHECK(Refused(client->FetchById(SchemaId::OfNumber(8)).status()).Is(errors::kServiceRefused));
}

TEST_CASE("what is not there is no outage, and a wrong address is no missing schema") {
  Registry registry;
  const auto client = registry.Client();
  registry.answers["GET /base/schemas/ids/7"] = Fault(404, 40403);
  CHECK_FALSE(Check(client->FetchById(SchemaId::OfNumber(7))).has_value());
  registry.answers["GET /base/subjects/s/versions/latest"] = Fault(404, 40401);
  CHECK_FALSE(Check(client->Newest("s")).has_value());
  registry.answers["GET /base/subjects/s/versions"] = Fault(404, 40401);
  CHECK(Check(client->Versions("s")).empty());
  registry.answers["POST /base/subjects/s"] = Fault(404, 40403);
  CHECK_FALSE(Check(client->Find("s", {})).has_value());
  // No registry's answer, and that of one that is elsewhere.
  const Status stranger = Refused(client->FetchById(SchemaId::OfNumber(9)).status());
  CHECK(stranger.Is(errors::kServiceRefused));
  CHECK(stranger.cure().find("no schema registry at this address") != std::string::npos);
  registry.answers["GET /base/schemas/ids/9"] = Fault(404, 404);
  CHECK(Refused(client->FetchById(SchemaId::OfNumber(9)).status()).Is(errors::kServiceRefused));
}

TEST_CASE("faults are told apart") {
  Registry registry;
  const auto client = registry.Client();
  const auto fault = [&](const FakeHttp::Answer& answer) {
    registry.answers["POST /base/subjects/s/versions"] = answer;
    registry.http.TakeRequests();
    return Refused(client->Register("s", {SchemaKind::kAvro, "x"}, std::nullopt).status());
  };
  CHECK(fault(Fault(409, 409)).Is(errors::kSchemaRefused));
  CHECK(fault(Fault(422, 42201)).Is(errors::kSchemaRefused));
  CHECK(fault(Fault(401, 401)).Is(errors::kAccessDenied));
  CHECK(fault(Fault(403, 40301)).Is(errors::kAccessDenied));
  CHECK(fault({302, ""}).Is(errors::kServiceRefused));
  CHECK(registry.http.TakeRequests().size() == 1);
  const Status busy = fault(Fault(500, 50001));
  CHECK(busy.Is(errors::kServiceBusy));
  CHECK(busy.message() ==
        "schema registry POST /subjects/s/versions: status 500 50001 (told by the test)");
  CHECK(registry.http.TakeRequests().size() == 3);
  CHECK(fault({200, "<html>"}).Is(errors::kBadAnswer));
  CHECK(fault({200, R"({"id":-1})"}).Is(errors::kBadAnswer));
  CHECK(fault({200, R"({"id":4294967296})"}).Is(errors::kBadAnswer));
}

TEST_CASE("versions are listed, found and registered") {
  Registry registry;
  const auto client = registry.Client();
  registry.answers["GET /base/subjects/a b/versions"] = {200, "[1,3]"};
  registry.answers["GET /base/subjects/a b/versions/1"] = {
      200, R"({"subject":"a b","version":1,"id":5,"schema":"X"})"};
  registry.answers["GET /base/subjects/a b/versions/3"] = {
      200, R"({"subject":"a b","version":3,"id":6,"schema":"Y","schemaType":"JSON"})"};
  const auto versions = Check(client->Versions("a b"));
  REQUIRE(versions.size() == 2);
  CHECK(versions[1].id == SchemaId::OfNumber(6));
  CHECK(versions[1].version == 3);
  CHECK(versions[1].schema.kind == SchemaKind::kJson);
  registry.answers["POST /base/subjects/a b"] =
      registry.answers["GET /base/subjects/a b/versions/1"];
  CHECK(Check(client->Find("a b", {SchemaKind::kAvro, "X"}))->version == 1);
  registry.http.TakeRequests();
  registry.answers["POST /base/subjects/n/versions"] = {200, R"({"id":9})"};
  registry.answers["PUT /base/config/n"] = {200, R"({"compatibility":"FULL_TRANSITIVE"})"};
  registry.answers["GET /base/subjects/n/versions/latest"] = Fault(404, 40401);
  CHECK(Check(client->Register("n", {SchemaKind::kProtobuf, "Z"}, SchemaCompatibility::kFullAll)) ==
        SchemaId::OfNumber(9));
  auto requests = registry.http.TakeRequests();
  REQUIRE(requests.size() == 3);
  CHECK(requests[1].body == R"({"schema":"Z","schemaType":"PROTOBUF"})");
  CHECK(requests[2].body == R"({"compatibility":"FULL_TRANSITIVE"})");
  // A subject that is there keeps its own.
  registry.answers["GET /base/subjects/n/versions/latest"] = {200, R"({"id":9,"schema":"Z"})"};
  Check(client->Register("n", {SchemaKind::kAvro, "Z"}, SchemaCompatibility::kFullAll));
  requests = registry.http.TakeRequests();
  REQUIRE(requests.size() == 2);
  CHECK(requests[1].body == R"({"schema":"Z"})");
}

TEST_CASE("compatibility is a subject's own, or that of all") {
  Registry registry;
  const auto client = registry.Client();
  registry.answers["GET /base/config/s"] = Fault(404, 40408);
  registry.answers["GET /base/config"] = {200, R"({"compatibilityLevel":"BACKWARD"})"};
  CHECK(Check(client->CompatibilityOf("s")) == SchemaCompatibility::kBackward);
  registry.answers["GET /base/config/s"] = {200, R"({"compatibilityLevel":"FORWARD_TRANSITIVE"})"};
  CHECK(Check(client->CompatibilityOf("s")) == SchemaCompatibility::kForwardAll);
  registry.answers["GET /base/config/s"] = {200, R"({"compatibilityLevel":"SIDEWAYS"})"};
  CHECK(client->CompatibilityOf("s").status().Is(errors::kBadAnswer));
  CHECK(
      client->SetCompatibility("s", SchemaCompatibility::kDisabled).Is(errors::kBadServiceOption));
  registry.answers["POST /base/compatibility/subjects/s/versions/latest"] = {
      200, R"({"is_compatible":false,"messages":["reader type mismatch"]})"};
  const SchemaVerdict verdict = Check(client->Check("s", {SchemaKind::kAvro, "X"}));
  CHECK_FALSE(verdict.compatible);
  CHECK(verdict.messages == std::vector<std::string>{"reader type mismatch"});
  CHECK(registry.http.TakeRequests().back().get_param_value("verbose") == "true");
  registry.answers["POST /base/compatibility/subjects/s/versions/latest"] = {
      200, R"({"is_compatible":false,"reason":"as Apicurio tells it"})"};
  CHECK(Check(client->Check("s", {})).messages == std::vector<std::string>{"as Apicurio tells it"});
}

TEST_CASE("of several addresses any will do") {
  Registry away;
  Registry there;
  away.answers["GET /schemas/ids/7"] = Fault(503, 50003);
  there.answers["GET /schemas/ids/7"] = {200, R"({"schema":"X"})"};
  const auto client =
      there.Client("http://127.0.0.1:1, " + away.http.url() + " ," + there.http.url() + "/");
  CHECK(Check(client->FetchById(SchemaId::OfNumber(7)))->schema.text == "X");
  CHECK(Check(client->FetchById(SchemaId::OfNumber(7)))->schema.text == "X");
  // The one that has answered is asked first.
  CHECK(away.http.TakeRequests().size() == 1);
  there.answers["GET /schemas/ids/7"] = Fault(503, 50003);
  CHECK(Refused(client->FetchById(SchemaId::OfNumber(7)).status()).kind() == ErrorKind::kRetry);
  client->Cancel();
  CHECK(client->FetchById(SchemaId::OfNumber(7)).status().Is(errors::kCallCancelled));
  for (const char* wrong : {"", "registry:8081", "http://a,b", "http://me:HUSH2@a"}) {
    ConfluentRegistryOptions options;
    options.urls = wrong;
    CHECK(ConfluentRegistry::Make(options, SystemClock()).status().Is(errors::kBadServiceOption));
  }
}

TEST_CASE("Confluent's frames are written as they are read") {
  Registry registry;
  const auto client = registry.Client();
  std::string record;
  client->AppendFrameHeader(SchemaId::OfNumber(258), record);
  CHECK(record == std::string("\0\0\0\x01\x02", 5));
  CHECK(client->SplitFrame(record + "x").frame->payload == "x");
}

}  // namespace
}  // namespace weir

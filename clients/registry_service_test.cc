// The client of Confluent-style registries against a real one: e2e/test_clients.py starts it.

#include "clients/aws_endpoint.h"
#include "clients/confluent_registry.h"
#include "clients/errors.h"
#include "tests/catch.h"

namespace weir {
namespace {

template <typename T>
T Check(Result<T> result) {
  if (!result.ok()) FAIL(result.status().ToString());
  return std::move(result).value();
}

SchemaText RecordOf(const std::string& fields) {
  return {SchemaKind::kAvro, R"({"type":"record","name":"R","fields":[)" + fields + "]}"};
}

std::unique_ptr<ConfluentRegistry> Client(const std::string& more = "") {
  ConfluentRegistryOptions options;
  options.urls = EnvironmentVariable("WEIR_TEST_REGISTRY").value_or("not set") + more;
  return Check(ConfluentRegistry::Make(options, SystemClock()));
}

TEST_CASE("schemas go to a registry and come back", "[.registry]") {
  const auto client = Client();
  const SchemaText first = RecordOf(R"({"name":"a","type":"string"})");
  const SchemaText second =
      RecordOf(R"({"name":"a","type":"string"},{"name":"b","type":"int","default":0})");
  const SchemaText other = RecordOf(R"({"name":"a","type":"int"})");
  const std::string subject = "rows/of a-value";
  CHECK_FALSE(Check(client->Newest(subject)).has_value());
  CHECK(Check(client->Versions(subject)).empty());
  CHECK_FALSE(Check(client->Find(subject, first)).has_value());
  const SchemaId one = Check(client->Register(subject, first, SchemaCompatibility::kBackwardAll));
  CHECK(Check(client->Register(subject, first, std::nullopt)) == one);
  CHECK(Check(client->CompatibilityOf(subject)) == SchemaCompatibility::kBackwardAll);
  CHECK(Check(client->CompatibilityOf("nowhere")) == SchemaCompatibility::kNone);
  CHECK(Check(client->Check(subject, second)).compatible);
  const SchemaVerdict verdict = Check(client->Check(subject, other));
  CHECK_FALSE(verdict.compatible);
  REQUIRE(verdict.messages.size() == 1);
  CHECK(verdict.messages[0].find("/fields/0/type") != std::string::npos);
  CHECK(Check(client->Check("nowhere", other)).compatible);
  const Status refused = client->Register(subject, other, std::nullopt).status();
  CHECK(refused.Is(errors::kSchemaRefused));
  CHECK(refused.message().find("409") != std::string::npos);
  CHECK(client->Register(subject, {SchemaKind::kAvro, "nonsense"}, std::nullopt)
            .status()
            .Is(errors::kSchemaRefused));
  const SchemaId two = Check(client->Register(subject, second, std::nullopt));
  CHECK(Check(client->FetchById(two))->schema.text == second.text);
  CHECK(Check(client->Newest(subject))->id == two);
  CHECK(Check(client->Newest(subject))->version == 2);
  CHECK(Check(client->Find(subject, first))->id == one);
  CHECK(Check(client->Versions(subject)).size() == 2);
  CHECK(client->SetCompatibility(subject, SchemaCompatibility::kNone).ok());
  CHECK(client->Register(subject, other, std::nullopt).ok());
}

TEST_CASE("a schema comes with those that it refers to", "[.registry]") {
  const auto client = Client();
  const auto id = SchemaId::FromText(*EnvironmentVariable("WEIR_TEST_COMPOSED"));
  const auto found = Check(client->FetchById(*id));
  REQUIRE(found);
  REQUIRE(found->dependencies.size() == 1);
  CHECK(found->dependencies[0] == RecordOf(R"({"name":"x","type":"string"})").text);
}

TEST_CASE("an unknown id is no outage, and a wrong path no unknown id", "[.registry]") {
  const SchemaId unknown = SchemaId::OfNumber(999'999);
  CHECK_FALSE(Check(Client()->FetchById(unknown)).has_value());
  CHECK(Client("/elsewhere")->FetchById(unknown).status().Is(errors::kServiceRefused));
}

}  // namespace
}  // namespace weir

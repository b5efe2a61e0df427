// What weir calls of AWS, against a server that checks signatures and rights: e2e/test_clients.py
// starts one, and gives the environment and the names.

#include "clients/aws_chain.h"
#include "clients/aws_metadata.h"
#include "clients/errors.h"
#include "clients/glue_registry.h"
#include "clients/secrets_manager.h"
#include "clients/sts.h"
#include "tests/catch.h"

namespace weir {
namespace {

template <typename T>
T Check(Result<T> result) {
  if (!result.ok()) FAIL(result.status().ToString());
  return std::move(result).value();
}

std::string Given(const std::string& name) {
  const auto value = EnvironmentVariable(name);
  if (!value) FAIL(name << " is not set");
  return *value;
}

/// Keys of the chain, with the role that the environment names, if it names one.
class Caller {
 public:
  Caller() { options_.role.arn = EnvironmentVariable("WEIR_TEST_ROLE").value_or(""); }
  AwsCredentialProvider& keys() { return keys_; }
  Result<AwsIdentity> Identity() {
    const auto sts = WEIR_TRY(MakeSts("us-east-1", EnvironmentVariable, &keys_, SystemClock()));
    return GetCallerIdentity(*sts);
  }
  Result<std::string> Secret(const std::string& name) {
    AwsServiceOptions options;
    options.service = "secretsmanager";
    options.region = "us-east-1";
    options.endpoint = AwsEndpoint(options.service, options.region, EnvironmentVariable);
    const auto service = WEIR_TRY(AwsService::Make(options, &keys_, SystemClock()));
    return GetSecretValue(*service, name);
  }
  std::unique_ptr<GlueRegistry> Glue(const std::string& registry) {
    GlueRegistryOptions options;
    options.registry = registry;
    options.region = "us-east-1";
    options.endpoint = AwsEndpoint("glue", options.region, EnvironmentVariable);
    return Check(GlueRegistry::Make(options, keys_, SystemClock()));
  }

 private:
  AwsKeysOptions options_;
  AwsCredentialProvider keys_{
      [this] { return FindAwsCredentials(options_, EnvironmentVariable, SystemClock()); },
      SystemClock()};
};

TEST_CASE("the chain of keys leads to who is meant", "[.aws]") {
  Caller caller;
  const AwsIdentity identity = Check(caller.Identity());
  INFO(identity.arn);
  CHECK(identity.arn.find(Given("WEIR_TEST_IDENTITY")) != std::string::npos);
}

TEST_CASE("a machine's keys and region are read", "[.aws]") {
  const AwsLentKeys lent = Check(AskMachine(EnvironmentVariable));
  REQUIRE(lent.keys);
  CHECK(lent.keys->access_key == "test-key");
  CHECK(lent.keys->expires > SystemClock().Now());
  CHECK(AskMachineRegion(EnvironmentVariable) == "us-east-1");
}

TEST_CASE("wrong keys are denied, and so are those without the right", "[.aws]") {
  Caller caller;
  const Status secret = caller.Secret("AmazonMSK_none").status();
  INFO(secret.ToString());
  CHECK(secret.Is(errors::kAccessDenied));
  const auto glue = caller.Glue("none");
  const Status schema = glue->Newest("none").status();
  INFO(schema.ToString());
  CHECK(schema.Is(errors::kAccessDenied));
  CHECK(schema.cure().find(Given("WEIR_TEST_CURE")) != std::string::npos);
}

TEST_CASE("a user and a password are read from a secret", "[.aws]") {
  Caller caller;
  const std::string name = Given("WEIR_TEST_SECRET");
  const UserAndPassword found = Check(ReadUserAndPassword(Check(caller.Secret(name)), name));
  CHECK(found.user == "weir");
  CHECK(found.password == "pass word");
  CHECK(caller.Secret("AmazonMSK_none").status().Is(errors::kNoSecret));
}

TEST_CASE("schemas go to Glue and come back", "[.aws]") {
  Caller caller;
  const auto glue = caller.Glue(Given("WEIR_TEST_GLUE"));
  const SchemaText first{SchemaKind::kAvro, R"({"type":"record","name":"R","fields":[]})"};
  const SchemaText second{SchemaKind::kAvro, R"({"type":"record","name":"R","fields":[
      {"name":"b","type":"int","default":0}]})"};
  CHECK_FALSE(Check(glue->Newest("made")).has_value());
  CHECK_FALSE(Check(glue->CompatibilityOf("made")).has_value());
  const SchemaId one = Check(glue->Register("made", first, SchemaCompatibility::kFullAll));
  CHECK(Check(glue->CompatibilityOf("made")) == SchemaCompatibility::kFullAll);
  const SchemaId two = Check(glue->Register("made", second, std::nullopt));
  CHECK(one != two);
  CHECK(Check(glue->Register("made", second, std::nullopt)) == two);
  CHECK(Check(glue->FetchById(one))->schema.text == first.text);
  CHECK(Check(glue->Newest("made"))->id == two);
  CHECK(Check(glue->Find("made", first))->id == one);
  CHECK_FALSE(Check(glue->Find("made", {SchemaKind::kAvro, "\"int\""})).has_value());
  CHECK(Check(glue->Newest("made"))->version == 2);
  CHECK_FALSE(Check(glue->FetchById(*SchemaId::FromText("00000000-0000-4000-8000-00000000000f")))
                  .has_value());
  // What another client has put there.
  CHECK(Check(glue->Newest("theirs"))->id.ToString() == Given("WEIR_TEST_THEIRS"));
  const auto nowhere = caller.Glue("no-such-registry");
  CHECK(nowhere->Register("made", first, std::nullopt).status().Is(errors::kServiceRefused));
}

}  // namespace
}  // namespace weir

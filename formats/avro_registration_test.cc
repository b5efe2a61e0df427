#include "formats/avro_registration.h"

#include "formats/errors.h"
#include "formats/fake_registry.h"
#include "tests/catch.h"

namespace weir {
namespace {

using testing::FakeRegistry;
using testing::FakeShelf;
using testing::RecordOf;

const std::string kOne = RecordOf(R"({"name":"a","type":"long"})");
const std::string kDefault =
    RecordOf(R"({"name":"a","type":"long"},{"name":"b","type":"int","default":0})");
const std::string kNoDefault = RecordOf(R"({"name":"a","type":"long"},{"name":"b","type":"int"})");

AvroRegistration Wanted(const std::string& text,
                        std::optional<SchemaCompatibility> compatibility = std::nullopt) {
  AvroRegistration wanted;
  wanted.subject = std::string("s");
  wanted.text = text;
  wanted.schema = AvroSchema::Parse(text).value();
  wanted.compatibility = compatibility;
  return wanted;
}

TEST_CASE("the first version of a subject is registered with the wanted compatibility") {
  FakeRegistry registry;
  const SchemaId id = FindOrRegister(registry, Wanted(kOne, SchemaCompatibility::kFull)).value();
  CHECK(registry.asked_for ==
        std::vector<std::optional<SchemaCompatibility>>{SchemaCompatibility::kFull});
  CHECK(FindOrRegister(registry, Wanted(kOne)).value() == id);
  CHECK(registry.size() == 1);
}

TEST_CASE("what means the same is not registered again") {
  FakeRegistry registry;
  const SchemaId id = registry.Add(
      "s", R"({ "fields": [{"type":"long","name":"a","doc":"x"}], "type":"record", "name":"R"})");
  CHECK(FindOrRegister(registry, Wanted(kOne)).value() == id);
  CHECK(registry.size() == 1);
}

TEST_CASE("weir itself looks whether a version fits, since not every registry does") {
  FakeRegistry registry;
  registry.Add("s", kOne);
  const auto refused = FindOrRegister(registry, Wanted(kNoDefault, SchemaCompatibility::kFull));
  REQUIRE(refused.status().Is(errors::kIncompatibleSchema));
  CHECK(refused.status().message().find("b: ") != std::string::npos);
  registry.compatibility = SchemaCompatibility::kBackward;
  CHECK(FindOrRegister(registry, Wanted(kNoDefault)).status().Is(errors::kIncompatibleSchema));
  registry.compatibility = SchemaCompatibility::kDisabled;
  CHECK(FindOrRegister(registry, Wanted(kDefault)).status().Is(errors::kIncompatibleSchema));
  CHECK(registry.size() == 1);
  CHECK(FindOrRegister(registry, Wanted(kDefault, SchemaCompatibility::kFull)).ok());
  // What the subject asks for stays as it is.
  CHECK(registry.asked_for == std::vector<std::optional<SchemaCompatibility>>{std::nullopt});
}

TEST_CASE("all versions count where the compatibility says so") {
  const std::string text = RecordOf(R"({"name":"a","type":"string"})");
  FakeRegistry registry;
  registry.Add("s", text);
  registry.Add("s", kOne);
  CHECK(FindOrRegister(registry, Wanted(kDefault, SchemaCompatibility::kFullAll))
            .status()
            .Is(errors::kIncompatibleSchema));
  CHECK(FindOrRegister(registry, Wanted(kDefault, SchemaCompatibility::kFull)).ok());
}

TEST_CASE("without leave nothing is registered") {
  FakeRegistry registry;
  AvroRegistration wanted = Wanted(kOne);
  wanted.may_register = false;
  const auto refused = FindOrRegister(registry, wanted);
  REQUIRE(refused.status().Is(errors::kNotRegistered));
  CHECK(refused.status().message().find("'s'") != std::string::npos);
  CHECK(registry.size() == 0);
}

TEST_CASE("an id that was found once stands while the registry is away") {
  FakeRegistry registry;
  FakeShelf shelf;
  const SchemaId id = FindOrRegister(registry, "there", Wanted(kOne), &shelf).value();
  registry.away = true;
  CHECK(FindOrRegister(registry, "there", Wanted(kOne), &shelf).value() == id);
  CHECK(FindOrRegister(registry, "there", Wanted(kDefault), &shelf)
            .status()
            .Is(errors::kServiceAway));
  CHECK(FindOrRegister(registry, "elsewhere", Wanted(kOne), &shelf)
            .status()
            .Is(errors::kServiceAway));
}

}  // namespace
}  // namespace weir

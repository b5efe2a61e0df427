#include "connectors/opensearch/index.h"

#include <nlohmann/json.hpp>

#include "clients/errors.h"
#include "connectors/opensearch/errors.h"
#include "tests/catch.h"

namespace weir::opensearch {

using nlohmann::json;

TEST_CASE("an index is made with what is given, and otherwise by the columns' types") {
  const Schema schema({{"location", TypeKind::kString},
                       {"count", TypeKind::kInt64},
                       {"share", TypeKind::kDouble},
                       {"name", TypeKind::kString},
                       {"at", TypeKind::kTimestamp},
                       {"names", Type::List(TypeKind::kString)},
                       {"place", Type::Struct({{"floor", TypeKind::kInt32}})},
                       {"free", TypeKind::kJson}});
  const json text = {{"type", "text"},
                     {"fields", {{"keyword", {{"type", "keyword"}, {"ignore_above", 256}}}}}};
  const json expected = {{"mappings",
                          {{"properties",
                            {{"location", {{"type", "geo_point"}}},
                             {"count", {{"type", "long"}}},
                             {"share", {{"type", "double"}}},
                             {"name", text},
                             {"at", {{"type", "date"}}},
                             {"names", text},
                             {"place", {{"properties", {{"floor", {{"type", "integer"}}}}}}}}}}}};
  CHECK(json::parse(IndexBody(schema, {{"location", "geo_point"}})) == expected);
  CHECK(json::parse(MappingBody({{"at", "date"}})) ==
        json{{"properties", {{"at", {{"type", "date"}}}}}});
}

TEST_CASE("what an index has is held against what is given") {
  const FieldTypes given = {{"a", "geo_point"}, {"b", "date"}, {"c", "object"}};
  const auto compare = [&](const std::string& answer) {
    return CompareMapping(answer, given, "counts");
  };
  const auto same = compare(
      R"({"counts":{"mappings":{"properties":{"a":{"type":"geo_point"},"b":{"type":"date"},)"
      R"("c":{"properties":{}}}}}})");
  REQUIRE(same.ok());
  CHECK(same->empty());
  const auto lacking =
      compare(R"({"counts":{"mappings":{"properties":{"a":{"type":"geo_point"}}}}})");
  REQUIRE(lacking.ok());
  CHECK(*lacking == FieldTypes{{"b", "date"}, {"c", "object"}});
  CHECK(compare(R"({"counts":{"mappings":{}}})").value() == given);

  // Behind an alias, one of two.
  const auto conflict =
      compare(R"({"one":{"mappings":{"properties":{"a":{"type":"geo_point"}}}},)"
              R"("two":{"mappings":{"properties":{"a":{"type":"text"},"b":{"type":"long"}}}}})");
  REQUIRE_FALSE(conflict.ok());
  CHECK(conflict.status().Is(errors::kMappingConflict));
  CHECK(conflict.status().message() ==
        "index 'counts' maps fields in another way than the job:\n"
        "  'a' is text, and the job says geo_point\n"
        "  'b' is long, and the job says date");
}

TEST_CASE("an answer that is no mapping is told") {
  for (const char* answer : {"", "[", "[]", "null", "7", "<html>"}) {
    const auto compared = CompareMapping(answer, {{"a", "date"}}, "counts");
    REQUIRE_FALSE(compared.ok());
    CHECK(compared.status().Is(errors::kBadAnswer));
  }
  for (const char* answer :
       {R"({"x":1})", R"({"x":{"mappings":7}})", R"({"x":{"mappings":{"properties":{"a":7}}}})"}) {
    CHECK(CompareMapping(answer, {{"a", "date"}}, "counts").ok());
  }
  CHECK_FALSE(CompareMapping(R"({"x":{"mappings":{"properties":[]}}})", {{"a", "date"}}, "counts")
                  .value()
                  .empty());
}

}  // namespace weir::opensearch

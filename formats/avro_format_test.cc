#include "formats/avro_format.h"

#include "formats/errors.h"
#include "tests/catch.h"

namespace weir {
namespace {

const std::string kSchema =
    R"({"type":"record","name":"R","fields":[{"name":"n","type":"long"},{"name":"s","type":["null","string"]}]})";

/// A registry that is asked for nothing but what it has learned.
class Learned final : public LearnedTexts {
 public:
  std::vector<std::string> about;
  Result<std::string> Learn(const std::string&, const std::string& what,
                            const std::function<Result<std::string>()>&) override {
    about.push_back(what);
    return kSchema;
  }
};

struct Planned {
  std::string columns;
  bool encodes = false;
  std::vector<std::string> asked;
  std::vector<std::string> faults;
};

Planned Plan(const std::string& options, bool decode = true, bool stream = false,
             const std::string& topic = "orders") {
  Diagnostics diagnostics;
  const YamlNode node = ReadYaml("job.yaml", options, {}, diagnostics);
  const YamlNode reached = ReadYaml("weir.yaml", "{ url: 'http://h' }", {}, diagnostics);
  const ConnectionSpec registry{"r", {}, "schema_registry", reached};
  Learned learned;
  FormatRequest request;
  request.node = "node";
  request.options = &node;
  request.place = node.place();
  request.stream = stream;
  request.topic = topic;
  request.learned = &learned;
  request.connection = [&](const std::string&, const std::vector<std::string_view>& kinds,
                           const Place&) {
    CHECK(kinds == std::vector<std::string_view>{"schema_registry", "glue"});
    return &registry;
  };
  Planned planned;
  if (decode) {
    const auto plan = AvroFormat().PlanDecoding(request, diagnostics);
    if (plan) planned.columns = plan->columns()->ToString();
  } else {
    const Schema rows({{"n", TypeKind::kInt64}, {"s", TypeKind::kString}});
    planned.encodes = AvroFormat().PlanEncoding(request, rows, diagnostics) != nullptr;
  }
  planned.asked = learned.about;
  for (const auto& item : diagnostics.items()) planned.faults.push_back(item.message);
  CHECK(planned.faults.empty() == (planned.encodes || !planned.columns.empty()));
  return planned;
}

TEST_CASE("a source's columns are those of the schema it reads with") {
  const Planned newest = Plan("{ registry: r }");
  CHECK(newest.columns == "n int64, s string");
  CHECK(newest.asked == std::vector<std::string>{"r orders-value"});
  CHECK(Plan("{ registry: r, subject: s, version: 3 }").asked ==
        std::vector<std::string>{"r s version 3"});
  const Planned given = Plan("{ registry: r, schema: '" + kSchema + "' }");
  CHECK(given.columns == "n int64, s string");
  CHECK(given.asked.empty());
}

TEST_CASE("faults of the avro format are told") {
  const auto fault = [](const Planned& planned) {
    REQUIRE_FALSE(planned.faults.empty());
    return planned.faults[0];
  };
  CHECK(fault(Plan("{ registry: r }", true, /*stream=*/true)).find("stand in topics") !=
        std::string::npos);
  CHECK(fault(Plan("{ registry: r }", true, false, "")) ==
        "which subject has the schema of several topics must be said");
  CHECK(fault(Plan("{ registry: r, register: true }")) ==
        "'register' has no meaning here: it belongs to sinks");
  CHECK(fault(Plan("{ registry: r, version: 2 }", /*decode=*/false)) ==
        "'version' has no meaning here: it belongs to sources");
  CHECK(fault(Plan("{ registry: r, schema: { file: x.avsc } }")) ==
        "the file 'x.avsc' is read where the job's file is");
  CHECK(fault(Plan("{ registry: r, schema: '{' }")).find("is not JSON") != std::string::npos);
  CHECK_FALSE(Plan("{}").faults.empty());
  CHECK_FALSE(Plan("{ registry: r, compatibility: full }", false).faults.empty());
}

TEST_CASE("a sink's columns must fit the schema that they are written with") {
  CHECK(Plan("{ registry: r }", /*decode=*/false).encodes);
  CHECK(Plan("{ registry: r, schema: '" + kSchema + "', compatibility: FULL }", false).encodes);
  const Planned wrong = Plan(
      R"({ registry: r, schema: '{"type":"record","name":"R","fields":[{"name":"n","type":"string"}]}' })",
      false);
  CHECK_FALSE(wrong.faults.empty());
}

}  // namespace
}  // namespace weir

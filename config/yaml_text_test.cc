#include "config/yaml_text.h"

#include "config/job_spec.h"
#include "config/testing/words.h"
#include "tests/catch.h"

namespace weir {
namespace {

YamlNode ReadGood(const std::string& text) {
  Diagnostics diagnostics;
  YamlNode root = ReadYaml("job.yaml", text, {{{"NAME", "a: b # c"}}, false}, diagnostics);
  INFO(diagnostics.Render());
  REQUIRE(diagnostics.items().empty());
  return root;
}

void CheckSame(const YamlNode& a, const YamlNode& b) {
  REQUIRE(a.kind() == b.kind());
  CHECK(a.text() == b.text());
  if (a.quoted()) CHECK(b.quoted());
  REQUIRE(a.items().size() == b.items().size());
  for (size_t i = 0; i < a.items().size(); i++) CheckSame(a.items()[i], b.items()[i]);
  REQUIRE(a.entries().size() == b.entries().size());
  for (size_t i = 0; i < a.entries().size(); i++) {
    CHECK(a.entries()[i].key == b.entries()[i].key);
    CheckSame(a.entries()[i].value, b.entries()[i].value);
  }
}

}  // namespace

TEST_CASE("a document written anew reads as the same") {
  for (const std::string& job : testing::Jobs()) {
    const YamlNode root = ReadGood(job);
    INFO(ToYaml(root));
    CheckSame(root, ReadGood(ToYaml(root)));
  }
  const YamlNode odd = ReadGood(R"yaml(
empty_map: {}
empty_list: []
nothing:
nested: [[1, [2]], { a: [b, { c: "" }] }]
"odd key: #1": "$$5 and ${NAME}"
plain: -1.5
text: "yes"
block: |
  a
    b  "c" \ d
tab: "\t\x07é"
)yaml");
  INFO(ToYaml(odd));
  CheckSame(odd, ReadGood(ToYaml(odd)));
}

TEST_CASE("a job's text is what it ran as: overrides and variables in it") {
  Diagnostics diagnostics;
  const Variables variables{{{"KIND", "stock"}}, false};
  YamlNode root = ReadYaml("job.yaml", R"(job: t
parallelism: 1  # few
sources: { s: { generator: { kind: "${KIND}" } } }
sinks: { o: { from: s, blackhole: {} } }
)",
                           variables, diagnostics);
  root = SetValue(root, "parallelism=3", variables, diagnostics);
  const JobSpec job = ReadJob(root, testing::Words(), diagnostics);
  INFO(diagnostics.Render());
  REQUIRE(diagnostics.items().empty());
  CHECK(job.text ==
        "job: t\nparallelism: 3\nsources:\n  s:\n    generator:\n      kind: \"stock\"\n"
        "sinks:\n  o:\n    from: s\n    blackhole: {}\n");
}

}  // namespace weir

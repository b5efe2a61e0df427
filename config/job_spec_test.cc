#include "config/job_spec.h"

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>

#include "config/errors.h"
#include "config/process_spec.h"
#include "config/schema.h"
#include "config/testing/words.h"
#include "tests/catch.h"

namespace weir {
namespace {

JobSpec Read(const std::string& text, Diagnostics& diagnostics) {
  return ReadJob(ReadYaml("job.yaml", text, {{}, false}, diagnostics), testing::Words(),
                 diagnostics);
}

JobSpec ReadGood(const std::string& text) {
  Diagnostics diagnostics;
  JobSpec job = Read(text, diagnostics);
  INFO(diagnostics.Render());
  REQUIRE(diagnostics.items().empty());
  return job;
}

TEST_CASE("how much a node may reject is said beside what becomes of it") {
  const auto job = [](const std::string& on_error) {
    return "job: limits\nsources:\n  a: { files: { path: x }, columns: { n: int64 }, on_error: " +
           on_error + " }\nsinks: { out: { from: a, blackhole: {} } }\n";
  };
  JobSpec spec = ReadGood(job("{ skip: true, max_rejected: 0.5% }"));
  CHECK(spec.sources[0].on_error.action == OnErrorSpec::Action::kSkip);
  CHECK(spec.sources[0].on_error.max_rejected == 0.005);
  CHECK_FALSE(spec.sinks[0].on_error.max_rejected);
  spec = ReadGood(job("{ max_rejected: 100%, dead_letter: { files: { path: y } } }"));
  CHECK(spec.sources[0].on_error.action == OnErrorSpec::Action::kDeadLetter);
  CHECK(spec.sources[0].on_error.max_rejected == 1.0);
  for (const char* wrong :
       {"{ max_rejected: 1% }", "{ skip: false }", "{ skip: true, max_rejected: 1 }",
        "{ skip: true, max_rejected: 101% }", "{ skip: true, max_rejected: -1% }",
        "{ skip: true, dead_letter: { files: { path: y } } }", "{ skip: true, limit: 1% }"}) {
    Diagnostics diagnostics;
    (void)Read(job(wrong), diagnostics);
    INFO(wrong);
    REQUIRE_FALSE(diagnostics.items().empty());
    CHECK(diagnostics.items()[0].code->id == errors::kBadValue.id);
  }
}

TEST_CASE("a job is read with all that it says") {
  const JobSpec job = ReadGood(testing::Jobs()[0]);
  CHECK(job.name == "orders-per-minute");
  CHECK(job.parallelism == 2);
  CHECK(job.checkpoint.interval == Duration::Seconds(5));
  CHECK(job.checkpoint.timeout == Duration::Minutes(10));
  CHECK(job.checkpoint.retain == 5);
  CHECK(job.checkpoint.guarantee == Guarantee::kExactlyOnce);
  CHECK(job.restart.attempts == 7u);
  CHECK(job.restart.backoff.max == Duration::Minutes(1));
  CHECK_FALSE(job.autoscale);
  REQUIRE(job.FindConnection("main"));
  CHECK(job.FindConnection("main")->kind == "kafka");
  CHECK(job.FindConnection("main")->options.Find("bootstrap_servers")->text() == "localhost:9092");

  REQUIRE(job.sources.size() == 1);
  const SourceSpec& orders = job.sources[0];
  CHECK(orders.sound);
  CHECK(orders.connector == "kafka");
  CHECK(orders.options.Find("topic")->text() == "orders");
  CHECK(orders.format == "json");
  CHECK_FALSE(orders.format_options);
  REQUIRE(orders.columns.size() == 4);
  CHECK(orders.columns[1].name == "city");
  CHECK(orders.columns[1].type.text == "string");
  CHECK(orders.columns[1].from == "address.city");
  CHECK(orders.columns[3].type.text == "list<string>");
  CHECK(orders.columns[3].type.node.PlaceAt(5).line == 15);
  CHECK(orders.columns[3].type.node.PlaceAt(5).column == 18);
  REQUIRE(orders.event_time);
  CHECK(orders.event_time->column.text == "at");
  CHECK(orders.event_time->idle_after == Duration::Seconds(30));
  CHECK_FALSE(orders.event_time->max_drift);
  CHECK(orders.event_time->max_ahead == Duration::Days(1));
  CHECK(orders.on_error.action == OnErrorSpec::Action::kDeadLetter);
  CHECK(orders.on_error.connector == "files");
  CHECK(orders.on_error.options.Find("path")->text() == "/var/bad");

  REQUIRE(job.steps.size() == 2);
  CHECK(job.steps[0].name == "large");
  REQUIRE(job.steps[1].clauses.size() == 3);
  CHECK(job.steps[1].clauses[0].key == "window");
  CHECK(job.steps[1].clauses[2].key == "select");
  CHECK(job.steps[0].on_error.action == OnErrorSpec::Action::kFail);

  REQUIRE(job.sinks.size() == 2);
  CHECK(job.sinks[0].format.empty());
  REQUIRE(job.sinks[0].expressions.size() == 1);
  CHECK(job.sinks[0].expressions[0].key == "key");
  CHECK(job.sinks[0].expressions[0].value.text() == "concat(city, '/', until)");
  CHECK(job.sinks[1].from[0].name == "by_city");
}

TEST_CASE("options of formats, empty connectors and processing time are read") {
  const JobSpec job = ReadGood(testing::Jobs()[1]);
  CHECK(job.parallelism == 1);
  CHECK(job.sources[0].format == "csv");
  REQUIRE(job.sources[0].format_options);
  CHECK(job.sources[0].format_options->Find("delimiter")->text() == ";");
  CHECK(job.sources[0].columns[1].type.text == "map<string,int64>");
  REQUIRE(job.sources[1].event_time);
  CHECK(job.sources[1].event_time->processing);
  CHECK(job.sinks[0].on_error.action == OnErrorSpec::Action::kSkip);
  CHECK(job.sinks[0].options.Find("path")->text() == "/tmp/$out");
  CHECK(job.sinks[1].connector == "blackhole");
  CHECK(job.sinks[1].options.kind() == YamlNode::Kind::kNull);
}

TEST_CASE("the job's on_error counts for nodes that say nothing") {
  const JobSpec job = ReadGood(
      "job: j\non_error: skip\nsources: { a: { files: {} }, b: { files: {}, on_error: fail } }\n"
      "sinks: { s: { from: [a, b], stdout: {} } }\n");
  CHECK(job.sources[0].on_error.action == OnErrorSpec::Action::kSkip);
  CHECK(job.sources[1].on_error.action == OnErrorSpec::Action::kFail);
  CHECK(job.sinks[0].on_error.action == OnErrorSpec::Action::kSkip);
}

TEST_CASE("steps stand behind what they read, whatever the order of the file") {
  const unsigned seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 50; ++round) {
    // Step i may read any step below it; the file names them in a random order.
    const int count = 2 + static_cast<int>(random() % 30);
    std::vector<std::string> lines;
    for (int i = 0; i < count; ++i) {
      std::string from = i == 0 ? "source" : "s" + std::to_string(i - 1);
      for (int j = 0; j + 1 < i; ++j) {
        if (random() % 4 == 0) from += ", s" + std::to_string(j);
      }
      lines.push_back("  s" + std::to_string(i) + ": { from: [" + from + "] }\n");
    }
    std::shuffle(lines.begin(), lines.end(), random);
    std::string text = "job: j\nsources: { source: { files: {} } }\nsteps:\n";
    for (const std::string& line : lines) text += line;
    const JobSpec job = ReadGood(text + "sinks: { out: { from: s" + std::to_string(count - 1) +
                                 ", stdout: {} } }\n");
    REQUIRE(job.steps.size() == static_cast<size_t>(count));
    std::vector<std::string> listed = {"source"};
    for (const StepSpec& step : job.steps) {
      for (const NodeReference& reference : step.from) {
        CHECK(std::find(listed.begin(), listed.end(), reference.name) != listed.end());
      }
      listed.push_back(step.name);
    }
  }
}

TEST_CASE("nodes with faults are marked, the others stay sound") {
  Diagnostics diagnostics;
  const JobSpec job = Read(
      "job: j\n"
      "sources:\n"
      "  good: { files: {} }\n"
      "  bad: { fils: {} }\n"
      "  cut: { files: { path: concat(a, b) } }\n"
      "steps:\n"
      "  round: { from: round }\n"
      "  behind: { from: [round, good] }\n"
      "  fine: { from: good }\n"
      "sinks:\n"
      "  one: { from: [bad, cut, behind], stdout: {} }\n"
      "  two: { from: fine, stdout: {} }\n"
      "  three: { from: nobody_at_all, stdout: {} }\n",
      diagnostics);
  CHECK(diagnostics.items().size() == 4);
  CHECK(job.FindSource("good")->sound);
  CHECK_FALSE(job.FindSource("bad")->sound);
  CHECK_FALSE(job.FindSource("cut")->sound);
  CHECK(job.FindStep("round") == nullptr);
  CHECK(job.FindStep("fine")->sound);
  CHECK(job.sinks[1].sound);
  CHECK_FALSE(job.sinks[2].sound);
  CHECK(job.sinks[2].from.empty());
}

TEST_CASE("a circle of thousands of steps is told without a hang") {
  std::string text = "job: j\nsources: { a: { files: {} } }\nsteps:\n";
  const int count = 1500;
  for (int i = 0; i < count; ++i) {
    text +=
        "  s" + std::to_string(i) + ": { from: [a, s" + std::to_string((i + 1) % count) + "] }\n";
  }
  Diagnostics diagnostics;
  const JobSpec job = Read(text + "sinks: { out: { from: s0, stdout: {} } }\n", diagnostics);
  REQUIRE(diagnostics.items().size() == 1);
  CHECK(diagnostics.items()[0].code->id == errors::kCycle.id);
  CHECK(diagnostics.items()[0].message.size() < 300);
  CHECK(job.steps.empty());
}

TEST_CASE("the process's connections stand below the job's") {
  Diagnostics diagnostics;
  const Vocabulary words = testing::Words();
  const ProcessSpec process =
      ReadProcess(ReadYaml("weir.yaml",
                           "connections: { main: { kafka: { of: process } },\n"
                           "               more: { kafka: { of: process } } }",
                           {{}, false}, diagnostics),
                  words, diagnostics);
  REQUIRE_FALSE(diagnostics.has_errors());
  JobSpec job = ReadGood(testing::Jobs()[0]);
  AddConnections(process, job);
  REQUIRE(job.connections.size() == 2);
  CHECK(job.FindConnection("main")->options.Find("of") == nullptr);
  CHECK(job.FindConnection("more")->options.Find("of")->text() == "process");

  Diagnostics later;
  ReadProcess(ReadYaml("weir.yaml", "file_roots: [/a]\nconections: {}\nconnections: { x: {} }",
                       {{}, false}, later),
              words, later);
  REQUIRE(later.items().size() == 3);
  CHECK(later.items()[0].code->id == errors::kNotYet.id);
  CHECK(later.items()[1].code->id == errors::kUnknownKey.id);
}

TEST_CASE("a file and its overrides are read together") {
  const auto path = std::filesystem::temp_directory_path() /
                    ("weir_job_" + std::to_string(std::random_device{}()) + ".yaml");
  std::ofstream(path) << testing::Jobs()[1];
  Diagnostics diagnostics;
  JobInput input;
  input.path = path.string();
  input.overrides = {"parallelism=3", "sources.lines.files.replay.speedup=2"};
  const JobSpec job = ReadJobFile(input, testing::Words(), diagnostics);
  std::filesystem::remove(path);
  CHECK_FALSE(diagnostics.has_errors());
  CHECK(job.parallelism == 3);
  CHECK(job.sources[0].options.Find("replay")->Find("speedup")->text() == "2");
  CHECK(job.sources[0].options.Find("path")->text() == "in");
}

TEST_CASE("the JSON Schema of a job names all words that are there") {
  Vocabulary words = testing::Words();
  words.sources[0].options = &CheckpointSpec::Describe();
  const auto schema = nlohmann::json::parse(JobJsonSchema(words));
  CHECK(schema["properties"]["checkpoint"]["properties"]["interval"]["default"] == "10s");
  CHECK(schema["required"] == nlohmann::json::array({"job", "sources", "sinks"}));
  const auto& definitions = schema["$defs"];
  CHECK(definitions["source"]["properties"]["kafka"]["properties"].contains("retain"));
  CHECK(definitions["source"]["oneOf"].size() == 3);
  CHECK(definitions["source"]["properties"]["columns"]["$ref"] == "#/$defs/columns");
  CHECK(definitions["source"]["additionalProperties"] == false);
  CHECK_FALSE(definitions["sink"]["properties"].contains("opensearch"));
  CHECK(definitions["sink"]["required"] == nlohmann::json::array({"from"}));
  CHECK(definitions["step"]["properties"].contains("where"));
  CHECK_FALSE(definitions["step"]["properties"].contains("join"));
  CHECK(definitions["format"]["anyOf"][0]["enum"] == nlohmann::json::array({"json", "csv", "raw"}));
  CHECK(definitions["event_time"]["anyOf"][0]["const"] == "processing");
  // Every reference leads somewhere.
  const std::string text = schema.dump();
  for (size_t at = 0; (at = text.find("#/$defs/", at)) != std::string::npos;) {
    at += 8;
    CHECK(definitions.contains(text.substr(at, text.find('"', at) - at)));
  }
}

}  // namespace
}  // namespace weir

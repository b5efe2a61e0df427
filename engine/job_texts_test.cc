#include "engine/job_texts.h"

#include <fstream>

#include "config/yaml_text.h"
#include "formats/errors.h"
#include "state/testing.h"
#include "tests/catch.h"

namespace weir {
namespace {

const std::string kJob =
    "job: orders\n"
    "sources:\n"
    "  orders:\n"
    "    kafka: { connection: main, topic: orders }\n"
    "    format: { avro: { registry: r } }\n";

/// Learns for the source `orders`; counts how often somebody is asked.
struct Learning {
  PlanContext context;
  int asked = 0;

  Result<std::string> Learn(JobTexts& texts, const std::string& about = "r orders-value") {
    return texts.Learn("orders", about, [&]() -> Result<std::string> {
      asked++;
      return "{\"$1\": \"" + about + "\"}\n";
    });
  }
};

TEST_CASE("what was learned once is part of the job's text") {
  Learning first;
  JobTexts texts(kJob, first.context);
  CHECK(texts.Text() == kJob);
  const std::string learned = first.Learn(texts).value();
  CHECK(first.Learn(texts).value() == learned);
  CHECK(first.asked == 1);
  CHECK(texts.Text() != kJob);

  Learning again;
  again.context.ask = false;
  JobTexts written(texts.Text(), again.context);
  CHECK(again.Learn(written).value() == learned);
  CHECK(written.Text() == texts.Text());
  CHECK(again.Learn(written, "r other-value").status().Is(errors::kNotPinned));
}

TEST_CASE("what the job ran with before still counts, for the same question") {
  Learning first;
  JobTexts texts(kJob, first.context);
  const std::string learned = first.Learn(texts).value();

  Learning second;
  second.context.before = texts.Text();
  JobTexts same(kJob, second.context);
  CHECK(second.Learn(same).value() == learned);
  CHECK(second.asked == 0);
  CHECK(same.Text() == texts.Text());
  JobTexts other(kJob, second.context);
  CHECK(second.Learn(other, "r orders-value version 2").value() != learned);
  CHECK(second.asked == 1);
}

TEST_CASE("a failed question is asked again") {
  Learning learning;
  JobTexts texts(kJob, learning.context);
  const auto fail = [&]() -> Result<std::string> { return Status(errors::kNotPinned, "no"); };
  CHECK_FALSE(texts.Learn("orders", "r orders-value", fail).ok());
  CHECK(texts.Text() == kJob);
  CHECK(learning.Learn(texts).ok());
}

TEST_CASE("files that a format names become part of the job") {
  const testing::TemporaryFolder folder;
  const std::string schema =
      R"({"type":"record","name":"R","fields":[{"name":"n","type":"long"}]})";
  std::ofstream(folder.path() + "/r.avsc") << schema << "\n";
  const std::string text =
      "job: orders\n"
      "connections: { main: { kafka: { bootstrap_servers: 'h:1' } }, r: { schema_registry: { url: "
      "'http://h' } } }\n"
      "sources: { orders: { kafka: { connection: main, topic: orders }, format: { avro: { "
      "registry: "
      "r, schema: { file: r.avsc } } } } }\n"
      "sinks: { out: { from: orders, blackhole: {} } }\n";
  Diagnostics diagnostics;
  JobSpec job = ReadJob(ReadYaml("job.yaml", text, {}, diagnostics), JobVocabulary(), diagnostics);
  TakeFilesIn(job, folder.path(), diagnostics);
  INFO(diagnostics.Render());
  REQUIRE_FALSE(diagnostics.has_errors());
  CHECK(job.text.find("file") == std::string::npos);
  CHECK(job.text.find("\\\"name\\\":\\\"n\\\"") != std::string::npos);
  PlanContext context;
  const auto plan = PlanJob(job, context, diagnostics);
  INFO(diagnostics.Render());
  REQUIRE(plan);
  CHECK(plan->text == job.text);

  JobSpec missing =
      ReadJob(ReadYaml("job.yaml", text, {}, diagnostics), JobVocabulary(), diagnostics);
  TakeFilesIn(missing, folder.path() + "/elsewhere", diagnostics);
  CHECK(diagnostics.has_errors());
}

}  // namespace
}  // namespace weir

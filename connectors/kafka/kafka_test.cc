#include "connectors/kafka/kafka.h"

#include "config/errors.h"
#include "connectors/kafka/errors.h"
#include "tests/catch.h"

namespace weir::kafka {
namespace {

constexpr std::string_view kConnection = "bootstrap_servers: \"127.0.0.1:9092\"";

/// What planning a node of these options tells, and whether it gave a plan.
struct Planned {
  bool good = false;
  std::string described;
  std::string faults;
  std::vector<std::string> codes;
  bool bounded = false;
  SchemaPtr columns;
};

Planned Plan(bool source, const std::string& options, std::string_view connection = kConnection) {
  Diagnostics diagnostics;
  const YamlNode node = ReadYaml("job.yaml", options, {}, diagnostics);
  const YamlNode reached = ReadYaml("connection.yaml", std::string(connection), {}, diagnostics);
  const YamlNode format = ReadYaml("format.yaml", "raw", {}, diagnostics);
  REQUIRE_FALSE(diagnostics.has_errors());
  NodeContext context;
  context.name = "node";
  context.options = &node;
  context.format = &format;
  context.input = std::make_shared<const Schema>(std::vector<Field>{{"value", TypeKind::kString}});
  ConnectionSpec main{"main", {}, "kafka", reached};
  context.connection = [&](const std::string& name, const std::vector<std::string_view>& kinds,
                           const Place&) {
    CHECK(kinds == std::vector<std::string_view>{"kafka"});
    return name == "main" ? &main : nullptr;
  };
  context.now = EventTime{1'800'000'000'000'000};
  Planned planned;
  if (source) {
    if (const auto plan = KafkaConnector().PlanSource(context, diagnostics)) {
      planned.good = true;
      planned.described = plan->Describe();
      planned.bounded = plan->bounded();
      planned.columns = plan->columns();
      CHECK(plan->visible() == 1);
    }
  } else if (const auto plan = KafkaConnector().PlanSink(context, diagnostics)) {
    planned.good = true;
    planned.described = plan->Describe();
    CHECK(plan->HasMarkers());
  }
  CHECK(planned.good != diagnostics.has_errors());
  planned.faults = diagnostics.Render();
  for (const auto& item : diagnostics.items()) planned.codes.emplace_back(item.code->id);
  return planned;
}

}  // namespace

TEST_CASE("a kafka source is planned from its options") {
  const Planned simple = Plan(true, "{ connection: main, topic: clicks }");
  INFO(simple.faults);
  REQUIRE(simple.good);
  CHECK(simple.described == "kafka topic clicks at 127.0.0.1:9092, read_committed");
  CHECK_FALSE(simple.bounded);
  CHECK(simple.columns->ToString() ==
        "value bytes, kafka_key bytes, kafka_timestamp timestamp, kafka_topic string, "
        "kafka_partition int32, kafka_offset int64, "
        "kafka_headers list<struct<key:string,value:bytes>>, kafka_tombstone bool");
  CHECK(Plan(true, "{ connection: main, topics: [a, b], stop: latest }").bounded);
  CHECK(Plan(true, "{ connection: main, pattern: 'a.*', stop: { timestamp: 2026-01-02 } }").good);
  CHECK(Plan(true, "{ connection: main, topic: a, start: { offsets: { 0: 7 } } }").good);
  CHECK(Plan(true, "{ connection: main, topic: a, start: { group: g, otherwise: latest } }").good);
  CHECK(Plan(true,
             "{ connection: main, topic: a, start: latest, isolation: read_uncommitted, "
             "on_lost_offsets: earliest }")
            .good);
}

TEST_CASE("faults of a kafka source are told with their code") {
  const std::pair<std::string, std::string_view> cases[] = {
      {"{ connection: main }", errors::kSourceOption.id},
      {"{ connection: main, topic: a, pattern: b }", errors::kSourceOption.id},
      {"{ connection: main, topic: 'a b' }", errors::kSourceOption.id},
      {"{ connection: main, topics: [a, a] }", errors::kSourceOption.id},
      {"{ connection: main, pattern: '(' }", errors::kSourceOption.id},
      {"{ connection: main, topic: a, start: { offsets: { 0: -1 } } }", errors::kSourceOption.id},
      {"{ connection: main, topic: a, stop: { timestamp: 2100-01-01 } }", errors::kSourceOption.id},
      {"{ connection: main, topic: a, start: { group: g, offsets: { 0: 1 } } }",
       errors::kSourceOption.id},
      {"{ connection: main, topic: a, start: { otherwise: latest } }", errors::kSourceOption.id},
      {"{ connection: main, topic: a, group: 'a:b' }", errors::kOutOfBounds.id},
      {"{ connection: main, topic: a, start: { timestamp: soon } }", errors::kBadValue.id},
      {"{ connection: main, topic: a, start: erliest }", errors::kBadValue.id},
      {"{ topic: a }", errors::kMissingKey.id},
      {"{ connection: main, topic: a, tpoic: b }", errors::kUnknownKey.id}};
  for (const auto& [options, code] : cases) {
    const Planned planned = Plan(true, options);
    INFO(options << "\n" << planned.faults);
    CHECK_FALSE(planned.good);
    REQUIRE_FALSE(planned.codes.empty());
    CHECK(planned.codes[0] == code);
  }
}

TEST_CASE("faults of a kafka connection are told with their code") {
  const std::string base(kConnection);
  const std::pair<std::string, std::string_view> cases[] = {
      {base + "\nsecurity: mtls", errors::kConnectionOption.id},
      {base + "\nsecurity: tls\ntls: { certificate: c.pem, key: { env: K } }",
       errors::kConnectionOption.id},
      {base + "\ntls: { ca: ca.pem }", errors::kConnectionOption.id},
      {base + "\nsecurity: scram\nuser: me", errors::kConnectionOption.id},
      {base + "\nsecurity: scram\npassword: { env: P }", errors::kConnectionOption.id},
      {base + "\nsecurity: scram\nuser: me\npassword: in-the-clear", errors::kSecretWritten.id},
      {base + "\nsecurity: tls\nuser: me", errors::kConnectionOption.id},
      {base + "\nsecurity: tls\nrole: arn:x", errors::kConnectionOption.id},
      {base + "\nsecurity: iam\nexternal_id: x", errors::kConnectionOption.id},
      {base + "\nclient_properties: c.properties\nsecurity: tls", errors::kConnectionOption.id},
      {base + "\nsecurity: sasl", errors::kBadValue.id},
      {base + "\nproperties: { ssl.ca.location: /etc/passwd }", errors::kConnectionOption.id},
      {base + "\nproperties: { socket.timout.ms: 1000 }", errors::kConnectionOption.id},
      {"security: plaintext", errors::kMissingKey.id}};
  for (const auto& [connection, code] : cases) {
    const Planned planned = Plan(true, "{ connection: main, topic: a }", connection);
    INFO(connection << "\n" << planned.faults);
    CHECK_FALSE(planned.good);
    REQUIRE_FALSE(planned.codes.empty());
    CHECK(planned.codes[0] == code);
  }
  CHECK(Plan(true, "{ connection: main, topic: a }",
             base + "\nproperties: { socket.timout.ms: 1000 }")
            .faults.find("did you mean 'socket.timeout.ms'") != std::string::npos);
  CHECK(Plan(true, "{ connection: main, topic: a }",
             base + "\nproperties: { socket.timeout.ms: \"1000\" }")
            .good);
}

TEST_CASE("a kafka sink is planned from its options") {
  const Planned simple = Plan(false, "{ connection: main, topic: counts, compression: zstd }");
  INFO(simple.faults);
  REQUIRE(simple.good);
  CHECK(simple.described == "kafka topic counts at 127.0.0.1:9092, exactly once");
  CHECK(Plan(false, "{ connection: main, topic: '..' }").codes ==
        std::vector<std::string>{std::string(errors::kOutOfBounds.id)});
  CHECK_FALSE(Plan(false, "{ connection: main }").good);
  CHECK_FALSE(Plan(false, "{ connection: main, topic: a, compression: rar }").good);
  CHECK(KafkaConnector().sink_expressions().size() == 5);
}

}  // namespace weir::kafka

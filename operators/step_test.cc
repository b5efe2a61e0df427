// Steps as users write them, planned and run: what each clause gives, and what faults are told.

#include "operators/testing/harness.h"
#include "tests/catch.h"

namespace weir {
namespace {

using testing::HarnessInput;
using testing::OperatorHarness;

const HarnessInput kOrders{"user string, amount int64", true, false, {}};

bool Tells(const std::string& step, const HarnessInput& input, const std::string& what) {
  const std::string faults = OperatorHarness(step, input).faults();
  INFO(faults);
  CHECK(faults.find(what) != std::string::npos);
  return faults.find(what) != std::string::npos;
}

TEST_CASE("where keeps the rows that are true, and rejects those it can't tell of") {
  OperatorHarness step("where: 10 / amount > 1", kOrders);
  REQUIRE(step.faults() == "");
  CHECK(step.Push("a 2 1s  b 20 2s  c null 3s") == "a 2 1s");
  CHECK(step.Push("a 1 1s  b 5 2s") == "a 1 1s, b 5 2s");
  CHECK(step.Push("a 100 1s") == "");
  CHECK(step.Push("a 1 1s  b 0 2s").find("! ") == 0);
  CHECK(step.counts("where").passed == 4);
  CHECK(step.counts("where").filtered == 3);
  CHECK(step.counts("where").rejected == 1);
}

TEST_CASE("select picks, renames and computes, in the order written") {
  OperatorHarness step("select: [amount, { who: user, double: amount * 2 }]", kOrders);
  REQUIRE(step.faults() == "");
  CHECK(step.plan().output->ToString() == "amount int64, who string, double int64");
  CHECK(step.Push("a 2 1s  b 3 2s") == "2 a 4 1s, 3 b 6 2s");
  CHECK(step.plan().operators[0]->passes == std::vector<int>{1, 0, -1});
  CHECK(step.plan().operators[0]->reads == std::vector<int>{1});
}

TEST_CASE("the shape of a step's state tells apart whatever its aggregates keep apart") {
  const auto shape = [](const std::string& aggregate, const HarnessInput& input) {
    OperatorHarness step("{ window: { tumbling: 1s }, group_by: user, select: [user, { n: \"" +
                             aggregate + "\" }] }",
                         input);
    REQUIRE(step.faults() == "");
    return step.plan().operators[0]->state_shape;
  };
  const std::string begin = "sum(case when user like '%" + std::string(120, 'x') + "' then ";
  CHECK(shape(begin + "amount end)", kOrders) != shape(begin + "amount * 2 end)", kOrders));
  const HarnessInput of_doubles{"user string, amount double", true, false, {}};
  CHECK(shape("count_distinct(amount)", kOrders) != shape("count_distinct(amount)", of_doubles));
  CHECK(shape("count()", kOrders) == shape("count()", of_doubles));
}

TEST_CASE("columns that stay are shared, not copied") {
  OperatorHarness step("select: { a: amount }", kOrders);
  BatchBuilder builder(step.plan().input);
  builder.column(0).AppendText("x");
  builder.column(1).Append(int64_t{1});
  const BatchPtr batch = builder.Finish();
  class Same final : public Output {
   public:
    Status Emit(BatchPtr out) override {
      given = std::move(out);
      return Status::Ok();
    }
    Status Reject(const Batch&, std::vector<Rejection>) override { return Status::Ok(); }
    BatchPtr given;
  } out;
  testing::MapState state;
  const ManualClock clock;
  OperatorContext context{state, clock};
  REQUIRE(step.plan().operators[0]->make(context)->OnBatch(batch, out).ok());
  CHECK(out.given->columns()[0] == batch->columns()[1]);
}

TEST_CASE("with adds and replaces, drop takes away") {
  OperatorHarness with("with: { amount: amount + 1, more: amount * 10 }", kOrders);
  REQUIRE(with.faults() == "");
  CHECK(with.Push("a 2 1s") == "a 3 20 1s");
  OperatorHarness drop("drop: user", kOrders);
  REQUIRE(drop.faults() == "");
  CHECK(drop.Push("a 2 1s") == "2 1s");
  CHECK(Tells("drop: usr", kOrders, "did you mean 'user'?"));
  CHECK(Tells("drop: [user, amount]", kOrders, "leaves no column"));
  CHECK(Tells("{ select: user, drop: amount }", kOrders, "'drop' has no place"));
}

TEST_CASE("with comes before where, whatever is written first") {
  OperatorHarness step("where: big > 10\nwith: { big: amount * 2 }", kOrders);
  REQUIRE(step.faults() == "");
  CHECK(step.Push("a 5 1s  b 6 2s") == "b 6 12 2s");
}

TEST_CASE("unnest gives one row for each element") {
  const HarnessInput input{"user string, tags list<string>", true, false, {}};
  OperatorHarness step("unnest: { tag: tags }\nselect: [user, tag]", input);
  REQUIRE(step.faults() == "");
  CHECK(step.Push("a [x,y] 1s  b [] 2s  c null 3s  d [z] 4s") == "a x 1s, a y 1s, d z 4s");
  CHECK(step.counts("unnest").expanded == 2);
  CHECK(step.counts("unnest").empty == 2);
  CHECK(step.counts("unnest").made == 3);
  OperatorHarness kept("unnest: { tag: tags }", input);
  CHECK(kept.Push("a [x,y] 1s") == "a [x,y] x 1s, a [x,y] y 1s");
  OperatorHarness replaced("unnest: { tags: tags }", input);
  CHECK(replaced.Push("a [x,y] 1s") == "a x 1s, a y 1s");
  CHECK(Tells("unnest: { tag: user }", input, "'user' is string, not a list"));
  CHECK(Tells("unnest: tags", input, "unnest: { item: list_column }"));
}

TEST_CASE("a tumbling window counts by group, and its rows leave before the watermark") {
  OperatorHarness step(
      "{ window: { tumbling: 10s }, group_by: user, select: [user, { n: count(), "
      "sum: sum(amount), from: window_start, to: window_end }] }",
      kOrders);
  REQUIRE(step.faults() == "");
  CHECK(step.Push("b 1 1s  a 2 9s  a 3 10s") == "");
  CHECK(step.Watermark("9s") == "");
  step.CheckpointAndRestore();
  CHECK(step.Push("a 4 0s") == "");
  CHECK(step.Watermark("10s") == "a 2 6 0s 10s 9999999us, b 1 1 0s 10s 9999999us");
  CHECK(step.passed_on() == "10s");
  CHECK(step.Push("a 5 9s  b 5 11s") == "");
  CHECK(step.Watermark("end") == "a 1 3 10s 20s 19999999us, b 1 5 10s 20s 19999999us");
  CHECK(step.counts("window").late == 1);
}

TEST_CASE("a window that closed before the restore stays closed after it") {
  OperatorHarness step("{ window: { tumbling: 10s }, select: { n: count() } }", kOrders);
  REQUIRE(step.faults() == "");
  CHECK(step.Push("a 1 1s") == "");
  CHECK(step.Watermark("15s") == "1 9999999us");
  step.CheckpointAndRestore();
  CHECK(step.Push("a 1 2s  a 1 12s") == "");
  CHECK(step.Watermark("end") == "1 19999999us");
  CHECK(step.counts("window").late == 1);
}

TEST_CASE("hopping windows overlap, and a row is held once") {
  OperatorHarness step(
      "{ window: { hopping: { size: 10s, every: 5s } }, "
      "select: [window_start, { n: count() }] }",
      kOrders);
  REQUIRE(step.faults() == "");
  CHECK(step.Push("a 1 1s  a 1 6s  a 1 7s") == "");
  CHECK(step.Watermark("5s") == "-5s 1 4999999us");
  CHECK(step.Watermark("end") == "0s 3 9999999us, 5s 2 14999999us");
  CHECK(step.counts("window").absorbed == 3);
  CHECK(step.counts("window").released == 3);
}

TEST_CASE("rows at most the gap apart are one session") {
  OperatorHarness step(
      "{ window: { session: { gap: 2s } }, group_by: user, "
      "select: [user, { n: count(), from: window_start, to: window_end }] }",
      kOrders);
  REQUIRE(step.faults() == "");
  CHECK(step.Push("a 1 1s  a 1 3s  a 1 6s  b 1 2s") == "");
  CHECK(step.Watermark("4s") == "b 1 2s 4s 3999999us");
  CHECK(step.passed_on() == "3999999us");
  CHECK(step.Push("a 1 5s") == "");  // Joins both of a's sessions.
  step.CheckpointAndRestore();
  CHECK(step.Watermark("7s") == "");
  CHECK(step.Watermark("8s") == "a 4 1s 8s 7999999us");
  // Alone it is late; beside a row that is not, it isn't.
  CHECK(step.Push("a 1 6s") == "");
  CHECK(step.counts("window").late == 1);
  CHECK(step.Push("a 1 7s  a 1 6s") == "");
  CHECK(step.Watermark("end") == "a 2 6s 9s 8999999us");
}

TEST_CASE("having and select see groups, aggregates and bounds") {
  OperatorHarness step(
      "{ window: { tumbling: 10s }, group_by: { who: upper(user) }, "
      "having: count() > 1, select: { who: who, average: avg(amount), "
      "end: window_end } }",
      kOrders);
  REQUIRE(step.faults() == "");
  CHECK(step.Push("a 1 1s  A 2 2s  b 3 3s") == "");
  CHECK(step.Watermark("end") == "A 1.5 10s 9999999us");
  CHECK(step.counts("having").filtered == 1);
}

TEST_CASE("windows chain: results carry the time before their end") {
  OperatorHarness step("{ window: { tumbling: 10s }, select: [window_end] }", kOrders);
  CHECK(step.plan().has_event_time);
  CHECK(step.plan().output->ToString() == "window_end timestamp");
}

TEST_CASE("groups without a window are for inputs that end") {
  const HarnessInput bounded{"user string, amount int64", true, true, {}};
  OperatorHarness step("{ group_by: user, select: [user, { total: sum(amount) }] }", bounded);
  REQUIRE(step.faults() == "");
  CHECK(step.Push("b 1 1s  a 2 9s  a 3 10s") == "");
  CHECK(step.Watermark("100s") == "");
  step.CheckpointAndRestore();
  CHECK(step.Watermark("end") == "a 5, b 1");
  CHECK_FALSE(step.plan().has_event_time);
  CHECK(Tells("{ group_by: user, select: { n: count() } }", kOrders, "when the input ends"));
}

TEST_CASE("a row that an aggregate can't take reaches none, with partials or without") {
  for (bool partials : {false, true}) {
    OperatorHarness step(
        "{ window: { tumbling: 10s }, group_by: user, "
        "select: [user, { n: count(), s: sum(10 / amount), "
        "t: sum(amount + 1) }] }",
        kOrders, partials);
    REQUIRE(step.faults() == "");
    CHECK(step.Push("a 5 1s  b 0 2s  a 2 3s").find("! ") == 0);
    CHECK(step.Watermark("end") == "a 2 7 9 9999999us");
    CHECK(step.counts(partials ? "partial" : "window").rejected == 1);
  }
}

TEST_CASE("hidden columns are there for who names them, and go after the step") {
  const HarnessInput input{"value string", true, false, "kafka_offset int64, kafka_topic string"};
  OperatorHarness plain("where: value = 'x'", input);
  CHECK(plain.plan().hidden.empty());
  OperatorHarness step("where: kafka_offset > 5", input);
  REQUIRE(step.faults() == "");
  CHECK(step.plan().hidden == std::vector<int>{0});
  CHECK(step.plan().input->ToString() == "value string, kafka_offset int64");
  CHECK(step.plan().output->ToString() == "value string");
  CHECK(step.Push("a 5 1s  b 6 1s") == "b 1s");
  OperatorHarness chosen("select: [value, kafka_offset, { topic: kafka_topic }]", input);
  REQUIRE(chosen.faults() == "");
  CHECK(chosen.Push("a 5 t 1s") == "a 5 t 1s");
  CHECK(Tells("select: { kafka_offset: 1 }", input, "a name that weir gives itself"));
}

TEST_CASE("faults of a step are told all at once, with their places") {
  const std::string faults =
      OperatorHarness("where: amuont > 1\nselect: { a: usr, a2: 1 + }\n", kOrders).faults();
  INFO(faults);
  CHECK(faults.find("step.yaml:1:8") != std::string::npos);
  CHECK(faults.find("step.yaml:2:14") != std::string::npos);
  CHECK(faults.find("step.yaml:2:2") != std::string::npos);
}

TEST_CASE("faults of groups and windows") {
  CHECK(Tells("{ window: { tumbling: 10s, session: { gap: 1s } }, select: { n: count() } }",
              kOrders, "one of tumbling, hopping and session"));
  CHECK(Tells("{ window: {}, select: { n: count() } }", kOrders, "one of tumbling"));
  CHECK(Tells("{ window: { tumbling: 0s }, select: { n: count() } }", kOrders, "tumbling"));
  CHECK(Tells("{ window: { tumbling: 40000d }, select: { n: count() } }", kOrders, "tumbling"));
  CHECK(Tells("{ window: { hopping: { size: 1s, every: 2s } }, select: { n: count() } }", kOrders,
              "leave rows out"));
  CHECK(Tells("{ window: { tumblng: 10s }, select: { n: count() } }", kOrders, "tumbling"));
  CHECK(Tells("{ window: { tumbling: 10s, emit: { every: 1s } }, select: { n: count() } }", kOrders,
              "emit"));
  CHECK(Tells("{ window: { session: { gap: 1s }, offset: 1s }, select: { n: count() } }", kOrders,
              "no 'offset'"));
  CHECK(Tells("{ window: { tumbling: 10s }, select: { n: count() } }",
              {"user string", false, false, {}}, "the rows of 'input' have none"));
  CHECK(Tells("{ window: { tumbling: 10s }, group_by: count(), select: { n: count() } }", kOrders,
              "needs a name"));
  CHECK(Tells("{ window: { tumbling: 10s }, group_by: { c: count() }, select: { n: count() } }",
              kOrders, "before aggregates"));
  CHECK(Tells("{ window: { tumbling: 10s }, group_by: [user, user], select: { n: count() } }",
              kOrders, "there twice"));
  CHECK(Tells("{ window: { tumbling: 10s }, having: count(), select: { n: count() } }", kOrders,
              "int64"));
  CHECK(Tells("having: count() > 1", kOrders, "makes none"));
  CHECK(Tells("select: { n: count() }", kOrders, "needs groups of rows"));
  CHECK(Tells("select: []", kOrders, "names no column"));
  CHECK(Tells("select: { window_start: amount }", kOrders, "a name that weir gives itself"));
  CHECK(Tells("select: upper(user)", kOrders, "needs a name"));
  CHECK(Tells("with: user", kOrders, "'with' is a map"));
}

TEST_CASE("every clause has its help and an example") {
  for (const Clause& clause : AllClauses()) {
    INFO(clause.key);
    CHECK(clause.help.size() > 10);
    CHECK(clause.help.ends_with('.'));
    CHECK(clause.example.starts_with(std::string(clause.key) + ":"));
  }
}

}  // namespace
}  // namespace weir

#include "operators/call.h"

#include <algorithm>

#include <fmt/format.h>

#include "operators/errors.h"
#include "operators/testing/harness.h"
#include "tests/catch.h"

namespace weir {
namespace {

/// Answers by the text of the first column: `a` gives none, `b` one, `c` two; `x` cannot be read,
/// `poison` kills it, and `broken` keeps it from starting again.
class FakeProgram final : public Program {
 public:
  FakeProgram(ProgramRequest request, std::vector<std::string>& asked, uint32_t most)
      : request_(std::move(request)), asked_(asked), most_(most) {}

  Result<ProgramAnswers> Ask(const Batch& batch, uint32_t begin, uint32_t end) override {
    ProgramAnswers answers;
    answers.end = std::min(end, begin + most_);
    BatchBuilder builder(request_.answers);
    std::string question;
    for (uint32_t row = begin; row < answers.end; row++) {
      question += (row > begin ? " " : "") + std::string(batch.column(0).text(row));
    }
    asked_.push_back(question);
    for (uint32_t row = begin; row < answers.end; row++) {
      const std::string_view text = batch.column(0).text(row);
      if (text == "poison") return Status(errors::kProgramFailed, "it died");
      if (text == "broken") return Status(errors::kProgramBroken, "it does not start");
      if (text == "x") {
        answers.rejections.push_back({row, &errors::kBadProgramAnswer, "rubbish"});
        continue;
      }
      for (int i = 0; i < text[0] - 'a'; i++) {
        answers.rows.push_back(row);
        builder.column(0).AppendText(fmt::format("{}{}", text, i));
      }
    }
    answers.answers = builder.Finish();
    return answers;
  }

 private:
  const ProgramRequest request_;
  std::vector<std::string>& asked_;
  const uint32_t most_;
};

class FakePrograms final : public Programs {
 public:
  explicit FakePrograms(uint32_t most = 1000) : most_(most) {}
  Result<std::unique_ptr<Program>> Open(const ProgramRequest& request) const override {
    if (request.program != "handler") return Status(errors::kNoSuchProgram, "no such program");
    return std::unique_ptr<Program>(new FakeProgram(request, asked, most_));
  }
  mutable std::vector<std::string> asked;

 private:
  const uint32_t most_;
};

constexpr const char* kStep = "call: { program: handler, columns: { message: string } }";
const testing::HarnessInput kInput{"text string, value int64", true, false, ""};

}  // namespace

TEST_CASE("answers stand beside the row that they are for, in its order") {
  const FakePrograms programs(GENERATE(1, 2, 1000));
  testing::OperatorHarness step(kStep, kInput, true, &programs);
  REQUIRE(step.faults().empty());
  CHECK(step.Push("c 1 1s  a 2 2s  b 3 3s") == "c 1 c0 1s, c 1 c1 1s, b 3 b0 3s");
  const RowCounts counts = step.counts("call");
  CHECK(counts.in == 3);
  CHECK(counts.expanded == 2);
  CHECK(counts.empty == 1);
  CHECK(counts.made == 3);
  CHECK(counts.out == 3);
}

TEST_CASE("a program may replace a column") {
  const FakePrograms programs;
  testing::OperatorHarness step("call: { program: handler, columns: { text: string } }", kInput,
                                true, &programs);
  CHECK(step.Push("b 1 1s") == "1 b0 1s");
}

TEST_CASE("the row that a program dies over is found, and the others have their answers") {
  const FakePrograms programs;
  testing::OperatorHarness step(kStep, kInput, true, &programs);
  CHECK(step.Push("b 1 1s  b 2 2s  poison 3 3s  x 4 4s  b 5 5s") ==
        "b 1 b0 1s, b 2 b0 2s, b 5 b0 5s, ! it died, ! rubbish");
  CHECK(programs.asked ==
        std::vector<std::string>{"b b poison x b", "b b", "poison x b", "poison", "poison", "x b"});
  const RowCounts counts = step.counts("call");
  CHECK(counts.expanded == 3);
  CHECK(counts.rejected == 2);
  CHECK(counts.empty == 0);
}

TEST_CASE("a call that cannot be planned is told where") {
  const auto faults = [](const std::string& step) {
    return testing::OperatorHarness(step, kInput).faults();
  };
  CHECK(faults("call: { columns: { a: string } }").find("program") != std::string::npos);
  CHECK(faults("call: { program: p, columns: {} }").find("columns: { message: string }") !=
        std::string::npos);
  CHECK(faults("call: { program: p, columns: { a: strin } }").find("strin") != std::string::npos);
  CHECK(faults("call: { program: p, columns: { _row: int64 } }").find("_row") != std::string::npos);
  CHECK(faults("call: { program: p, columns: { a: string }, timeout: 0s }").find("timeout") !=
        std::string::npos);
}

}  // namespace weir

#include "engine/program_list.h"

#include <chrono>
#include <fstream>
#include <thread>

#include "operators/errors.h"
#include "tests/catch.h"

namespace weir {
namespace {

/// A program of the shell's, as a list has it.
std::map<std::string, ProgramSpec> Listed(const std::string& script) {
  return {{"handler", {{"/bin/sh", "-c", script}, {{"SUFFIX", "!"}}}}};
}

/// Reads a batch and runs `each` for its lines, then `after`, again and again.
std::string Handler(const std::string& each, const std::string& after = "echo") {
  return "while read -r line; do if [ -z \"$line\" ]; then " + after + "; else " + each +
         "; fi; done";
}

BatchPtr Rows(const std::vector<std::string>& texts) {
  BatchBuilder builder(
      std::make_shared<const Schema>(std::vector<Field>{{"text", TypeKind::kString}}));
  for (const std::string& text : texts) builder.column(0).AppendText(text);
  return builder.Finish();
}

struct Asking {
  explicit Asking(const std::string& script, Duration timeout = Duration::Seconds(20))
      : list(Listed(script)) {
    request.program = "handler";
    request.rows = Rows({})->schema();
    request.answers = std::make_shared<const Schema>(
        std::vector<Field>{{"said", TypeKind::kString}, {"length", TypeKind::kInt64}});
    request.timeout = timeout;
    auto opened = list.Open(request);
    REQUIRE(opened.ok());
    program = std::move(opened).value();
  }
  Result<ProgramAnswers> Ask(const std::vector<std::string>& texts) {
    return program->Ask(*Rows(texts), 0, static_cast<uint32_t>(texts.size()));
  }
  ProgramAnswers Answers(const std::vector<std::string>& texts) {
    auto answers = Ask(texts);
    if (!answers.ok()) FAIL(answers.status().ToString());
    return *std::move(answers);
  }

  const ProgramList list;
  ProgramRequest request;
  std::unique_ptr<Program> program;
};

std::vector<std::string> Said(const ProgramAnswers& answers) {
  std::vector<std::string> said;
  for (size_t i = 0; i < answers.rows.size(); i++) {
    said.emplace_back(answers.answers->column(0).text(i));
  }
  return said;
}

}  // namespace

TEST_CASE("a program gets lines of JSON with their numbers, and its answers are read") {
  Asking handler(Handler(
      R"x(printf '{"said":"%s%s","length":3}\n' "$(echo "$line" | tr -d '"')" "$SUFFIX")x"));
  const ProgramAnswers answers = handler.Answers({"a", "b c"});
  CHECK(answers.end == 2);
  CHECK(answers.rows == std::vector<uint32_t>{0, 1});
  CHECK(Said(answers) == std::vector<std::string>{"{_row:0,text:a}!", "{_row:1,text:b c}!"});
  CHECK(answers.answers->column(1).values<int64_t>()[1] == 3);
  // The same process goes on.
  CHECK(Said(handler.Answers({"d"})) == std::vector<std::string>{"{_row:0,text:d}!"});
}

TEST_CASE("answers go to the rows that they name, however they come") {
  Asking handler(Handler(
      ":", R"(printf '{"_row":2,"said":"x"}\n{"_row":0,"said":"y"}\n{"_row":2,"said":"z"}\n\n')"));
  // It has answers to nothing as well.
  auto refused = handler.Ask({"a", "b", "c"});
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.status().Is(errors::kProgramBroken));
  CHECK(refused.status().message().find("batch of no rows") != std::string::npos);

  Asking other(Handler(
      "n=1",
      R"([ -n "$n" ] && printf '{"_row":2,"said":"x"}\n{"_row":0,"said":"y"}\n{"_row":2,"said":"z"}\n'; echo)"));
  const ProgramAnswers answers = other.Answers({"a", "b", "c"});
  CHECK(answers.rows == std::vector<uint32_t>{0, 2, 2});
  CHECK(Said(answers) == std::vector<std::string>{"y", "x", "z"});
}

TEST_CASE("a row whose answer cannot be read is rejected, with all its answers") {
  Asking handler(Handler(
      "n=1",
      R"([ -n "$n" ] && printf '{"_row":0,"length":1}\n{"_row":1,"length":"x"}\n{"_row":1,"length":2}\n'; echo)"));
  const ProgramAnswers answers = handler.Answers({"a", "b"});
  CHECK(answers.rows == std::vector<uint32_t>{0});
  REQUIRE(answers.rejections.size() == 1);
  CHECK(answers.rejections[0].record == 1);
  CHECK(answers.rejections[0].code->id == errors::kBadProgramAnswer.id);
  CHECK(answers.rejections[0].reason.find("length") != std::string::npos);
}

TEST_CASE("a program that fails says how, and is started anew") {
  const std::pair<std::string, std::string> cases[] = {
      {Handler("echo no such colour >&2; exit 3"),
       "it has ended with 3; its last words: no such colour"},
      {Handler("kill -9 $$"), "it was ended by signal 9"},
      {Handler("echo rubbish"), "the line rubbish"},
      {Handler("n=1", "[ -n \"$n\" ] && echo '{}' && n=; echo"), "1 answers to 2 rows"},
      {Handler("n=1", R"([ -n "$n" ] && echo '{"_row":7}'; echo)"), "_row 7 of a batch of 2 rows"},
      {Handler("exec 1>&-; sleep 100"), "it has closed its output"},
  };
  const auto& [script, told] = cases[GENERATE(range(0, 6))];
  Asking handler(script);
  const uint64_t before = ProgramRestarts()["handler"];
  for (int i = 0; i < 2; i++) {
    const auto failed = handler.Ask({"a", "b"});
    REQUIRE_FALSE(failed.ok());
    CHECK(failed.status().Is(errors::kProgramFailed));
    INFO(failed.status().message());
    CHECK(failed.status().message().find(told) != std::string::npos);
  }
  CHECK(ProgramRestarts()["handler"] == before + 1);
}

TEST_CASE("a program that does not answer in time fails, and what it has started ends with it") {
  Asking handler(Handler("sleep 1000"), Duration::Millis(300));
  const auto failed = handler.Ask({"a"});
  REQUIRE_FALSE(failed.ok());
  CHECK(failed.status().Is(errors::kProgramFailed));
  CHECK(failed.status().message().find("no answer within 300 ms") != std::string::npos);
}

TEST_CASE("who waits for a program can be told that nobody waits any more") {
  Asking handler(Handler("sleep 1000"));
  std::atomic<bool> cancelled{false};
  handler.request.cancelled = &cancelled;
  handler.program = handler.list.Open(handler.request).value();
  std::thread later([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    cancelled = true;
  });
  const auto given_up = handler.Ask({"a"});
  later.join();
  CHECK_FALSE(given_up.ok());
  CHECK(given_up.status().Is(errors::kProgramBroken));
}

TEST_CASE("what is long goes in pieces, both ways at once") {
  Asking handler(Handler(R"x(printf '{"said":"%s"}\n' "$(printf '%060000d' 0)")x"));
  const std::string text(40'000, 'x');
  const std::vector<std::string> texts(100, text);
  uint32_t begin = 0;
  int pieces = 0;
  while (begin < texts.size()) {
    auto answers = handler.program->Ask(*Rows(texts), begin, static_cast<uint32_t>(texts.size()));
    REQUIRE(answers.ok());
    CHECK(answers->rows.size() == answers->end - begin);
    begin = answers->end;
    pieces++;
  }
  CHECK(pieces > 1);
}

TEST_CASE("programs that are not there are told") {
  ProgramRequest request;
  request.program = "handlr";
  request.rows = request.answers = Rows({})->schema();
  const auto unknown = ProgramList(Listed("")).Open(request);
  CHECK(unknown.status().Is(errors::kNoSuchProgram));
  CHECK(unknown.status().cure().find("'handler'") != std::string::npos);

  const ProgramList list({{"handlr", {{"/no/such/program"}, {}}}});
  request.timeout = Duration::Seconds(1);
  const auto program = list.Open(request).value();
  const auto broken = program->Ask(*Rows({"a"}), 0, 1);
  CHECK(broken.status().Is(errors::kProgramBroken));
  CHECK(broken.status().message().find("/no/such/program") != std::string::npos);
}

}  // namespace weir

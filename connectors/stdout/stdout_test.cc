#include "connectors/stdout/stdout.h"

#include "connectors/harness.h"
#include "formats/csv.h"

namespace weir {
namespace {

/// A screen whose text can be read back.
struct Screen {
  Screen() { REQUIRE(file != nullptr); }
  ~Screen() { std::fclose(file); }
  std::string Text() {
    std::fflush(file);
    std::rewind(file);
    std::string text(100000, '\0');
    text.resize(std::fread(text.data(), 1, text.size(), file));
    return text;
  }
  std::FILE* file = std::tmpfile();
};

BatchPtr Rows(int64_t begin, int64_t end) {
  BatchBuilder builder(std::make_shared<const Schema>(
      std::vector<Field>{{"n", TypeKind::kInt64}, {"text", TypeKind::kString}}));
  for (int64_t n = begin; n < end; n++) {
    builder.column(0).Append(n);
    if (n % 2 == 0) {
      builder.column(1).AppendText("\x1b[31m\xc3\xa9");
    } else {
      builder.column(1).AppendNull();
    }
  }
  return builder.Finish();
}

TEST_CASE("stdout shows records at once where it is no terminal") {
  Screen screen;
  ManualClock clock;
  std::vector<Rejection> rejected;
  StdoutWriter writer(screen.file, clock, {}, MakeJsonEncoder(*Rows(0, 0)->schema(), {}));
  REQUIRE(writer.Write(*Rows(0, 2), rejected).ok());
  CHECK(screen.Text() == "{\"n\":0,\"text\":\"\\u001b[31m\xc3\xa9\"}\n{\"n\":1,\"text\":null}\n");
  const SealedPart part = writer.Seal({1}, false).value();
  CHECK(part.rows == 2);
  CHECK(part.bytes.empty());
  CHECK(writer.Seal({2}, false).value().rows == 0);
}

TEST_CASE("stdout shows a table on a terminal, and no value can steer it") {
  Screen screen;
  ManualClock clock;
  std::vector<Rejection> rejected;
  StdoutWriter writer(screen.file, clock, {}, nullptr);
  REQUIRE(writer.Write(*Rows(0, 2), rejected).ok());
  REQUIRE(writer.Write(*Rows(2, 3), rejected).ok());
  CHECK(screen.Text() ==
        "n  text\n"
        "-  -----------\n"
        "0  \\u001b[31m\xc3\xa9\n"
        "1  null\n"
        "2  \\u001b[31m\xc3\xa9\n");
}

TEST_CASE("stdout shows some rows every so often, and counts them all") {
  Screen screen;
  ManualClock clock;
  std::vector<Rejection> rejected;
  StdoutWriter writer(screen.file, clock, {2, Duration::Seconds(10)},
                      MakeCsvEncoder(*Rows(0, 0)->schema(), {}));
  REQUIRE(writer.Write(*Rows(1, 2), rejected).ok());
  REQUIRE(writer.Write(*Rows(3, 9), rejected).ok());
  clock.Advance(Duration::Seconds(9));
  REQUIRE(writer.Write(*Rows(11, 12), rejected).ok());
  clock.Advance(Duration::Seconds(1));
  REQUIRE(writer.Write(*Rows(13, 14), rejected).ok());
  CHECK(screen.Text() == "1,\n3,\n13,\n");
  CHECK(writer.Seal({1}, true).value().rows == 9);
}

TEST_CASE("a screen that is gone is an error") {
  std::FILE* full = std::fopen("/dev/full", "w");
  REQUIRE(full != nullptr);
  ManualClock clock;
  std::vector<Rejection> rejected;
  StdoutWriter writer(full, clock, {}, nullptr);
  CHECK(writer.Write(*Rows(0, 2), rejected).Is(errors::kScreenWrite));
  std::fclose(full);
}

}  // namespace
}  // namespace weir

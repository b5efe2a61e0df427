#include "connectors/files/source.h"

#include <fstream>
#include <random>
#include <set>

#include <fmt/format.h>

#include "connectors/files/file_names.h"
#include "connectors/harness.h"
#include "formats/errors.h"

namespace weir {
namespace {

using testing::PlannedSource;
using testing::TempFolder;

void WriteFile(const std::string& path, std::string_view text) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream out(path, std::ios::binary);
  out << text;
  REQUIRE(out.good());
}

std::string Packed(Compression compression, std::string_view text) {
  const auto compressor = MakeCompressor(compression);
  std::string packed;
  // Several frames, cut anywhere.
  for (size_t i = 0; i < text.size(); i += 1000) {
    compressor->Pack(text.substr(i, 1000), packed);
    if (i % 3000 == 0) compressor->EndFrame(packed);
  }
  compressor->EndFrame(packed);
  return packed;
}

std::vector<ColumnDeclaration> NumberAndText() {
  ColumnDeclaration number;
  number.name = "n";
  number.type = TypeKind::kInt64;
  ColumnDeclaration text;
  text.name = "s";
  text.type = TypeKind::kString;
  return {number, text};
}

/// Reads all splits with one reader that is made again from its positions after every `restart`
/// polls (0: never). Rows as `file:record row`, rejections as `file:record !code`.
std::vector<std::string> ReadAll(const PlannedSource& source, int restart, size_t max_rows) {
  std::vector<Split> splits = testing::Splits(source);
  std::vector<std::string> told;
  std::set<std::string> finished;
  auto reader = source.Reader();
  for (const Split& split : splits) REQUIRE(reader->Add(split).ok());
  for (int polls = 1; finished.size() < splits.size(); polls++) {
    REQUIRE(polls < 100000);
    PollRequest request;
    request.max_rows = max_rows;
    request.wait = Duration::Millis(0);
    Result<Polled> polled = reader->Poll(request);
    if (!polled.ok()) INFO(polled.status().ToString());
    REQUIRE(polled.ok());
    if (polled->activity == SplitActivity::kFinished) finished.insert(polled->split);
    if (polled->batch) {
      REQUIRE(polled->records ==
              static_cast<int64_t>(polled->batch->rows() + polled->rejected.size()));
      for (size_t r = 0; r < polled->batch->rows(); r++) {
        const Origin origin = (*polled->batch->origins())[r];
        REQUIRE(splits[static_cast<size_t>(origin.partition)].id == polled->split);
        told.push_back(fmt::format("{}:{:06} {}", polled->split, origin.offset,
                                   testing::RowText(*polled->batch, r)));
      }
      for (const RejectedRecord& rejected : polled->rejected) {
        REQUIRE(rejected.topic == polled->split);
        told.push_back(
            fmt::format("{}:{:06} !{}", polled->split, *rejected.offset, rejected.code->id));
      }
    }
    if (restart > 0 && polls % restart == 0) {
      const auto positions = reader->Positions();
      reader = source.Reader();
      for (Split split : splits) {
        if (finished.contains(split.id)) continue;
        split.position = positions.at(split.id);
        REQUIRE(reader->Add(split).ok());
      }
    }
  }
  std::sort(told.begin(), told.end());
  return told;
}

TEST_CASE("files are found by name, pattern and folder, sorted") {
  TempFolder folder;
  for (const char* name :
       {"b.json", "a.json", "c.csv", "sub/d.json", "_open/x.json", "_y.open", ".z"}) {
    WriteFile(folder.path() + "/" + name, "x");
  }
  using Names = std::vector<std::string>;
  CHECK(FindFiles(folder.path(), "*.json").value() == Names{"a.json", "b.json"});
  CHECK(FindFiles(folder.path(), "c.csv").value() == Names{"c.csv"});
  CHECK(FindFiles(folder.path(), ".").value() ==
        Names{"./a.json", "./b.json", "./c.csv", "./sub/d.json"});
  CHECK(FindFiles("/nowhere", folder.path() + "/s*/*").value() ==
        Names{folder.path() + "/sub/d.json"});
  CHECK(FindFiles(folder.path(), "*.avro").status().Is(errors::kNoFiles));
}

TEST_CASE("records of files are read once, whatever packs, cuts and restarts there are") {
  const uint64_t seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  TempFolder folder;
  std::vector<std::string> expected;
  const std::vector<std::pair<std::string, Compression>> kinds = {
      {"", Compression::kNone}, {".gz", Compression::kGzip}, {".zst", Compression::kZstd}};
  int file = 0;
  for (const auto& [ending, compression] : kinds) {
    std::string text;
    const std::string name = fmt::format("in/f{}.json{}", file++, ending);
    const int records = 1 + static_cast<int>(random() % 700);
    for (int i = 0; i < records; i++) {
      const std::string filler(random() % 5 == 0 ? random() % 20000 : random() % 20, 'x');
      if (random() % 10 == 0) {
        text += "{broken " + filler;
        expected.push_back(fmt::format("{}:{:06} !WEIR-F001", name, i));
      } else {
        text += fmt::format(R"({{"n":{},"s":"{}"}})", i, filler);
        expected.push_back(fmt::format(R"({}:{:06} {{"n":{},"s":"{}"}})", name, i, i, filler));
      }
      if (i + 1 < records || random() % 2 == 0) text += random() % 3 == 0 ? "\r\n" : "\n";
      if (i + 1 < records && random() % 10 == 0) text += "\n\n";
    }
    WriteFile(folder.path() + "/" + name,
              compression == Compression::kNone ? text : Packed(compression, text));
  }
  const PlannedSource source("{ path: 'in/*' }", "files", NumberAndText(), "", folder.path());
  CHECK(source.plan->bounded());
  CHECK(ReadAll(source, 0, 16384) == expected);
  CHECK(ReadAll(source, 0, 7) == expected);
  CHECK(ReadAll(source, 1, 50) == expected);
  CHECK(ReadAll(source, 3, 11) == expected);
}

TEST_CASE("csv files have line breaks in quotes and headers of their own") {
  TempFolder folder;
  WriteFile(folder.path() + "/1.csv", "s,n\n\"a\nb\",1\nc,2\n");
  WriteFile(folder.path() + "/2.csv", "n,x,s\n3,,d\n4,e\n5,,f");
  WriteFile(folder.path() + "/3.csv", "");
  const PlannedSource source("{ path: '*.csv' }", "files", NumberAndText(), "csv: { header: true }",
                             folder.path());
  const std::vector<std::string> expected = {
      R"(1.csv:000000 {"n":1,"s":"a\nb"})", R"(1.csv:000001 {"n":2,"s":"c"})",
      R"(2.csv:000000 {"n":3,"s":"d"})", "2.csv:000001 !WEIR-F003",
      R"(2.csv:000002 {"n":5,"s":"f"})"};
  CHECK(ReadAll(source, 0, 100) == expected);
  CHECK(ReadAll(source, 1, 1) == expected);
  WriteFile(folder.path() + "/2.csv", "n,x\n3,\n");
  const auto splits = testing::Splits(source);
  const auto reader = source.Reader();
  REQUIRE(reader->Add(splits[1]).ok());
  const Status missing = reader->Poll({}).status();
  CHECK(missing.Is(errors::kWrongHeader));
  CHECK(missing.message() == "file '2.csv': no column 's' in the line of column names (n,x)");
}

/// A reader that goes on in file `a.json` after its first record, with the file changed meanwhile.
Status GoOn(TempFolder& folder, const std::string& name, std::string_view before,
            std::string_view after) {
  WriteFile(folder.path() + "/" + name, before);
  const PlannedSource source("{ path: '" + name + "' }", "files", NumberAndText(), "",
                             folder.path());
  Split split = testing::Splits(source).at(0);
  auto reader = source.Reader();
  REQUIRE(reader->Add(split).ok());
  PollRequest request;
  request.max_rows = 1;
  REQUIRE(reader->Poll(request).ok());
  split.position = reader->Positions().at(name);
  if (after.empty()) {
    std::filesystem::remove(folder.path() + "/" + name);
  } else {
    WriteFile(folder.path() + "/" + name, after);
  }
  reader = source.Reader();
  REQUIRE(reader->Add(split).ok());
  return reader->Poll(request).status();
}

TEST_CASE("a file that changed since the checkpoint is an error that says so") {
  TempFolder folder;
  const std::string lines = "{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n";
  CHECK(GoOn(folder, "a.json", lines, "{\"n\":1}\n").Is(errors::kFileChanged));
  CHECK(
      GoOn(folder, "a.json", lines, "{\"n\":9}\n{\"n\":2}\n{\"n\":3}\n").Is(errors::kFileChanged));
  CHECK(GoOn(folder, "a.json", lines, "").Is(errors::kFileGone));
  const std::string packed = Packed(Compression::kGzip, lines);
  CHECK(GoOn(folder, "a.json.gz", packed,
             Packed(Compression::kGzip, "{\"n\":9}\n{\"n\":2}\n{\"n\":3}\n{\"n\":4}\n"))
            .Is(errors::kFileChanged));
}

TEST_CASE("what is added to a file after the start is not read; cut-off packed files are told") {
  TempFolder folder;
  WriteFile(folder.path() + "/a.json", "{\"n\":1}\n{\"n\":");
  const PlannedSource source("{ path: a.json }", "files", NumberAndText(), "", folder.path());
  const Split split = testing::Splits(source).at(0);
  WriteFile(folder.path() + "/a.json", "{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n");
  const auto reader = source.Reader();
  REQUIRE(reader->Add(split).ok());
  const Polled polled = reader->Poll({}).value();
  CHECK(polled.batch->rows() == 1);
  REQUIRE(polled.rejected.size() == 1);
  CHECK(*polled.rejected[0].value == "{\"n\":");
  CHECK(reader->Poll({}).value().activity == SplitActivity::kFinished);

  const std::string packed = Packed(Compression::kZstd, std::string(5000, ' ') + "{\"n\":1}\n");
  WriteFile(folder.path() + "/b.json.zst", packed.substr(0, packed.size() - 5));
  const PlannedSource cut("{ path: b.json.zst }", "files", NumberAndText(), "", folder.path());
  const auto cut_reader = cut.Reader();
  REQUIRE(cut_reader->Add(testing::Splits(cut).at(0)).ok());
  CHECK(cut_reader->Poll({}).status().Is(errors::kFileCutOff));
  WriteFile(folder.path() + "/c.json.gz", "this is not gzip");
  const PlannedSource damaged("{ path: c.json.gz }", "files", NumberAndText(), "", folder.path());
  const auto damaged_reader = damaged.Reader();
  REQUIRE(damaged_reader->Add(testing::Splits(damaged).at(0)).ok());
  CHECK(damaged_reader->Poll({}).status().Is(errors::kDamagedStream));
}

TEST_CASE("a record longer than 16 MiB is an error, and memory stays bounded") {
  TempFolder folder;
  std::string text;
  const auto compressor = MakeCompressor(Compression::kGzip);
  for (int i = 0; i < 64; i++) compressor->Pack(std::string(1 << 20, 'x'), text);
  compressor->EndFrame(text);
  WriteFile(folder.path() + "/bomb.json.gz", text);
  const PlannedSource source("{ path: bomb.json.gz }", "files", NumberAndText(), "", folder.path());
  const auto reader = source.Reader();
  REQUIRE(reader->Add(testing::Splits(source).at(0)).ok());
  CHECK(reader->Poll({}).status().Is(errors::kRecordTooLong));
}

TEST_CASE("paused files are left alone") {
  TempFolder folder;
  WriteFile(folder.path() + "/a.json", "{\"n\":1}\n");
  WriteFile(folder.path() + "/b.json", "{\"n\":2}\n");
  const PlannedSource source("{ path: '*.json' }", "files", NumberAndText(), "", folder.path());
  const auto reader = source.Reader();
  for (const Split& split : testing::Splits(source)) {
    REQUIRE(reader->Add(split).ok());
  }
  const std::vector<std::string> paused = {"a.json"};
  PollRequest request;
  request.paused = &paused;
  request.wait = Duration::Millis(0);
  CHECK(reader->Poll(request).value().split == "b.json");
  CHECK(reader->Poll(request).value().activity == SplitActivity::kFinished);
  CHECK(reader->Poll(request).value().split.empty());
  CHECK(reader->Poll({}).value().split == "a.json");
}

std::vector<ColumnDeclaration> TimeAndNumber() {
  std::vector<ColumnDeclaration> columns = NumberAndText();
  columns[1].name = "t";
  columns[1].type = TypeKind::kTimestamp;
  return columns;
}

TEST_CASE("a replay keeps the pace of its column, also over files and restarts") {
  TempFolder folder;
  WriteFile(folder.path() + "/1.json",
            "{\"n\":1,\"t\":1000}\nbroken\n{\"n\":2,\"t\":1000}\n{\"n\":3,\"t\":3600000}\n");
  WriteFile(folder.path() + "/2.json",
            "{\"n\":4,\"t\":7200000}\n{\"n\":5}\n{\"n\":6,\"t\":7201000}\n");
  PlannedSource source("{ path: '*.json', replay: { column: t, speedup: 3600 } }", "files",
                       TimeAndNumber(), "", folder.path());
  CHECK(source.plan->MostTasks() == 1);
  source.clock.Advance(Duration::Seconds(5000));
  std::vector<Split> splits = testing::Splits(source);
  auto reader = source.Reader();
  const auto restart = [&] {
    if (reader) {
      const auto positions = reader->Positions();
      for (Split& split : splits) split.position = positions.at(split.id);
    }
    // Only the column that nobody wants says the time.
    reader = source.plan->MakeReader(source.context, {0}, true).value();
    for (const Split& split : splits) REQUIRE(reader->Add(split).ok());
  };
  reader.reset();
  restart();
  std::string given;
  const auto poll = [&] {
    for (int i = 0; i < 5; i++) {
      PollRequest request;
      request.wait = Duration::Millis(0);
      const Polled polled = reader->Poll(request).value();
      if (!polled.batch) continue;
      REQUIRE(polled.batch->columns().size() == 1);
      for (size_t r = 0; r < polled.batch->rows(); r++) {
        given += std::to_string(polled.batch->column(0).values<int64_t>()[r]);
      }
      for (size_t r = 0; r < polled.rejected.size(); r++) given += "!";
    }
    return given;
  };
  CHECK(poll() == "12!");
  restart();
  CHECK(poll() == "12!");
  source.clock.Advance(Duration::Micros(999721));
  CHECK(poll() == "12!");
  source.clock.Advance(Duration::Micros(2));
  CHECK(poll() == "12!3");
  restart();
  source.clock.Advance(Duration::Millis(999));
  CHECK(poll() == "12!3");
  source.clock.Advance(Duration::Millis(1));
  CHECK(poll() == "12!345");
  restart();
  source.clock.Advance(Duration::Seconds(60));
  CHECK(poll() == "12!3456");
}

TEST_CASE("a replay of unsorted rows is an error with its place") {
  TempFolder folder;
  WriteFile(folder.path() + "/1.json", "{\"n\":1,\"t\":5000}\n");
  WriteFile(folder.path() + "/2.json", "{\"n\":2,\"t\":6000}\n{\"n\":2,\"t\":5999}\n");
  PlannedSource source("{ path: '*.json', replay: { column: t, speedup: 1000 } }", "files",
                       TimeAndNumber(), "", folder.path());
  const auto reader = source.Reader();
  for (const Split& split : testing::Splits(source)) {
    REQUIRE(reader->Add(split).ok());
  }
  Status status;
  for (int i = 0; i < 20 && status.ok(); i++) {
    Result<Polled> polled = reader->Poll({});
    if (!polled.ok()) status = std::move(polled).status();
    source.clock.Advance(Duration::Seconds(1));
  }
  REQUIRE(status.Is(errors::kUnsortedReplay));
  CHECK(status.message().starts_with("file '2.json', record 1: 't' goes back from"));
}

TEST_CASE("faults of a file source are told") {
  CHECK(testing::SourceFault("{ path: x, replay: { column: q } }", "files", NumberAndText()) ==
        "no column 'q' in 'rows'; it has n int64, s string");
  CHECK(testing::SourceFault("{ path: x, replay: { column: s } }", "files", NumberAndText()) ==
        "'s' is string, and a replay goes by a timestamp or an int64 in epoch milliseconds");
  CHECK_FALSE(testing::SourceFault("{ path: x }", "files").empty());
}

TEST_CASE("a damaged position in a file is refused") {
  TempFolder folder;
  WriteFile(folder.path() + "/a.json", "{}\n");
  const PlannedSource source("{ path: a.json }", "files", NumberAndText(), "", folder.path());
  const auto reader = source.Reader();
  for (const char* position : {"", "1", "1 2", "x 2 3", "1 2 3 4", "1 2 3 4 5 6 7", "1 2 3 "}) {
    CHECK(reader->Add({"a.json", position, "3", 0}).Is(errors::kDamagedPosition));
  }
  CHECK(reader->Add({"a.json", "0 0 0", "many", 0}).Is(errors::kDamagedPosition));
}

}  // namespace
}  // namespace weir

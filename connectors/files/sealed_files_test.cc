#include "connectors/files/sealed_files.h"

#include "connectors/errors.h"
#include "connectors/files/file_list.h"
#include "tests/catch.h"

namespace weir {
namespace {

SealedFile File(const std::string& name, uint64_t length, bool closed, uint64_t tail = 0) {
  SealedFile file;
  file.folder = "a=x%2Fy/b=__HIVE_DEFAULT_PARTITION__";
  file.name = name;
  file.length = length;
  file.closed = closed;
  file.tail = tail;
  return file;
}

SealedPart Part(const std::vector<SealedFile>& files, const std::string& tails = "") {
  SealedPart part;
  part.bytes = ToText(files) + tails;
  return part;
}

TEST_CASE("what is sealed of files comes back, each with its tail") {
  SealedFile large = File("large", 11, false, 3);
  large.rows = 7;
  large.first = EventTime{-5};
  large.last = EventTime{1'700'000'000'000'000};
  large.upload = "id with spaces, and more";
  large.parts = {"\"e1\"", "\"e2\""};
  const std::vector<SealedEpoch> epochs = {
      {Epoch{4}, {Part({File("small", 5, true, 5), large}, "smallend")}}};
  const auto files = ReadSealedFiles(epochs).value();
  REQUIRE(files.size() == 2);
  CHECK(files[0].ReadTail().value() == "small");
  CHECK(files[1].ReadTail().value() == "end");
  CHECK(files[1].file.upload == large.upload);
  CHECK(files[1].file.parts == large.parts);
  CHECK(files[1].file.rows == 7);
  CHECK(files[1].file.first == large.first);
  CHECK(files[1].file.last == large.last);
  CHECK_FALSE(files[1].file.closed);
}

TEST_CASE(
    "of a file that several epochs know, the newest counts, and it is of the one that closed it") {
  const std::vector<SealedEpoch> epochs = {
      {Epoch{4}, {Part({File("f", 5, false, 2), File("open", 1, false)}, "ab")}},
      {Epoch{5}, {Part({File("f", 9, true, 1), File("open", 2, false)}, "c"), Part({})}},
  };
  // A part without files is not sealed at all; one that says nothing is damaged.
  CHECK(ReadSealedFiles(epochs).status().Is(errors::kDamagedPosition));
  const auto files = ReadSealedFiles({epochs[0], {Epoch{5}, {epochs[1].parts[0]}}}).value();
  REQUIRE(files.size() == 2);
  CHECK(files[0].file.length == 9);
  CHECK(files[0].file.closed);
  CHECK(files[0].epoch == Epoch{5});
  CHECK_FALSE(files[1].file.closed);
  CHECK(files[1].epoch == Epoch{5});
}

TEST_CASE("damaged parts are told, and lead to no other place") {
  for (const char* line : {"", "open", "shut 1 1 0 0 0 - - name a=b", "open x 1 0 0 0 - - name a=b",
                           "open 1 1 0 0 2 - - name a=b", "open 1 1 0 0 0 - - ../x a",
                           "open 1 1 0 0 0 - - name a/../../b", "open 1 1 0 0 0 - - name /etc",
                           "open 1 1 0 0 0  - n a"}) {
    SealedPart part;
    part.bytes = std::string(line) + "\n\n";
    INFO(line);
    CHECK(ReadSealedFiles({{Epoch{1}, {part}}}).status().Is(errors::kDamagedPosition));
  }
  // Tails that are too short or too long.
  for (const char* tail : {"ab", "abcd"}) {
    CHECK_FALSE(ReadSealedFiles({{Epoch{1}, {Part({File("f", 3, true, 3)}, tail)}}}).ok());
  }
}

TEST_CASE("a line of a list says what a reader of the table needs") {
  SealedFile file = File("f.json", 9, true);
  file.rows = 2;
  PublishedFile published{file, Epoch{12}, nullptr, 0};
  CHECK(FileListName("table-0123-", 3, Epoch{12}, false) == "_table-0123-3-000000000012.ndjson");
  CHECK(FileListName("table-0123-", 3, Epoch{12}, true) ==
        "_table-0123-3-000000000012-recovered.ndjson");
  CHECK(FileListLine(published, "job", "table") ==
        "{\"file\":\"a=x%2Fy/b=__HIVE_DEFAULT_PARTITION__/f.json\",\"partition\":{\"a\":\"x/y\","
        "\"b\":null},\"rows\":2,\"bytes\":9,\"min_event_time\":null,\"max_event_time\":null,"
        "\"epoch\":12,\"job\":\"job\",\"sink\":\"table\"}\n");
  published.file.first = published.file.last = EventTime{0};
  CHECK(FileListLine(published, "job", "table").find("1970-01-01T00:00:00") != std::string::npos);
}

}  // namespace
}  // namespace weir

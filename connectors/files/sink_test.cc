#include "connectors/files/sink.h"

#include <sys/resource.h>

#include <csignal>
#include <fstream>
#include <random>
#include <set>

#include <fmt/format.h>

#include "connectors/files/file_list.h"
#include "connectors/files/folder.h"
#include "connectors/harness.h"
#include "formats/errors.h"
#include "formats/json.h"

namespace weir {
namespace {

using testing::TempFolder;
namespace fs = std::filesystem;

SchemaPtr KeyAndNumber() {
  return std::make_shared<const Schema>(
      std::vector<Field>{{"k", TypeKind::kString}, {"n", TypeKind::kInt64}});
}

BatchPtr Rows(const std::vector<std::pair<const char*, int64_t>>& rows) {
  BatchBuilder builder(KeyAndNumber());
  for (const auto& [key, number] : rows) {
    if (key == nullptr) {
      builder.column(0).AppendNull();
    } else {
      builder.column(0).AppendText(key);
    }
    builder.column(1).Append(number);
  }
  return builder.Finish();
}

/// A disk that fails on demand.
class FaultyDisk final : public Disk {
 public:
  /// The next so many operations succeed, then one fails; negative: none fails.
  int operations_left = -1;
  bool full = false;

  Result<int> Create(const std::string& path) override {
    WEIR_TRY(MayFail());
    return Disk::Create(path);
  }
  Status WriteAt(int file, const std::string& path, uint64_t offset,
                 std::string_view bytes) override {
    if (full) return Status(errors::kFileWrite, "the disk of the test is full");
    WEIR_TRY(MayFail());
    return Disk::WriteAt(file, path, offset, bytes);
  }
  Status Sync(int, const std::string&) override { return MayFail(); }
  Status SyncFolder(const std::string&) override { return MayFail(); }
  Status Rename(const std::string& from, const std::string& to) override {
    WEIR_TRY(MayFail());
    return Disk::Rename(from, to);
  }

 private:
  Status MayFail() {
    if (operations_left < 0 || operations_left-- > 0) return Status::Ok();
    return Status(errors::kFileWrite, "the disk of the test failed");
  }
};

/// A files sink in a folder of its own, with writers and publishers as an engine would have them.
struct Sink {
  explicit Sink(FileSinkSpec spec = {}) {
    plan.sink = "out";
    plan.root = folder.path() + "/table";
    plan.spec = std::move(spec);
    plan.format = FindFormat("json");
    plan.input = KeyAndNumber();
    std::vector<Field> fields;
    for (size_t c = 0; c < plan.input->size(); c++) {
      const std::string& name = (*plan.input)[c].name;
      const auto& by = plan.spec.partition_by;
      if (std::find(by.begin(), by.end(), name) != by.end()) {
        plan.partition_columns.push_back(c);
      } else {
        plan.file_columns.push_back(c);
        fields.push_back((*plan.input)[c]);
      }
    }
    plan.file_schema = std::make_shared<const Schema>(std::move(fields));
    context.instance = "0123456789abcdef0123456789abcdef";
    context.clock = &clock;
  }

  std::unique_ptr<FileSinkWriter> Writer(uint32_t task = 0) {
    return std::make_unique<FileSinkWriter>(plan, context, task,
                                            MakeJsonEncoder(*plan.file_schema, {}),
                                            std::make_unique<FolderLanding>(plan.root, disk));
  }
  std::unique_ptr<FileSinkPublisher> Publisher() {
    return std::make_unique<FileSinkPublisher>(plan, context, 0,
                                               std::make_unique<FolderLanding>(plan.root, disk));
  }

  /// Files by their path below the root: those that readers see, or those that they ignore.
  std::vector<std::string> Files(bool open) const {
    std::vector<std::string> files;
    if (!fs::exists(plan.root)) return files;
    for (const auto& entry : fs::recursive_directory_iterator(plan.root)) {
      if (!entry.is_regular_file()) continue;
      const std::string name = entry.path().filename().string();
      if (entry.path().parent_path().filename() == kFileListFolder) continue;
      const bool hidden = name[0] == '_';
      REQUIRE(hidden == name.ends_with(".open"));
      if (hidden == open) files.push_back(fs::relative(entry.path(), plan.root).string());
    }
    std::sort(files.begin(), files.end());
    return files;
  }

  /// The `n` of every row that readers see, with its folder. Fails where a file is not whole.
  std::multiset<std::string> Seen() const {
    std::multiset<std::string> rows;
    for (const std::string& name : Files(false)) {
      std::ifstream in(plan.root + "/" + name, std::ios::binary);
      const std::string bytes((std::istreambuf_iterator<char>(in)), {});
      const auto decompressor = MakeDecompressor(plan.spec.compression.kind);
      std::string_view input = bytes;
      std::string text;
      REQUIRE(decompressor->Unpack(input, text, 1 << 30).ok());
      REQUIRE(input.empty());
      REQUIRE(decompressor->AtFrameEnd());
      REQUIRE_FALSE(text.empty());
      REQUIRE(text.back() == '\n');
      const std::string at = fs::path(name).parent_path().string();
      size_t begin = 0;
      for (size_t end; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1) {
        const auto row = testing::ParseRow(text.substr(begin, end - begin));
        rows.insert(at + "/" + row.at("n").dump());
      }
    }
    return rows;
  }

  TempFolder folder;
  FileSinkPlanned plan;
  ManualClock clock;
  ConnectorContext context;
  FaultyDisk disk;
};

Status Write(SinkWriter& writer, const BatchPtr& batch) {
  std::vector<Rejection> rejected;
  const Status status = writer.Write(*batch, rejected);
  REQUIRE(rejected.empty());
  return status;
}

using Seen = std::multiset<std::string>;

TEST_CASE("files appear with the checkpoint after they are done") {
  FileSinkSpec spec;
  spec.roll.every = Duration::Seconds(10);
  Sink sink(spec);
  const auto writer = sink.Writer();
  const auto publisher = sink.Publisher();
  REQUIRE(Write(*writer, Rows({{"a", 1}})).ok());
  SealedPart first = writer->Seal({1}, false).value();
  CHECK(first.rows == 1);
  REQUIRE(publisher->Publish({{{1}, {first}}}, "", false).ok());
  CHECK(sink.Files(false).empty());
  CHECK(sink.Files(true).size() == 1);
  sink.clock.Advance(Duration::Seconds(10));
  SealedPart second = writer->Seal({2}, false).value();
  CHECK(second.rows == 0);
  CHECK(sink.Seen().empty());
  REQUIRE(publisher->Publish({{{2}, {second}}}, "", false).ok());
  CHECK(sink.Seen() == Seen{"/1"});
  CHECK(sink.Files(true).empty());
  // Again, as after a lost answer.
  REQUIRE(publisher->Publish({{{2}, {second}}}, "", false).ok());
  CHECK(sink.Seen() == Seen{"/1"});
  CHECK(writer->Seal({3}, true).value().bytes.empty());
}

TEST_CASE("partition columns name folders and leave the files") {
  FileSinkSpec spec;
  spec.partition_by = {"k"};
  Sink sink(spec);
  const auto writer = sink.Writer();
  REQUIRE(Write(*writer, Rows({{"a", 1}, {nullptr, 2}, {"../x y/\xc3\xa9", 3}, {"", 4}, {"a", 5}}))
              .ok());
  const std::string name(300, 'x');
  std::vector<Rejection> rejected;
  REQUIRE(writer->Write(*Rows({{name.c_str(), 6}, {"b", 7}}), rejected).ok());
  REQUIRE(rejected.size() == 1);
  CHECK(rejected[0].record == 0);
  const SealedPart part = writer->Seal({1}, true).value();
  CHECK(part.rows == 6);
  REQUIRE(sink.Publisher()->Publish({{{1}, {part}}}, "", false).ok());
  CHECK(sink.Seen() == Seen{"k=a/1", "k=a/5", "k=__HIVE_DEFAULT_PARTITION__/2",
                            "k=..%2Fx%20y%2F%C3%A9/3", "k=/4", "k=b/7"});
}

TEST_CASE("files roll by size, and few are open at a time") {
  FileSinkSpec spec;
  spec.partition_by = {"k"};
  spec.roll.size = ByteSize{40 << 10};
  Sink sink(spec);
  const auto writer = sink.Writer();
  Seen expected;
  for (int64_t n = 0; n < 20000; n++) {
    REQUIRE(Write(*writer, Rows({{"same", n}})).ok());
    expected.insert(fmt::format("k=same/{}", n));
  }
  for (int64_t n = 0; n < 1000; n++) {
    const std::string key = std::to_string(n);
    REQUIRE(Write(*writer, Rows({{key.c_str(), n}})).ok());
    expected.insert(fmt::format("k={}/{}", n, n));
  }
  size_t handles = 0;
  for (const auto& entry : fs::directory_iterator("/proc/self/fd")) {
    std::error_code ignored;
    if (fs::read_symlink(entry.path(), ignored).string().starts_with(sink.plan.root)) handles++;
  }
  CHECK(handles <= FileSinkWriter::kMostOpen + 1);
  const SealedPart part = writer->Seal({1}, true).value();
  REQUIRE(sink.Publisher()->Publish({{{1}, {part}}}, "", false).ok());
  CHECK(sink.Seen() == expected);
  const std::vector<std::string> files = sink.Files(false);
  CHECK(std::count_if(files.begin(), files.end(),
                      [](const auto& name) { return name.starts_with("k=same/"); }) > 3);
}

TEST_CASE("a file left open by a dead writer is finished with exactly what was sealed") {
  for (const Compression compression :
       {Compression::kNone, Compression::kGzip, Compression::kZstd}) {
    FileSinkSpec spec;
    spec.compression.kind = compression;
    Sink sink(spec);
    auto writer = sink.Writer();
    REQUIRE(Write(*writer, Rows({{"a", 1}, {"b", 2}})).ok());
    const SealedPart part = writer->Seal({1}, false).value();
    REQUIRE(Write(*writer, Rows({{"c", 3}})).ok());
    REQUIRE(writer->Seal({2}, false).ok());
    const auto publisher = sink.Publisher();
    REQUIRE(publisher->Publish({{{1}, {part}}}, "", true).ok());
    CHECK(sink.Seen() == Seen{"/1", "/2"});
    // The writer was not dead after all: it goes on writing, and nobody sees it.
    REQUIRE(Write(*writer, Rows({{"d", 4}})).ok());
    REQUIRE(writer->Seal({3}, false).ok());
    CHECK(sink.Seen() == Seen{"/1", "/2"});
    REQUIRE(publisher->CleanUp().ok());
    CHECK(sink.Files(true).size() == 1);
    writer.reset();
    REQUIRE(publisher->Publish({{{1}, {part}}}, "", true).ok());
    REQUIRE(publisher->CleanUp().ok());
    CHECK(sink.Files(true).empty());
    CHECK(sink.Seen() == Seen{"/1", "/2"});
  }
}

TEST_CASE("clean-up leaves what is not this job's alone") {
  Sink sink;
  fs::create_directories(sink.plan.root);
  for (const char* name :
       {"_out-ffffffffffffffff-0-a-000000.json.open", "_other.open", "mine.json"}) {
    std::ofstream(sink.plan.root + "/" + name) << "x";
  }
  REQUIRE(Write(*sink.Writer(), Rows({{"a", 1}})).ok());
  REQUIRE(sink.Publisher()->CleanUp().ok());
  CHECK(std::distance(fs::directory_iterator(sink.plan.root), {}) == 3);
  fs::remove_all(sink.plan.root);
  CHECK(sink.Publisher()->CleanUp().ok());
}

TEST_CASE("a sealed file that is gone stops the job and says so") {
  Sink sink;
  const auto writer = sink.Writer();
  REQUIRE(Write(*writer, Rows({{"a", 1}})).ok());
  const SealedPart part = writer->Seal({1}, true).value();
  const std::string path = sink.plan.root + "/" + sink.Files(true).at(0);
  fs::resize_file(path, 3);
  CHECK(sink.Publisher()->Publish({{{1}, {part}}}, "", true).Is(errors::kSealedFileGone));
  fs::remove(path);
  CHECK(sink.Publisher()->Publish({{{1}, {part}}}, "", false).Is(errors::kSealedFileGone));
  SealedPart damaged;
  for (const char* text : {"open 5", "closed x a ", "open 5 ../a ", "open 5 a ../b", "shut 5 a "}) {
    damaged.bytes = text;
    CHECK(sink.Publisher()->Publish({{{1}, {damaged}}}, "", true).Is(errors::kDamagedPosition));
  }
}

TEST_CASE("where there is no room the checkpoint fails, and the next one has it all") {
  Sink sink;
  const auto writer = sink.Writer();
  REQUIRE(Write(*writer, Rows({{"a", 1}})).ok());
  REQUIRE(writer->Seal({1}, false).ok());
  sink.disk.full = true;
  Seen expected = {"/1"};
  for (int64_t n = 2; n < 60000; n++) {
    if (n % 100 == 2) REQUIRE(Write(*writer, Rows({{"some text that takes room", n}})).ok());
    if (n % 100 == 2) expected.insert(fmt::format("/{}", n));
  }
  CHECK(writer->Seal({2}, false).status().Is(errors::kFileWrite));
  CHECK(writer->Seal({2}, false).status().Is(errors::kFileWrite));
  sink.disk.full = false;
  const SealedPart part = writer->Seal({2}, true).value();
  CHECK(part.rows == static_cast<int64_t>(expected.size()) - 1);
  REQUIRE(sink.Publisher()->Publish({{{2}, {part}}}, "", false).ok());
  CHECK(sink.Seen() == expected);
}

TEST_CASE("a write that the system breaks off half way leaves no trace") {
  Sink sink;
  const auto writer = sink.Writer();
  REQUIRE(Write(*writer, Rows({{"a", 1}})).ok());
  REQUIRE(writer->Seal({1}, false).ok());
  // No file may grow beyond 100 bytes: the next write gets only a part of it through.
  struct rlimit before = {};
  REQUIRE(getrlimit(RLIMIT_FSIZE, &before) == 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  struct rlimit low = before;
  low.rlim_cur = 100;
  REQUIRE(setrlimit(RLIMIT_FSIZE, &low) == 0);
  REQUIRE(Write(*writer, Rows({{std::string(200, 'x').c_str(), 2}})).ok());
  const Status failed = writer->Seal({2}, false).status();
  const auto length = fs::file_size(sink.plan.root + "/" + sink.Files(true).at(0));
  REQUIRE(setrlimit(RLIMIT_FSIZE, &before) == 0);
  std::signal(SIGXFSZ, handler);
  CHECK(failed.Is(errors::kFileWrite));
  CHECK(length < 30);
  const SealedPart part = writer->Seal({2}, true).value();
  REQUIRE(sink.Publisher()->Publish({{{2}, {part}}}, "", false).ok());
  CHECK(sink.Seen() == Seen{"/1", "/2"});
}

/// What an engine keeps of the sink: the newest manifest.
struct Manifest {
  uint64_t epoch = 0;
  int64_t position = 0;  // Rows before it are counted on.
  std::vector<SealedEpoch> unpublished;
};

TEST_CASE("random schedules of writing, sealing, publishing and dying lose and double nothing") {
  const uint64_t seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  const auto below = [&](uint64_t bound) { return random() % bound; };
  int recoveries = 0;
  for (int round = 0; round < 60; round++) {
    FileSinkSpec spec;
    if (below(2) == 0) spec.partition_by = {"k"};
    spec.compression.kind = static_cast<Compression>(below(3));
    spec.roll.every = Duration::Seconds(static_cast<int64_t>(5 + below(30)));
    spec.roll.size = ByteSize{static_cast<int64_t>(200 + below(5000))};
    Sink sink(spec);
    const auto row = [&](int64_t n) {
      return (spec.partition_by.empty() ? "/" : fmt::format("k={}/", n % 3)) + std::to_string(n);
    };
    Manifest manifest;
    std::vector<std::unique_ptr<FileSinkWriter>> zombies;
    auto writer = sink.Writer();
    auto publisher = sink.Publisher();
    int64_t written = 0;
    std::vector<SealedPart> kept;
    const auto recover = [&] {
      recoveries++;
      if (below(3) == 0) {
        zombies.push_back(std::move(writer));
      } else {
        writer.reset();
      }
      // Recovery itself dies at any step, any number of times.
      for (bool done = false; !done;) {
        publisher = sink.Publisher();
        sink.disk.operations_left = below(2) == 0 ? static_cast<int>(below(12)) : -1;
        done = publisher->Publish(manifest.unpublished, "", true).ok() && publisher->CleanUp().ok();
        sink.disk.operations_left = -1;
      }
      manifest.unpublished.clear();
      written = manifest.position;
      kept.clear();
      writer = sink.Writer();
    };
    const auto checkpoint = [&](bool last) {
      sink.disk.full = !last && below(6) == 0;
      Result<SealedPart> part = writer->Seal({manifest.epoch + 1}, last);
      sink.disk.full = false;
      if (!part.ok()) return;
      if (!part->bytes.empty()) kept.push_back(std::move(*part));
      if (!last && below(4) == 0) return;  // Dropped: what it sealed goes into the next try.
      manifest.epoch++;
      manifest.position = written;
      manifest.unpublished.push_back({{manifest.epoch}, kept});
      kept.clear();
      if (!last && below(4) == 0) return;  // Not published yet.
      sink.disk.operations_left = !last && below(4) == 0 ? static_cast<int>(below(4)) : -1;
      const bool published = publisher->Publish(manifest.unpublished, "", false).ok();
      sink.disk.operations_left = -1;
      if (below(5) == 0 && !last) {
        recover();
      } else if (published) {
        // The newest manifest names its own epoch also when that is published, and no older ones.
        manifest.unpublished.erase(manifest.unpublished.begin(), manifest.unpublished.end() - 1);
      }
    };
    for (int step = 0; step < 60; step++) {
      switch (below(5)) {
        case 0:
        case 1: {
          BatchBuilder rows(KeyAndNumber());
          for (uint64_t n = below(60); n > 0; n--) {
            rows.column(0).AppendText(std::to_string(written % 3));
            rows.column(1).Append(written++);
          }
          REQUIRE(Write(*writer, rows.Finish()).ok());
          break;
        }
        case 2:
          checkpoint(false);
          break;
        case 3:
          sink.clock.Advance(Duration::Seconds(static_cast<int64_t>(below(8))));
          for (auto& zombie : zombies) {
            REQUIRE(Write(*zombie, Rows({{"0", 999999}})).ok());
            if (below(2) == 0) REQUIRE(zombie->Seal({999}, below(2) == 0).ok());
          }
          break;
        default:
          if (below(4) == 0) recover();
      }
      std::set<std::string> seen_once;
      for (const std::string& seen : sink.Seen()) {
        INFO("row " << seen << " in round " << round << " step " << step);
        REQUIRE(seen_once.insert(seen).second);
        const int64_t n = std::stoll(seen.substr(seen.rfind('/') + 1));
        REQUIRE(n < manifest.position);
      }
    }
    checkpoint(true);
    if (!manifest.unpublished.empty()) recover();
    Seen expected;
    for (int64_t n = 0; n < manifest.position; n++) expected.insert(row(n));
    REQUIRE(sink.Seen() == expected);
  }
  CHECK(recoveries > 60);
}

TEST_CASE("the folder of a files sink is looked at before anything runs") {
  TempFolder folder;
  const YamlNode options = testing::Yaml("{ path: sub/table }");
  NodeContext node;
  node.name = "table";
  node.options = &options;
  node.format = nullptr;
  node.input = KeyAndNumber();
  node.folder = folder.path();
  Diagnostics diagnostics;
  const auto plan = FindConnector("files")->PlanSink(node, diagnostics);
  REQUIRE(plan);
  ConnectorContext context;
  CHECK(plan->Check(context).ok());
  CHECK(fs::is_empty(folder.path() + "/sub/table"));
  fs::remove_all(folder.path() + "/sub");
  std::ofstream(folder.path() + "/sub") << "a file";
  CHECK(plan->Check(context).Is(errors::kFolderUnusable));
}

TEST_CASE("faults of a files sink are told") {
  const auto fault = [](const std::string& text) {
    const YamlNode options = testing::Yaml(text);
    NodeContext node;
    node.name = "table";
    node.options = &options;
    node.format = nullptr;
    node.input = KeyAndNumber();
    Diagnostics diagnostics;
    CHECK(FindConnector("files")->PlanSink(node, diagnostics) == nullptr);
    REQUIRE_FALSE(diagnostics.items().empty());
    return diagnostics.items()[0].message;
  };
  CHECK(fault("{ path: x, partition_by: [q] }") ==
        "no column 'q' in the input of 'table'; it has k string, n int64");
  CHECK(fault("{ path: x, partition_by: [k, k] }") == "'k' is there twice");
  CHECK(fault("{ path: x, partition_by: [k, 'n'] }") ==
        "every column names a folder, so nothing is left for the files");
  CHECK_FALSE(fault("{ path: x, roll: { size: 0 } }").empty());
}

}  // namespace
}  // namespace weir

#include "state/checkpoint_store.h"

#include <signal.h>

#include <fstream>

#include "state/errors.h"
#include "state/files.h"
#include "state/testing.h"

namespace weir {
namespace {

using testing::Check;
using testing::TemporaryFolder;

proto::Manifest Numbered(uint64_t number, const std::string& parent_checksum,
                         const std::vector<proto::StoredFile>& files = {}) {
  proto::Manifest manifest;
  manifest.set_number(number);
  manifest.set_parent(number - 1);
  manifest.set_parent_checksum(parent_checksum);
  manifest.set_job("j");
  proto::StoredStore* store = manifest.add_tasks()->add_stores();
  for (const proto::StoredFile& file : files) *store->add_files() = file;
  return manifest;
}

void Flip(const std::string& path, std::streamoff at) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(at);
  const char byte = static_cast<char>(file.get() ^ 1);
  file.seekp(at);
  file.put(byte);
}

TEST_CASE("a manifest is committed once, by one") {
  const TemporaryFolder folder;
  auto store = Check(CheckpointStore::Open(folder.path(), "j"));
  CHECK_FALSE(Check(store->Newest()).has_value());
  const proto::Manifest first = Numbered(1, "");
  CHECK(Check(store->CommitManifest(first)) == CommitOutcome::kCommitted);
  CHECK(Check(store->CommitManifest(first)) == CommitOutcome::kMine);
  proto::Manifest other = first;
  other.set_attempt(7);
  CHECK(Check(store->CommitManifest(other)) == CommitOutcome::kOther);
  const StoredManifest read = Check(store->ReadManifest(1));
  CHECK(read.manifest.attempt() == 0);
  CHECK(read.checksum == CheckpointStore::ChecksumOf(first));
  CHECK(store->ReadManifest(2).status().Is(errors::kNoCheckpoint));
}

TEST_CASE("the log of manifests must be whole") {
  const TemporaryFolder folder;
  auto store = Check(CheckpointStore::Open(folder.path(), "j"));
  std::string checksum;
  for (uint64_t n = 1; n <= 3; n++) {
    const proto::Manifest manifest = Numbered(n, checksum);
    (void)Check(store->CommitManifest(manifest));
    checksum = CheckpointStore::ChecksumOf(manifest);
  }
  CHECK(Check(store->Newest())->manifest.number() == 3);
  const std::string second = store->directory() + "/checkpoints/2/manifest";
  SECTION("gap") { std::filesystem::remove(second); }
  SECTION("flipped") {
    Flip(second, static_cast<std::streamoff>(std::filesystem::file_size(second) / 2));
  }
  SECTION("cut") { std::filesystem::resize_file(second, 20); }
  SECTION("empty") { std::filesystem::resize_file(second, 0); }
  SECTION("grown") { std::ofstream(second, std::ios::app) << "x"; }
  SECTION("another branch") {
    std::filesystem::remove(second);
    (void)Check(store->CommitManifest(Numbered(2, "something else")));
  }
  SECTION("swapped") {
    std::filesystem::copy_file(store->directory() + "/checkpoints/1/manifest", second,
                               std::filesystem::copy_options::overwrite_existing);
  }
  const auto newest = store->Newest();
  REQUIRE_FALSE(newest.ok());
  CHECK(newest.status().Is(errors::kManifestDamaged));
  CHECK_FALSE(Check(VerifyCheckpoints(*store, std::nullopt, true)).ok);
}

TEST_CASE("every byte of a manifest counts") {
  const TemporaryFolder folder;
  auto store = Check(CheckpointStore::Open(folder.path(), "j"));
  (void)Check(store->CommitManifest(Numbered(1, "")));
  const std::string path = store->directory() + "/checkpoints/1/manifest";
  const auto size = static_cast<std::streamoff>(std::filesystem::file_size(path));
  for (std::streamoff at = 0; at < size; at++) {
    Flip(path, at);
    REQUIRE(store->ReadManifest(1).status().Is(errors::kManifestDamaged));
    Flip(path, at);
  }
  CHECK(store->ReadManifest(1).ok());
}

TEST_CASE("files are what was put, or an error") {
  const TemporaryFolder folder;
  auto store = Check(CheckpointStore::Open(folder.path(), "j"));
  Check(files::WriteNew(errors::kLocalState, folder / "local", "some bytes"));
  const proto::StoredFile linked = Check(store->PutFile("a-1", folder / "local", "local"));
  const proto::StoredFile put = Check(store->PutBytes("a-2", "other byte", "b"));
  CHECK(Check(store->ReadFile(linked)) == "some bytes");
  CHECK(Check(store->ReadFile(put)) == "other byte");
  CHECK_FALSE(store->PutBytes("a-2", "never changed", "b").ok());
  Check(store->Fetch(put, folder / "fetched", FetchCheck::kFull));
  CHECK(Check(files::Read(errors::kLocalState, folder / "fetched", 100)) == "other byte");
  const std::string path = store->directory() + "/files/a-2";
  SECTION("flipped") { Flip(path, 3); }
  SECTION("cut") { std::filesystem::resize_file(path, 3); }
  SECTION("gone") { std::filesystem::remove(path); }
  SECTION("swapped") {
    std::filesystem::remove(path);
    std::filesystem::copy_file(store->directory() + "/files/a-1", path);
  }
  CHECK(store->ReadFile(put).status().Is(errors::kCheckpointDamaged));
  CHECK(store->Fetch(put, folder / "again", FetchCheck::kFull).Is(errors::kCheckpointDamaged));
  proto::StoredFile outside = put;
  outside.set_id("../../secret");
  CHECK(store->ReadFile(outside).status().Is(errors::kCheckpointDamaged));
}

TEST_CASE("clean-up keeps what kept manifests name") {
  const TemporaryFolder folder;
  auto store = Check(CheckpointStore::Open(folder.path(), "j"));
  std::vector<proto::StoredFile> stored;
  for (const char* id : {"f-1", "f-2", "f-3", "dropped-1"}) {
    stored.push_back(Check(store->PutBytes(id, id, id)));
  }
  const proto::Manifest first = Numbered(1, "", {stored[0], stored[1]});
  const proto::Manifest second =
      Numbered(2, CheckpointStore::ChecksumOf(first), {stored[1], stored[2]});
  (void)Check(store->CommitManifest(first));
  (void)Check(store->CommitManifest(second));
  CHECK(Check(store->CleanUp(2, {})).files == 0);
  const CleanUpReport report = Check(store->CleanUp(1, {"dropped-1", "f-3"}));
  CHECK(report.manifests == 1);
  CHECK(report.files == 2);
  CHECK(Check(store->ListFiles()) == std::vector<std::string>{"f-2", "f-3"});
  CHECK(Check(store->ListManifests()) == std::vector<uint64_t>{2});
  Check(store->Verify(2, true));
  (void)Check(store->PutBytes("orphan", "x", "x"));
  CHECK(Check(store->RemoveOrphans()).files == 1);
  CHECK(Check(store->ListFiles()).size() == 2);
  CHECK(Check(store->Newest())->manifest.number() == 2);
}

TEST_CASE("verify names each fault") {
  const TemporaryFolder folder;
  auto store = Check(CheckpointStore::Open(folder.path(), "j"));
  const auto a = Check(store->PutBytes("f-1", "first", "000001.sst"));
  const auto b = Check(store->PutBytes("f-2", "second", "000002.sst"));
  (void)Check(store->CommitManifest(Numbered(1, "", {a, b})));
  const VerifyReport whole = Check(VerifyCheckpoints(*store, std::nullopt, true));
  CHECK(whole.ok);
  CHECK(whole.text.find("all right: 1 checkpoint, 2 files, 11 B, every byte read") !=
        std::string::npos);
  Flip(store->directory() + "/files/f-1", 0);
  std::filesystem::remove(store->directory() + "/files/f-2");
  const VerifyReport shallow = Check(VerifyCheckpoints(*store, std::nullopt, false));
  CHECK(shallow.text.find("f-1") == std::string::npos);
  const VerifyReport deep = Check(VerifyCheckpoints(*store, 1, true));
  CHECK_FALSE(deep.ok);
  CHECK(deep.text.find("f-1 (000001.sst) does not hold the bytes that were written") !=
        std::string::npos);
  CHECK(deep.text.find("f-2 (000002.sst) is missing") != std::string::npos);
  CHECK(VerifyCheckpoints(*store, 9, true).status().Is(errors::kNoCheckpoint));
}

TEST_CASE("publishing is remembered and never goes back") {
  const TemporaryFolder folder;
  auto store = Check(CheckpointStore::Open(folder.path(), "j"));
  CHECK(Check(store->ReadPublishing("out/x")) == Epoch{0});
  Check(store->WritePublishing("out/x", {5}));
  Check(store->WritePublishing("out/x", {4}));
  CHECK(Check(store->ReadPublishing("out/x")) == Epoch{5});
  std::ofstream(store->directory() + "/publishing/out%2fx") << "nonsense";
  CHECK(store->ReadPublishing("out/x").status().Is(errors::kCheckpointDamaged));
}

TEST_CASE("names of jobs are no paths") {
  const TemporaryFolder folder;
  for (const char* name : {"", "..", "a/b", ".hidden", "a b"}) {
    CHECK(CheckpointStore::Open(folder.path(), name).status().Is(errors::kBadStoreName));
  }
}

#ifdef WEIR_FAILPOINTS
using testing::HiddenFolder;
using testing::RunHidden;

TEST_CASE("hidden: commit the second manifest until it is known", "[.]") {
  auto store = Check(CheckpointStore::Open(HiddenFolder(), "j"));
  const proto::Manifest second = Numbered(2, CheckpointStore::ChecksumOf(Numbered(1, "")));
  const auto outcome = store->CommitManifest(second);
  REQUIRE_FALSE(outcome.ok());
  CHECK(outcome.status().Is(errors::kStoreUnavailable));
  CHECK(outcome.status().cure() == "make room on the disk");
  // The disk has room again: the same commit finds out how things stand.
  CHECK(Check(store->CommitManifest(second)) != CommitOutcome::kOther);
}

TEST_CASE("a commit that is killed or fails anywhere is there whole or not at all") {
  for (const std::string point : {"before_sync", "after_sync", "before_link", "after_link"}) {
    for (const std::string action : {"kill", "error"}) {
      INFO(point << "=" << action);
      const TemporaryFolder folder;
      auto store = Check(CheckpointStore::Open(folder.path(), "j"));
      const proto::Manifest first = Numbered(1, "");
      (void)Check(store->CommitManifest(first));
      CHECK(RunHidden("hidden: commit the second manifest until it is known",
                      "state.manifest." + point + "=" + action,
                      folder.path()) == (action == "kill" ? -SIGKILL : 0));
      const uint64_t newest = Check(store->Newest())->manifest.number();
      CHECK(newest == (action == "error" || point == "after_link" ? 2 : 1));
      (void)Check(store->RemoveOrphans());
      const proto::Manifest second = Numbered(2, CheckpointStore::ChecksumOf(first));
      CHECK(Check(store->CommitManifest(second)) ==
            (newest == 2 ? CommitOutcome::kMine : CommitOutcome::kCommitted));
      CHECK(Check(files::List(errors::kLocalState, store->directory() + "/checkpoints/2")) ==
            std::vector<std::string>{"manifest"});
    }
  }
}

TEST_CASE("hidden: clean up all but the newest", "[.]") {
  auto store = Check(CheckpointStore::Open(HiddenFolder(), "j"));
  (void)Check(store->CleanUp(1, {}));
}

TEST_CASE("a clean-up that is killed leaves every manifest's files") {
  for (const std::string point : {"before_manifest", "before_file"}) {
    INFO(point);
    const TemporaryFolder folder;
    auto store = Check(CheckpointStore::Open(folder.path(), "j"));
    const auto a = Check(store->PutBytes("f-1", "a", "a"));
    const auto b = Check(store->PutBytes("f-2", "b", "b"));
    const proto::Manifest first = Numbered(1, "", {a, b});
    (void)Check(store->CommitManifest(first));
    (void)Check(store->CommitManifest(Numbered(2, CheckpointStore::ChecksumOf(first), {b})));
    CHECK(RunHidden("hidden: clean up all but the newest", "state.cleanup." + point + "=kill",
                    folder.path()) == -SIGKILL);
    for (const uint64_t number : Check(store->ListManifests())) Check(store->Verify(number, true));
    (void)Check(store->CleanUp(1, {}));
    (void)Check(store->RemoveOrphans());
    CHECK(Check(store->ListFiles()) == std::vector<std::string>{"f-2"});
  }
}
#endif

}  // namespace
}  // namespace weir

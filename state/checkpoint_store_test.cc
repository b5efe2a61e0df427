#include "state/checkpoint_store.h"

#include <signal.h>

#include <fstream>

#include "state/errors.h"
#include "state/files.h"
#include "state/testing.h"
#include "state/testing/store_place.h"

namespace weir {
namespace {

using testing::Check;
using testing::StorePlace;
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

TEST_CASE("a manifest is committed once, by one") {
  StorePlace place(GENERATE(false, true));
  auto store = place.Open();
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
  StorePlace place(GENERATE(false, true));
  auto store = place.Open();
  std::string checksum;
  for (uint64_t n = 1; n <= 3; n++) {
    const proto::Manifest manifest = Numbered(n, checksum);
    (void)Check(store->CommitManifest(manifest));
    checksum = CheckpointStore::ChecksumOf(manifest);
  }
  CHECK(Check(store->Newest())->manifest.number() == 3);
  const std::string second = "checkpoints/2/manifest";
  SECTION("gap") { place.Remove(second); }
  SECTION("flipped") { place.Flip(second, place.Read(second).size() / 2); }
  SECTION("cut") { place.Cut(second, 20); }
  SECTION("empty") { place.Cut(second, 0); }
  SECTION("grown") { place.Write(second, place.Read(second) + "x"); }
  SECTION("another branch") {
    place.Remove(second);
    (void)Check(store->CommitManifest(Numbered(2, "something else")));
  }
  SECTION("swapped") { place.Write(second, place.Read("checkpoints/1/manifest")); }
  const auto newest = store->Newest();
  REQUIRE_FALSE(newest.ok());
  CHECK(newest.status().Is(errors::kManifestDamaged));
  CHECK_FALSE(Check(VerifyCheckpoints(*store, std::nullopt, true)).ok());
}

/// A manifest of attempt `attempt`.
proto::Manifest Of(uint64_t attempt, proto::Manifest manifest) {
  manifest.set_attempt(attempt);
  return manifest;
}

TEST_CASE("a number that others have used and cleaned up is not free") {
  StorePlace place(GENERATE(false, true));
  auto slept = place.Open();
  const uint64_t taken = GENERATE(1, 2, 3);
  std::string checksum;
  std::string before;
  for (uint64_t n = 1; n <= 8; n++) {
    auto other = place.Open();
    const proto::Manifest manifest = Of(n < taken ? 1 : 2, Numbered(n, checksum));
    (void)Check((n < taken ? slept : other)->CommitManifest(manifest));
    if (n == taken) before = checksum;
    checksum = CheckpointStore::ChecksumOf(manifest);
    (void)Check(other->CleanUp(2, {}));
  }
  const proto::Manifest late = Of(1, Numbered(taken, before));
  CHECK(Check(slept->CommitManifest(late)) == CommitOutcome::kOther);
  CHECK(Check(slept->ListManifests()) == std::vector<uint64_t>{7, 8});
  // Killed before it took it back.
  const std::string name = "checkpoints/" + std::to_string(taken) + "/manifest";
  if (!place.in_s3()) {
    std::filesystem::create_directories(place.local() + "/checkpoints/" + std::to_string(taken));
  }
  place.Write(name, CheckpointStore::EncodeManifest(late));
  auto next = place.Open();
  CHECK(Check(next->Newest())->manifest.number() == 8);
  CHECK(Check(next->CleanUp(2, {})).manifests == 1);
  CHECK(Check(next->ListManifests()) == std::vector<uint64_t>{7, 8});
}

TEST_CASE("every byte of a manifest counts") {
  StorePlace place(GENERATE(false, true));
  auto store = place.Open();
  (void)Check(store->CommitManifest(Numbered(1, "")));
  const std::string name = "checkpoints/1/manifest";
  const size_t size = place.Read(name).size();
  for (size_t at = 0; at < size; at++) {
    place.Flip(name, at);
    REQUIRE(store->ReadManifest(1).status().Is(errors::kManifestDamaged));
    place.Flip(name, at);
  }
  CHECK(store->ReadManifest(1).ok());
}

TEST_CASE("files are what was put, or an error") {
  StorePlace place(GENERATE(false, true));
  auto store = place.Open();
  Check(files::WriteNew(errors::kLocalState, place / "local", "some bytes"));
  const proto::StoredFile linked = Check(store->PutFile("a-1", place / "local", "local"));
  const proto::StoredFile put = Check(store->PutBytes("a-2", "other byte", "b"));
  CHECK(Check(store->ReadFile(linked)) == "some bytes");
  CHECK(Check(store->ReadFile(put)) == "other byte");
  if (!place.in_s3()) CHECK_FALSE(store->PutBytes("a-2", "never changed", "b").ok());
  Check(store->Fetch(put, place / "fetched", FetchCheck::kFull));
  CHECK(Check(files::Read(errors::kLocalState, place / "fetched", 100)) == "other byte");
  SECTION("flipped") { place.Flip("files/a-2", 3); }
  SECTION("cut") { place.Cut("files/a-2", 3); }
  SECTION("gone") { place.Remove("files/a-2"); }
  SECTION("swapped") { place.Write("files/a-2", place.Read("files/a-1")); }
  SECTION("grown") { place.Write("files/a-2", place.Read("files/a-2") + "x"); }
  place.ForgetLocal();
  store = place.Open();
  CHECK(store->ReadFile(put).status().Is(errors::kCheckpointDamaged));
  CHECK(store->Fetch(put, place / "again", FetchCheck::kFull).Is(errors::kCheckpointDamaged));
  proto::StoredFile outside = put;
  outside.set_id("../../secret");
  CHECK(store->ReadFile(outside).status().Is(errors::kCheckpointDamaged));
}

TEST_CASE("clean-up keeps what kept manifests name") {
  StorePlace place(GENERATE(false, true));
  auto store = place.Open();
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
  // As of 2020, in the bucket.
  CHECK(Check(store->RemoveOrphans()).files == 1);
  CHECK(Check(store->ListFiles()).size() == 2);
  CHECK(Check(store->Newest())->manifest.number() == 2);
}

TEST_CASE("verify names each fault") {
  StorePlace place(GENERATE(false, true));
  auto store = place.Open();
  const auto a = Check(store->PutBytes("f-1", "first", "000001.sst"));
  const auto b = Check(store->PutBytes("f-2", "second", "000002.sst"));
  (void)Check(store->CommitManifest(Numbered(1, "", {a, b})));
  const VerifyReport whole = Check(VerifyCheckpoints(*store, std::nullopt, true));
  CHECK(whole.ok());
  CHECK(whole.deep);
  CHECK(whole.checkpoints.size() == 1);
  CHECK(whole.files == 2);
  CHECK(whole.bytes == 11);
  place.Flip("files/f-1", 0);
  place.Remove("files/f-2");
  const VerifyReport shallow = Check(VerifyCheckpoints(*store, std::nullopt, false));
  REQUIRE(shallow.checkpoints[0].faults.size() == 1);
  CHECK(shallow.checkpoints[0].faults[0].find("f-2 (000002.sst) is missing") != std::string::npos);
  const VerifyReport deep = Check(VerifyCheckpoints(*store, 1, true));
  CHECK_FALSE(deep.ok());
  REQUIRE(deep.checkpoints[0].faults.size() == 2);
  CHECK(deep.checkpoints[0].faults[0].find(
            "f-1 (000001.sst) does not hold the bytes that were written") != std::string::npos);
  const auto given_up = [] { return Status(errors::kStoreUnavailable, "enough"); };
  CHECK(VerifyCheckpoints(*store, 1, true, given_up).status().message() == "enough");
  CHECK(VerifyCheckpoints(*store, 9, true).status().Is(errors::kNoCheckpoint));
}

TEST_CASE("of two schemas of one name the first one stays, until the job is forgotten") {
  StorePlace place(GENERATE(false, true));
  const auto store = place.Open();
  CHECK_FALSE(Check(store->ReadSchema("a-1")));
  REQUIRE(store->KeepSchema("a-1", "one").ok());
  REQUIRE(store->KeepSchema("a-1", "two").ok());
  CHECK(Check(place.Open()->ReadSchema("a-1")) == "one");
  REQUIRE(store->RemoveAll().ok());
  CHECK_FALSE(Check(store->ReadSchema("a-1")));
}

TEST_CASE("publishing is remembered and never goes back") {
  StorePlace place(GENERATE(false, true));
  auto store = place.Open();
  CHECK(Check(store->ReadPublishing("out/x")) == Epoch{0});
  Check(store->WritePublishing("out/x", {5}));
  Check(store->WritePublishing("out/x", {4}));
  CHECK(Check(store->ReadPublishing("out/x")) == Epoch{5});
  CHECK(Check(place.Open()->ReadPublishing("out/x")) == Epoch{5});
  place.Write("publishing/out%2fx", "nonsense");
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
      CHECK(Check(files::List(errors::kLocalState, store->location() + "/checkpoints/2")) ==
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

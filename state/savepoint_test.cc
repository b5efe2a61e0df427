#include <signal.h>

#include <fstream>

#include "state/checkpoint_store.h"
#include "state/errors.h"
#include "state/store_identity.h"
#include "state/testing.h"
#include "state/testing/store_place.h"

namespace weir {
namespace {

using testing::Check;
using testing::StorePlace;
using testing::TemporaryFolder;

proto::Manifest Numbered(uint64_t number, const proto::Manifest* parent,
                         const std::vector<proto::StoredFile>& files = {}) {
  proto::Manifest manifest;
  manifest.set_number(number);
  manifest.set_job("j");
  if (parent != nullptr) {
    manifest.set_parent(parent->number());
    manifest.set_parent_checksum(CheckpointStore::ChecksumOf(*parent));
  }
  proto::StoredStore* store = manifest.add_tasks()->add_stores();
  for (const proto::StoredFile& file : files) *store->add_files() = file;
  return manifest;
}

/// Commits checkpoints 1 to `last`; each names a file of its own, `f-<n>`, and `f-shared`.
void CommitUpTo(CheckpointStore& store, uint64_t last) {
  const proto::StoredFile shared = Check(store.PutBytes("f-shared", "of all", "000001.sst"));
  std::optional<proto::Manifest> before;
  for (uint64_t n = 1; n <= last; n++) {
    const std::string id = "f-" + std::to_string(n);
    const proto::StoredFile own = Check(store.PutBytes(id, "bytes of " + id, "000002.sst"));
    proto::Manifest manifest = Numbered(n, before ? &*before : nullptr, {shared, own});
    (void)Check(store.CommitManifest(manifest));
    before = std::move(manifest);
  }
}

std::unique_ptr<CheckpointStore> OpenAt(const StorePlace& place, const std::string& address) {
  StoreLocation folder = place.location();
  folder.url = address;
  return Check(CheckpointStore::OpenSavepoint(folder, place.local(), StoreUse::kRead));
}

VerifyReport Verified(const CheckpointStore& savepoint) {
  VerifyReport report;
  report.deep = true;
  Check(VerifySavepoint(savepoint, nullptr, report));
  return report;
}

TEST_CASE("a savepoint is complete and outlives its checkpoint") {
  StorePlace place(GENERATE(false, true));
  auto store = place.Open();
  CommitUpTo(*store, 4);
  store->Pin(2);
  // What is pinned is left, and all that goes on from it.
  CHECK(Check(store->CleanUp(1, {})).manifests == 1);
  CHECK(Check(store->ListManifests()) == std::vector<uint64_t>{2, 3, 4});
  const std::string location = Check(store->CopyToSavepoint(2));
  CHECK(location == store->SavepointLocation(2));
  store->Unpin(2);
  CHECK(Check(store->CleanUp(1, {})).manifests == 2);
  (void)Check(store->RemoveOrphans());
  CHECK(Check(store->ListManifests()) == std::vector<uint64_t>{4});
  CHECK(Check(store->ListSavepoints()) == std::vector<uint64_t>{2});
  CHECK_FALSE(place.Has("files/f-2"));
  auto savepoint = OpenAt(place, location);
  CHECK(Check(savepoint->SavepointManifest()).manifest.number() == 2);
  const VerifyReport whole = Verified(*savepoint);
  CHECK(whole.ok());
  CHECK(whole.files == 2);
  // --fresh forgets the checkpoints only.
  Check(store->RemoveAll());
  CHECK(Verified(*savepoint).ok());
  place.Flip("savepoints/2/files/f-2", 3);
  const VerifyReport damaged = Verified(*savepoint);
  REQUIRE(damaged.checkpoints.size() == 1);
  REQUIRE(damaged.checkpoints[0].faults.size() == 1);
  CHECK(damaged.checkpoints[0].faults[0].find("f-2 (000002.sst) does not hold") !=
        std::string::npos);
  Check(store->RemoveSavepoint(2));
  CHECK(Check(store->ListSavepoints()).empty());
  CHECK_FALSE(place.Has("savepoints/2/files/f-shared"));
  CHECK(store->RemoveSavepoint(2).Is(errors::kNoCheckpoint));
  CHECK(savepoint->SavepointManifest().status().Is(errors::kNoCheckpoint));
}

TEST_CASE("a savepoint is copied once, and not over that of another branch") {
  StorePlace place(GENERATE(false, true));
  auto store = place.Open();
  CommitUpTo(*store, 2);
  (void)Check(store->CopyToSavepoint(2));
  (void)Check(store->CopyToSavepoint(2));
  Check(store->LayAside(2));
  proto::Manifest other = Numbered(2, nullptr);
  other.set_parent(1);
  other.set_attempt(9);
  (void)Check(store->CommitManifest(other));
  CHECK(store->CopyToSavepoint(2).status().Is(errors::kSavepointTaken));
  CHECK(Verified(*OpenAt(place, store->SavepointLocation(2))).ok());
}

TEST_CASE("what a store takes over has names of its own and was looked at") {
  StorePlace place(GENERATE(false, true));
  auto store = place.Open();
  CommitUpTo(*store, 2);
  auto savepoint = OpenAt(place, Check(store->CopyToSavepoint(2)));
  const TemporaryFolder folder;
  auto other = Check(CheckpointStore::Open(folder / "elsewhere", "k"));
  for (CheckpointStore* to : {store.get(), other.get()}) {
    proto::Manifest manifest = Check(savepoint->SavepointManifest()).manifest;
    // Two tasks that were one name the same file.
    *manifest.add_tasks()->add_stores()->add_files() = manifest.tasks(0).stores(0).files(0);
    Check(to->TakeFiles(*savepoint, manifest));
    const auto& files = manifest.tasks(0).stores(0).files();
    REQUIRE(files.size() == 2);
    CHECK(Check(to->ReadFile(files[0])) == "of all");
    CHECK(Check(to->ReadFile(files[1])) == "bytes of f-2");
    CHECK(files[0].id() != "f-shared");
    CHECK(files[0].id() != files[1].id());
    CHECK(manifest.tasks(1).stores(0).files(0).id() == files[0].id());
  }
  place.Flip("savepoints/2/files/f-2", 0);
  place.ForgetLocal();
  auto looked = OpenAt(place, store->SavepointLocation(2));
  proto::Manifest manifest = Check(looked->SavepointManifest()).manifest;
  CHECK(other->TakeFiles(*looked, manifest).Is(errors::kCheckpointDamaged));
}

TEST_CASE("a log may begin at any number, and only once") {
  StorePlace place(GENERATE(false, true));
  auto store = place.Open();
  const proto::Manifest first = Numbered(7, nullptr);
  CHECK(Check(store->CommitManifest(first)) == CommitOutcome::kCommitted);
  CHECK(Check(store->CommitManifest(first)) == CommitOutcome::kMine);
  CHECK(Check(store->CommitManifest(Numbered(3, nullptr))) == CommitOutcome::kOther);
  CHECK(Check(store->CommitManifest(Numbered(12, nullptr))) == CommitOutcome::kOther);
  CHECK(Check(store->CommitManifest(Numbered(8, &first))) == CommitOutcome::kCommitted);
  CHECK(Check(store->Newest())->manifest.number() == 8);
}

TEST_CASE("what a copy that was cut off has left is removed") {
  StorePlace place(GENERATE(false, true));
  auto store = place.Open();
  CommitUpTo(*store, 1);
  (void)Check(store->CopyToSavepoint(1));
  // As of 2020, in the bucket.
  if (place.in_s3()) {
    place.Write("savepoints/5/files/f-1", "x");
  } else {
    std::filesystem::create_directories(place.local() + "/savepoints/.tmp-5/files");
    place.Write("savepoints/.tmp-5/files/f-1", "x");
    place.Write("savepoints/.tmp-5/manifest", "x");
  }
  CHECK(Check(store->ListSavepoints()) == std::vector<uint64_t>{1});
  (void)Check(store->RemoveOrphans());
  CHECK_FALSE(place.Has("savepoints/5/files/f-1"));
  CHECK_FALSE(place.Has("savepoints/.tmp-5"));
  CHECK(Verified(*OpenAt(place, store->SavepointLocation(1))).ok());
}

TEST_CASE("a place of checkpoints has one id, whoever asks first") {
  StorePlace one(GENERATE(false, true));
  const StorePlace other(one.in_s3());
  const std::string id = Check(IdentifyStore(one.location()));
  CHECK(id.size() == 32);
  CHECK(Check(IdentifyStore(one.location())) == id);
  CHECK(Check(IdentifyStore(other.location())) != id);
  if (one.in_s3()) {
    one.service().Set("some/prefix/.weir-store", "what is this?");
  } else {
    std::ofstream(one.location().path() + "/.weir-store") << "what is this?";
  }
  CHECK(IdentifyStore(one.location()).status().Is(errors::kStoreIdentity));
}

#ifdef WEIR_FAILPOINTS
using testing::HiddenFolder;
using testing::RunHidden;

TEST_CASE("hidden: copy the first checkpoint to a savepoint", "[.]") {
  auto store = Check(CheckpointStore::Open(HiddenFolder(), "j"));
  (void)store->CopyToSavepoint(1);
}

TEST_CASE("a copy that is killed or fails anywhere is no savepoint") {
  for (const std::string point : {"file", "before_record"}) {
    for (const std::string action : {"kill", "error"}) {
      INFO(point << "=" << action);
      const TemporaryFolder folder;
      auto store = Check(CheckpointStore::Open(folder.path(), "j"));
      CommitUpTo(*store, 1);
      CHECK(RunHidden("hidden: copy the first checkpoint to a savepoint",
                      "state.savepoint." + point + "=" + action,
                      folder.path()) == (action == "kill" ? -SIGKILL : 0));
      CHECK(Check(store->ListSavepoints()).empty());
      (void)Check(store->RemoveOrphans());
      CHECK(Check(files::List(errors::kLocalState, store->location() + "/savepoints")).empty());
      Check(store->Verify(1, true));
      CHECK(Check(store->CopyToSavepoint(1)) == store->SavepointLocation(1));
    }
  }
}
#endif

}  // namespace
}  // namespace weir

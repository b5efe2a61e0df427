#include "state/s3_blobs.h"

#include <thread>

#include "clients/errors.h"
#include "state/checkpoint_store.h"
#include "state/errors.h"
#include "state/spool.h"
#include "state/testing.h"
#include "state/testing/store_place.h"

namespace weir {
namespace {

using testing::Check;
using testing::FakeS3;
using testing::StorePlace;
using Counts = std::map<std::string, int>;

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

/// Fails the next `times` requests of an operation.
void FailNext(FakeS3& service, const std::string& operation, int times, FakeS3::Fault fault) {
  service.fault = [=, left = times](const std::string& asked, const std::string&) mutable {
    return asked == operation && left-- > 0 ? std::optional(fault) : std::nullopt;
  };
}

TEST_CASE("a service that overwrites what must be new is refused") {
  StorePlace place(/*in_s3=*/true);
  SECTION("it does not know the condition") { place.service().ignores_if_none_match = true; }
  SECTION("it says that it does not") {
    FailNext(place.service(), "PUT", 1000, {501, "NotImplemented"});
  }
  const auto opened = place.TryOpen();
  REQUIRE_FALSE(opened.ok());
  CHECK(opened.status().Is(errors::kStoreNotExclusive));
  CHECK(opened.status().message().find("s3://bucket/some/prefix/j/probe") != std::string::npos);
}

TEST_CASE("to open a store costs one request, the first time two") {
  StorePlace place(/*in_s3=*/true);
  (void)place.Open();
  CHECK(place.service().TakeCounts() == Counts{{"PUT", 2}});
  (void)place.Open();
  CHECK(place.service().TakeCounts() == Counts{{"PUT", 1}});
  // Whoever only looks writes nothing, and makes no folder.
  const auto looked =
      Check(CheckpointStore::Open(place.location(), "k", place / "other", StoreUse::kLook));
  CHECK(Check(looked->ListManifests()).empty());
  CHECK(place.service().TakeCounts() == Counts{{"LIST", 1}});
  CHECK_FALSE(std::filesystem::exists(place / "other"));
}

TEST_CASE("a checkpoint costs a request for each new file, and few more") {
  StorePlace place(/*in_s3=*/true);
  auto store = place.Open();
  CHECK_FALSE(Check(store->Newest()).has_value());
  std::string checksum;
  std::vector<proto::StoredFile> kept;
  int next = 0;
  for (uint64_t number = 1; number <= 12; number++) {
    place.service().TakeCounts();
    const int new_files = static_cast<int>(number * 7 % 5);
    for (int i = 0; i < new_files; i++) {
      const std::string id = "f-" + std::to_string(next++);
      kept.push_back(Check(store->PutBytes(id, "bytes of " + id, id)));
    }
    // A try that was dropped before.
    Check(store->RemoveFile("dropped-" + std::to_string(number)));
    if (kept.size() > 4) kept.erase(kept.begin(), kept.end() - 4);
    const proto::Manifest manifest = Numbered(number, checksum, kept);
    checksum = CheckpointStore::ChecksumOf(manifest);
    CHECK(Check(store->CommitManifest(manifest)) == CommitOutcome::kCommitted);
    CHECK(Check(store->IsNewest(number)));
    Check(store->WritePublishing("files sink", {number}));
    const CleanUpReport cleaned = Check(store->CleanUp(3, {}));
    CHECK(cleaned.manifests == (number > 3 ? 1 : 0));
    Counts counts = place.service().TakeCounts();
    // Manifest and publishing; one look behind the manifest, two before a publishing; an old
    // manifest and old files.
    CHECK(counts["PUT"] == new_files + 2);
    CHECK(counts["HEAD"] == (number == 1 ? 2 : 3));
    CHECK(counts["DELETE"] + counts["DELETES"] <= 2);
    CHECK(counts["LIST"] == (number == 1 ? 1 : 0));
    CHECK(counts["GET"] == (number == 1 ? 1 : 0));  // What was published before.
  }
  Check(store->Verify(12, true));
  CHECK(Check(store->ListManifests()) == std::vector<uint64_t>{10, 11, 12});
  std::set<std::string> named;
  for (const uint64_t number : {10, 11, 12}) {
    for (std::string& id : FilesOf(Check(store->ReadManifest(number)).manifest)) {
      named.insert(std::move(id));
    }
  }
  const std::vector<std::string> there = Check(store->ListFiles());
  CHECK(std::set<std::string>(there.begin(), there.end()) == named);
  // A store that goes on from there needs not ask for more than it reads anyway.
  auto next_store = place.Open();
  REQUIRE(Check(next_store->Newest()).has_value());
  place.service().TakeCounts();
  CHECK(Check(next_store->CleanUp(2, {})).manifests == 1);
  CHECK(place.service().TakeCounts()["LIST"] == 0);
}

TEST_CASE("the outcome of a manifest is known, or asked for again") {
  StorePlace place(/*in_s3=*/true);
  auto store = place.Open();
  const proto::Manifest first = Numbered(1, "");
  SECTION("written, and the answer lost") {
    FailNext(place.service(), "PUT", 1, {500, "InternalError", /*done_all_the_same=*/true});
    CHECK(Check(store->CommitManifest(first)) == CommitOutcome::kMine);
  }
  SECTION("somebody else is writing it just now") {
    FailNext(place.service(), "PUT", 2, {409, "ConditionalRequestConflict"});
    CHECK(Check(store->CommitManifest(first)) == CommitOutcome::kCommitted);
  }
  SECTION("somebody else has written it") {
    proto::Manifest other = first;
    other.set_attempt(7);
    FailNext(place.service(), "PUT", 1, {409, "ConditionalRequestConflict"});
    place.Write("checkpoints/1/manifest", CheckpointStore::EncodeManifest(other));
    CHECK(Check(store->CommitManifest(first)) == CommitOutcome::kOther);
  }
  SECTION("the service is away, after it has taken it") {
    FailNext(place.service(), "PUT", 1000, {503, "SlowDown", /*done_all_the_same=*/true});
    const auto outcome = store->CommitManifest(first);
    REQUIRE_FALSE(outcome.ok());
    CHECK(outcome.status().kind() == ErrorKind::kRetry);
    place.service().fault = nullptr;
    CHECK(Check(store->CommitManifest(first)) == CommitOutcome::kMine);
  }
  SECTION("it cannot be read back") {
    place.Write("checkpoints/1/manifest", CheckpointStore::EncodeManifest(first));
    FailNext(place.service(), "GET", 1000, {503, "SlowDown"});
    CHECK(store->CommitManifest(first).status().kind() == ErrorKind::kRetry);
    place.service().fault = nullptr;
    CHECK(Check(store->CommitManifest(first)) == CommitOutcome::kMine);
  }
}

TEST_CASE("what was uploaded from here is not fetched") {
  StorePlace place(/*in_s3=*/true);
  auto store = place.Open();
  Check(files::WriteNew(errors::kLocalState, place / "000001.sst", "some bytes"));
  const auto linked = Check(store->PutFile("f-1", place / "000001.sst", "000001.sst"));
  const auto grown = Check(store->PutBytes("f-2", "other bytes", "outbox"));
  const std::string cached = place.local() + "/cache/f-1";
  CHECK(std::filesystem::hard_link_count(place / "000001.sst") == 2);
  place.service().TakeCounts();
  SECTION("found") {
    Check(store->Fetch(linked, place / "again", FetchCheck::kSize));
    Check(store->Fetch(grown, place / "again-2", FetchCheck::kFull));
    CHECK(place.service().TakeCounts().empty());
  }
  SECTION("of another size") {
    std::filesystem::remove(cached);
    std::ofstream(cached) << "some";
    Check(store->Fetch(linked, place / "again", FetchCheck::kSize));
    CHECK(place.service().TakeCounts() == Counts{{"GET", 1}});
  }
  SECTION("with other bytes") {
    std::filesystem::remove(cached);
    std::ofstream(cached) << "same bytes";
    Check(store->Fetch(linked, place / "again", FetchCheck::kFull));
    CHECK(place.service().TakeCounts() == Counts{{"GET", 1}});
    Check(store->Fetch(linked, place / "again-2", FetchCheck::kFull));
    CHECK(place.service().TakeCounts().empty());
  }
  SECTION("on another machine") {
    place.ForgetLocal();
    store = place.Open();
    Check(store->Fetch(linked, place / "again", FetchCheck::kSize, /*copy=*/true));
    Check(store->Fetch(linked, place / "again-2", FetchCheck::kSize));
    CHECK(place.service().TakeCounts() == Counts{{"PUT", 1}, {"GET", 1}});
  }
  SECTION("a connection that breaks") {
    place.ForgetLocal();
    store = place.Open();
    FailNext(place.service(), "GET", 1, {200, "", false, false, /*cut=*/true});
    Check(store->Fetch(linked, place / "again", FetchCheck::kFull));
  }
  if (std::filesystem::exists(place / "again")) {
    CHECK(Check(files::Read(errors::kLocalState, place / "again", 100)) == "some bytes");
  }
  for (const auto& entry : std::filesystem::directory_iterator(place.local() + "/cache")) {
    CHECK(entry.path().string().find(".part-") == std::string::npos);
  }
}

TEST_CASE("the local folder holds what the newest checkpoint names, and no more") {
  StorePlace place(/*in_s3=*/true);
  auto store = place.Open();
  const auto cached = [&] {
    return Check(files::List(errors::kLocalState, place.local() + "/cache"));
  };
  const auto a = Check(store->PutBytes("a", "a", "a"));
  const auto b = Check(store->PutBytes("b", "b", "b"));
  const proto::Manifest first = Numbered(1, "", {a, b});
  (void)Check(store->CommitManifest(first));
  const auto c = Check(store->PutBytes("c", "c", "c"));
  (void)Check(store->CommitManifest(Numbered(2, CheckpointStore::ChecksumOf(first), {b, c})));
  (void)Check(store->PutBytes("d", "of a try under way", "d"));
  (void)Check(store->CleanUp(5, {}));
  CHECK(cached() == std::vector<std::string>{"b", "c", "d"});
  Check(store->RemoveFile("d"));
  CHECK(cached() == std::vector<std::string>{"b", "c"});
  std::ofstream(place.local() + "/cache/stranger") << "x";
  std::ofstream(place.local() + "/cache/b.part-1") << "x";
  std::ofstream(place.local() + "/growing/outbox-1") << "x";
  store = place.Open();
  (void)Check(store->RemoveOrphans());
  CHECK(cached() == std::vector<std::string>{"b", "c"});
  CHECK(std::filesystem::is_empty(place.local() + "/growing"));
}

TEST_CASE("files of tries that may be under way elsewhere are no orphans") {
  StorePlace place(/*in_s3=*/true);
  auto store = place.Open();
  const auto named = Check(store->PutBytes("named", "x", "x"));
  (void)Check(store->PutBytes("nobodys", "x", "x"));
  (void)Check(store->CommitManifest(Numbered(1, "", {named})));
  place.service().changed = "2100-01-02T03:04:05.000Z";
  CHECK(Check(store->RemoveOrphans()).files == 0);
  place.service().changed = "2020-01-02T03:04:05.000Z";
  CHECK(Check(store->RemoveOrphans()).files == 1);
  CHECK(Check(store->ListFiles()) == std::vector<std::string>{"named"});
  // In a directory that others see too it is the same.
  const testing::TemporaryFolder shared;
  auto in_common = Check(
      CheckpointStore::Open(StoreLocation::Directory(shared.path()), "j", place / "elsewhere/j"));
  (void)Check(in_common->PutBytes("young", "x", "x"));
  CHECK(Check(in_common->RemoveOrphans()).files == 0);
}

TEST_CASE("removals wait until the service takes them") {
  StorePlace place(/*in_s3=*/true);
  auto store = place.Open();
  for (const char* id : {"a", "b", "c"}) (void)Check(store->PutBytes(id, id, id));
  (void)Check(store->CommitManifest(Numbered(1, "")));
  place.service().TakeCounts();
  FailNext(place.service(), "DELETES", 1000, {503, "SlowDown"});
  for (const char* id : {"a", "b"}) Check(store->RemoveFile(id));
  CHECK(place.service().TakeCounts().empty());
  CHECK(store->CleanUp(1, {}).status().kind() == ErrorKind::kRetry);
  place.service().fault = nullptr;
  (void)Check(store->CleanUp(1, {"c"}));
  CHECK(Check(store->ListFiles()).empty());
}

TEST_CASE("an outbox that could not be uploaded is uploaded later") {
  StorePlace place(/*in_s3=*/true);
  auto store = place.Open();
  Spool spool(store.get());
  std::string all;
  while (all.size() < 1'000'000) {
    const std::string piece(50'000, static_cast<char>('a' + all.size() % 26));
    Check(spool.Append(piece));
    all += piece;
  }
  REQUIRE_FALSE(spool.in_memory());
  CHECK(Check(store->ListFiles()).empty());
  FailNext(place.service(), "PUT", 1000, {503, "SlowDown"});
  CHECK(spool.Finish().status().Is(errors::kServiceBusy));
  place.service().fault = nullptr;
  const proto::StoredFile stored = Check(spool.Finish());
  CHECK(Check(store->ReadFile(stored)) == all);
  std::string back(all.size(), '\0');
  CHECK(Check(spool.Read(0, back)) == all.size());
  CHECK(back == all);
  (void)Check(store->CommitManifest(Numbered(1, "", {stored})));
  (void)Check(store->CleanUp(1, {}));
  CHECK(Check(store->ListFiles()) == std::vector<std::string>{stored.id()});
}

TEST_CASE(
    "a manifest that is laid aside is out of the log and not lost, and a job can be forgotten") {
  StorePlace place(GENERATE(false, true));
  auto store = place.Open();
  const auto file = Check(store->PutBytes("f", "x", "x"));
  const proto::Manifest first = Numbered(1, "", {file});
  (void)Check(store->CommitManifest(first));
  (void)Check(store->CommitManifest(Numbered(2, CheckpointStore::ChecksumOf(first), {file})));
  CHECK_FALSE(Check(store->IsNewest(1)));
  CHECK(Check(store->IsNewest(2)));
  CHECK_FALSE(Check(store->IsNewest(5)));  // Gone: another process has cleaned up behind itself.
  Check(store->LayAside(2));
  CHECK(Check(store->Newest())->manifest.number() == 1);
  CHECK(Check(store->IsNewest(1)));
  (void)Check(store->CommitManifest(Numbered(2, CheckpointStore::ChecksumOf(first))));
  Check(store->WritePublishing("s", {2}));
  Check(store->RemoveAll());
  CHECK_FALSE(Check(store->Newest()).has_value());
  CHECK(Check(store->ListFiles()).empty());
  CHECK(Check(store->ReadPublishing("s")) == Epoch{0});
  CHECK(Check(store->IsNewest(0)));
  (void)Check(store->CommitManifest(first));
}

TEST_CASE("calls to a service that hangs end when nobody wants them any more") {
  StorePlace place(/*in_s3=*/true);
  auto store = place.Open();
  FailNext(place.service(), "PUT", 1000, {0, "", false, /*hang=*/true});
  std::thread other([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    store->Cancel();
  });
  CHECK(store->PutBytes("a", "a", "a").status().Is(errors::kCallCancelled));
  other.join();
}

}  // namespace
}  // namespace weir

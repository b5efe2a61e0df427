#include "state/spool.h"

#include <filesystem>

#include "state/errors.h"
#include "state/testing.h"
#include "state/testing/store_place.h"

namespace weir {
namespace {

using testing::Check;
using testing::StorePlace;
using testing::TemporaryFolder;

/// Appends pieces of many sizes until the spool is larger than `least`; gives all of them.
std::string Fill(Spool& spool, size_t least) {
  std::string all;
  for (size_t i = 1; all.size() <= least; i++) {
    const std::string piece(i * 7919 % 70'000, static_cast<char>('a' + i % 26));
    REQUIRE(spool.Append(piece).ok());
    all += piece;
    CHECK(spool.size() == all.size());
  }
  return all;
}

std::string ReadAll(const Spool& spool, size_t piece_bytes) {
  std::string all;
  std::string piece(piece_bytes, '\0');
  while (const size_t got = Check(spool.Read(all.size(), piece))) all.append(piece, 0, got);
  return all;
}

/// A store whose folder for files is away, for a while.
struct StoreAway {
  StoreAway() { std::filesystem::remove(files); }
  void ComesBack() const { std::filesystem::create_directory(files); }

  const TemporaryFolder folder;
  const std::unique_ptr<CheckpointStore> store = Check(CheckpointStore::Open(folder.path(), "j"));
  const std::string files = store->location() + "/files";
};

}  // namespace

TEST_CASE("a small spool stays in memory") {
  StorePlace place(GENERATE(false, true));
  auto store = place.Open();
  Spool spool(store.get());
  const std::string all = Fill(spool, 1000);
  REQUIRE(spool.in_memory());
  CHECK(spool.TakeBytes() == all);
  CHECK(spool.size() == 0);
  CHECK(Check(store->ListFiles()).empty());
}

TEST_CASE("a large spool is a file of the store, and is read back as it was written") {
  StorePlace place(GENERATE(false, true));
  auto store = place.Open();
  proto::StoredFile stored;
  std::string all;
  {
    Spool spool(store.get());
    all = Fill(spool, 3'000'000);
    REQUIRE_FALSE(spool.in_memory());
    stored = Check(spool.Finish());
    CHECK(Check(spool.Finish()).id() == stored.id());
    CHECK(ReadAll(spool, 100'000) == all);
  }
  CHECK(stored.size() == all.size());
  CHECK(stored.sha256() == files::Sha256(all));
  CHECK(Check(store->ReadFile(stored)) == all);
  CHECK(ReadAll(*Check(Spool::Open(*store, stored)), 4096) == all);
  place.Cut("files/" + stored.id(), all.size() - 1);
  place.ForgetLocal();
  store = place.Open();
  CHECK(Spool::Open(*store, stored).status().Is(errors::kCheckpointDamaged));
}

TEST_CASE("a spool that was never finished leaves no file") {
  StorePlace place(GENERATE(false, true));
  auto store = place.Open();
  {
    Spool spool(store.get());
    Fill(spool, 1'000'000);
    CHECK(Check(store->ListFiles()).size() == (place.in_s3() ? 0 : 1));
  }
  if (place.in_s3()) CHECK(std::filesystem::is_empty(place.local() + "/growing"));
  CHECK(Check(store->ListFiles()).empty());
}

TEST_CASE("a spool makes do with memory while the store is away, and then is a file all the same") {
  const StoreAway away;
  Spool spool(away.store.get());
  std::string all = Fill(spool, 2'000'000);
  CHECK(spool.Finish().status().Is(errors::kStoreUnavailable));
  away.ComesBack();
  CHECK(Check(away.store->ReadFile(Check(spool.Finish()))) == all);
}

TEST_CASE("a spool takes only so much while the store is away, and loses nothing of it") {
  const StoreAway away;
  Spool spool(away.store.get());
  const std::string piece(1 << 20, 'x');
  Status status;
  while (status.ok() && spool.size() < size_t{1} << 30) status = spool.Append(piece);
  CHECK(status.Is(errors::kStoreUnavailable));
  const uint64_t taken = spool.size();
  away.ComesBack();
  CHECK(Check(spool.Finish()).size() == taken);
}

TEST_CASE("a spool whose sync failed is written anew") {
  const TemporaryFolder folder;
  auto store = Check(CheckpointStore::Open(folder.path(), "j"));
  const std::string files = store->location() + "/files";
  Spool spool(store.get());
  const std::string all = Fill(spool, 1'000'000);
  const std::string begun = Check(store->ListFiles()).at(0);
  std::filesystem::rename(files,
                          files + "-away");  // The file is open; its folder cannot be synced.
  CHECK_FALSE(spool.Finish().ok());
  std::filesystem::rename(files + "-away", files);
  const proto::StoredFile stored = Check(spool.Finish());
  CHECK(stored.id() != begun);
  CHECK(Check(store->ReadFile(stored)) == all);
  CHECK(Check(store->ListFiles()) == std::vector<std::string>{stored.id()});
}

}  // namespace weir

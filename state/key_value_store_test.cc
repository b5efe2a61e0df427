#include "state/key_value_store.h"

#include <unistd.h>

#include <fstream>

#include "state/errors.h"
#include "state/files.h"
#include "state/testing.h"

namespace weir {
namespace {

using testing::Check;
using testing::TemporaryFolder;

std::string ReadAll(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

TEST_CASE("what was written to a key-value store is there when it is opened again") {
  const TemporaryFolder folder;
  {
    const auto store = Check(KeyValueStore::Open(folder / "store"));
    const std::vector<KeyValueStore::Change> some = {
        {"a/1", "one"}, {"a/2", std::string("t\0o", 3)}, {"b", ""}};
    Check(store->Write(some));
    const std::vector<KeyValueStore::Change> less = {{"a/1", std::nullopt}, {"a/3", "three"}};
    Check(store->Write(less));
    CHECK(KeyValueStore::Open(folder / "store").status().Is(errors::kStateLocked));
  }
  const auto store = Check(KeyValueStore::Open(folder / "store"));
  CHECK(Check(store->Scan("a/")) ==
        std::vector<KeyValueStore::Entry>{{"a/2", std::string("t\0o", 3)}, {"a/3", "three"}});
  CHECK(Check(store->Get("b")) == std::optional<std::string>(""));
  CHECK_FALSE(Check(store->Get("a/1")).has_value());
}

TEST_CASE("hidden: a store is written and the process killed", "[.]") {
  const auto store = Check(KeyValueStore::Open(testing::HiddenFolder() + "/store"));
  for (int i = 0; i < 100; i++) {
    const std::vector<KeyValueStore::Change> change = {{"key", std::to_string(i)}};
    Check(store->Write(change));
  }
  ::kill(::getpid(), SIGKILL);
}

TEST_CASE("what a key-value store has answered outlives a kill") {
  const TemporaryFolder folder;
  CHECK(testing::RunHidden("hidden: a store is written and the process killed", "",
                           folder.path()) == -SIGKILL);
  const auto store = Check(KeyValueStore::Open(folder / "store"));
  CHECK(Check(store->Get("key")) == "99");
}

TEST_CASE("a key-value store comes back from a backup, and not from a damaged one") {
  const TemporaryFolder folder;
  const std::string backup = folder / "backup";
  {
    const auto store = Check(KeyValueStore::Open(folder / "store"));
    const std::vector<KeyValueStore::Change> some = {{"a", "one"}, {"b", std::string(3000, 'x')}};
    Check(store->Write(some));
    Check(files::Replace(errors::kStoreUnavailable, backup, Check(store->Backup())));
    const std::vector<KeyValueStore::Change> later = {{"a", "two"}};
    Check(store->Write(later));
  }
  CHECK(KeyValueStore::Restore(backup, folder / "store").Is(errors::kStateLocked));
  Check(KeyValueStore::Restore(backup, folder / "new"));
  {
    const auto store = Check(KeyValueStore::Open(folder / "new"));
    CHECK(Check(store->Scan("")).size() == 2);
    CHECK(Check(store->Get("a")) == "one");
  }
  const std::string bytes = ReadAll(backup);
  for (size_t at = 0; at < bytes.size(); at += 7) {
    std::string damaged = bytes;
    damaged[at] = static_cast<char>(damaged[at] ^ 1);
    std::ofstream(backup, std::ios::binary) << damaged;
    REQUIRE(KeyValueStore::Restore(backup, folder / "other").Is(errors::kJobFactsDamaged));
  }
  std::ofstream(backup, std::ios::binary) << bytes.substr(0, 20);
  CHECK(KeyValueStore::Restore(backup, folder / "other").Is(errors::kJobFactsDamaged));
  CHECK_FALSE(std::filesystem::exists(folder / "other"));
}

}  // namespace
}  // namespace weir

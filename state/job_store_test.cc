#include "state/job_store.h"

#include <unistd.h>

#include <fstream>

#include "state/errors.h"
#include "state/testing.h"

namespace weir {
namespace {

using testing::Check;
using testing::TemporaryFolder;

TEST_CASE("a job's facts outlive the process") {
  const TemporaryFolder folder;
  std::string instance;
  {
    auto store = Check(JobStore::Open(folder.path(), "clicks"));
    instance = store->facts().instance;
    CHECK(instance.size() == 32);
    CHECK(Check(store->BeginAttempt()) == 1);
    CHECK(Check(store->BeginAttempt()) == 2);
    Check(store->RaiseLane("out put", 3));
    Check(store->RaiseLane("out put", 1));
    Check(store->RaiseLane("b", 0));
  }
  auto store = Check(JobStore::Open(folder.path(), "clicks"));
  CHECK(store->facts().instance == instance);
  CHECK(store->facts().attempt == 2);
  CHECK(store->facts().highest_lane == std::map<std::string, uint32_t>{{"b", 0}, {"out put", 3}});
  Check(store->RaiseAttempt(9));
  CHECK(Check(store->BeginAttempt()) == 10);
  Check(store->BeginInstance());
  CHECK(store->facts().instance != instance);
  CHECK(store->facts().highest_lane.empty());
}

TEST_CASE("a state directory has one process and one job") {
  const TemporaryFolder folder;
  auto store = Check(JobStore::Open(folder.path(), "clicks"));
  const auto second = JobStore::Open(folder.path(), "clicks");
  REQUIRE(second.status().Is(errors::kStateLocked));
  CHECK(second.status().message().find("pid " + std::to_string(::getpid())) != std::string::npos);
  store.reset();
  CHECK(JobStore::Open(folder.path(), "stocks").status().Is(errors::kJobFactsDamaged));
  CHECK(JobStore::Open(folder.path(), "clicks").ok());
}

TEST_CASE("damaged facts are refused") {
  const TemporaryFolder folder;
  {
    (void)Check(JobStore::Open(folder.path(), "clicks"));
  }
  const std::string path = folder / "job";
  std::string bytes;
  {
    std::ifstream file(path, std::ios::binary);
    bytes.assign(std::istreambuf_iterator<char>(file), {});
  }
  for (size_t at = 0; at < bytes.size(); at++) {
    std::string damaged = bytes;
    damaged[at] = static_cast<char>(damaged[at] ^ 1);
    std::ofstream(path, std::ios::binary) << damaged;
    REQUIRE(JobStore::Open(folder.path(), "clicks").status().Is(errors::kJobFactsDamaged));
  }
  std::ofstream(path, std::ios::binary) << bytes.substr(0, bytes.size() / 2);
  CHECK(JobStore::Open(folder.path(), "clicks").status().Is(errors::kJobFactsDamaged));
}

}  // namespace
}  // namespace weir

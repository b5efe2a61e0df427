#include "state/task_state.h"

#include <fstream>
#include <map>
#include <set>

#include "state/errors.h"
#include "state/evicted_filter.h"
#include "state/testing.h"
#include "state/testing/store_place.h"
#include "state/testing/table_task.h"

namespace weir {
namespace {

using testing::Check;
using testing::kText;
using testing::PlainLayout;
using testing::StorePlace;
using testing::TableModel;
using testing::TableTask;
using testing::TemporaryFolder;
using testing::TextLayout;

std::string KeyName(std::mt19937_64& random, int keys) {
  const auto n = random() % static_cast<uint64_t>(keys);
  std::string key = "k" + std::to_string(n);
  // Some keys are longer than any pooled block, some have bytes that look like framing.
  if (n % 31 == 3) key += std::string(3000, 'x');
  if (n % 17 == 5) key += std::string("\0\xff\x01", 3);
  if (n == 0) key.clear();
  return key;
}

/// A set of tasks that share the slots, with the model of what they hold together.
class Cluster {
 public:
  Cluster(uint64_t seed, size_t budget)
      : random_(seed),
        budget_(budget),
        store_(Check(CheckpointStore::Open(folder_ / "store", "j"))) {
    Start(1, {});
  }

  TableTask& Of(const std::string& key) {
    const KeySlot slot = SlotOfHash(HashBytes(key));
    return *tasks_[OwnerOf(slot, static_cast<uint32_t>(tasks_.size()))];
  }

  void Operate() {
    const std::string key = KeyName(random_, 150);
    const auto time = static_cast<int64_t>(random_() % 40) * 10;
    const std::string value(1 + random_() % 40, static_cast<char>('a' + random_() % 26));
    switch (random_() % 12) {
      case 0:
      case 1:
      case 2: {
        const int64_t end = model_.dropped + 10 + time / 10;
        Of(key).PutSlice(end, key, value);
        model_.slices[{end, key}] += value;
        Of(key).counter->Add(SlotOfHash(HashBytes(key)), 1);
        model_.counts["held"]++;
        break;
      }
      case 3:
      case 4:
      case 5:
        Of(key).PutKey(key, time, value);
        model_.keys[{key, time}] += value;
        break;
      case 6:
      case 7:
        Check(Of(key).keys->Erase(key, HashBytes(key), {time}));
        model_.keys.erase({key, time});
        break;
      case 8: {
        std::vector<KeyTable::Found> found;
        Check(Of(key).keys->FindBetween(key, HashBytes(key), {time}, {time + 100}, found));
        auto at = model_.keys.lower_bound({key, time});
        for (const KeyTable::Found& entry : found) {
          REQUIRE(at != model_.keys.end());
          REQUIRE(at->first == std::pair(key, entry.time.us));
          REQUIRE(at->second == TextLayout::Text(entry.row));
          TextLayout::Text(entry.row) += "+";
          Of(key).keys->Touch(entry);
          at->second += "+";
          ++at;
        }
        REQUIRE(
            (at == model_.keys.end() || at->first.first != key || at->first.second > time + 100));
        break;
      }
      case 9:
      case 10:
        Check(Of(key).timers->Set({clock_ + time}, key, HashBytes(key)));
        model_.timers.insert({clock_ + time, key});
        break;
      default:
        if (random_() % 20 == 0) {
          clock_ += static_cast<int64_t>(random_() % 100);
          FireTimers(clock_);
        }
        if (random_() % 60 == 0) {
          model_.dropped += 10;
          for (auto& task : tasks_) Check(task->slices->DropSlices({model_.dropped}));
          std::erase_if(model_.slices,
                        [&](const auto& entry) { return entry.first.first <= model_.dropped; });
        }
    }
    if (random_() % 8 == 0) {
      for (auto& task : tasks_) Check(task->state->Relieve());
    }
  }

  void FireTimers(int64_t up_to) {
    for (auto& task : tasks_) {
      std::pair<int64_t, std::string> last = {INT64_MIN, ""};
      Check(task->timers->TakeDue({up_to}, [&](EventTime time, std::string_view key) {
        const std::pair<int64_t, std::string> timer = {time.us, std::string(key)};
        REQUIRE(last <= timer);
        last = timer;
        INFO("timer " << time.us << " of " << key);
        REQUIRE(model_.timers.erase(timer) == 1);
        return Status::Ok();
      }));
    }
    REQUIRE((model_.timers.empty() || model_.timers.begin()->first > up_to));
  }

  /// Seals, works on while the snapshot is written, and completes it or drops it.
  void Checkpoint(bool commit, int meanwhile) {
    std::vector<SealedState> sealed;
    const TableModel at_barrier = model_;
    const int64_t clock = clock_;
    for (auto& task : tasks_) sealed.push_back(task->state->Seal());
    for (int i = 0; i < meanwhile / 2; i++) Operate();
    std::vector<TaskSnapshot> snapshots;
    for (size_t i = 0; i < tasks_.size(); i++) {
      snapshots.push_back(Check(tasks_[i]->state->Write(std::move(sealed[i]))));
    }
    for (int i = 0; i < meanwhile / 2; i++) Operate();
    for (auto& task : tasks_) task->state->Completed(commit);
    if (!commit) return;
    proto::Manifest manifest;
    manifest.set_number(++number_);
    manifest.set_parent(number_ - 1);
    manifest.set_parent_checksum(checksum_);
    for (const TaskSnapshot& snapshot : snapshots) *manifest.add_tasks() = snapshot.checkpoint;
    REQUIRE(Check(store_->CommitManifest(manifest)) == CommitOutcome::kCommitted);
    checksum_ = CheckpointStore::ChecksumOf(manifest);
    Check(store_->CleanUp(2, {}));
    Check(store_->Verify(number_, /*deep=*/true));
    committed_ = at_barrier;
    committed_clock_ = clock;
  }

  /// A crash: what was not committed is gone. The tasks come back, as many as `parallelism`.
  void Restart(uint32_t parallelism) {
    tasks_.clear();
    std::optional<StoredManifest> newest = Check(store_->Newest());
    std::vector<const proto::TaskCheckpoint*> tasks;
    if (newest) {
      for (const proto::TaskCheckpoint& task : newest->manifest.tasks()) tasks.push_back(&task);
    }
    model_ = committed_;
    clock_ = committed_clock_;
    Start(parallelism, tasks);
  }

  void Compare() {
    TableModel read;
    for (auto& task : tasks_) {
      task->ReadInto(read);
      read.counts["held"] += task->counter->Sum();
    }
    REQUIRE(read.slices == model_.slices);
    REQUIRE(read.keys == model_.keys);
    REQUIRE(read.counts["held"] == model_.counts["held"]);
  }

  std::mt19937_64& random() { return random_; }
  size_t tasks() const { return tasks_.size(); }
  uint64_t Evicted() const {
    uint64_t evicted = 0;
    for (const auto& task : tasks_) evicted += task->state->stats().evicted;
    return evicted;
  }
  uint64_t Stores() const {
    uint64_t most = 0;
    for (const auto& task : tasks_) most = std::max(most, task->state->stats().stores);
    return most;
  }

 private:
  void Start(uint32_t parallelism, const std::vector<const proto::TaskCheckpoint*>& old) {
    for (uint32_t i = 0; i < parallelism; i++) {
      const SlotRange slots = SlotsOf(i, parallelism);
      tasks_.push_back(std::make_unique<TableTask>(*store_, folder_ / ("task-" + std::to_string(i)),
                                                   slots, budget_, RestoredFor(old, slots)));
    }
  }

  TemporaryFolder folder_;
  std::mt19937_64 random_;
  const size_t budget_;
  std::unique_ptr<CheckpointStore> store_;
  std::vector<std::unique_ptr<TableTask>> tasks_;
  TableModel model_;
  TableModel committed_;
  int64_t clock_ = 0;
  int64_t committed_clock_ = 0;
  uint64_t number_ = 0;
  std::string checksum_;
};

TEST_CASE("state is a map through random work, dropped checkpoints and crashes") {
  const uint64_t seed = testing::TestSeed();
  INFO("WEIR_TEST_SEED=" << seed);
  // In plenty of memory, and in so little that nearly everything is evicted all the time.
  for (const size_t budget : {size_t{64} << 20, size_t{30000}}) {
    INFO("budget " << budget);
    Cluster cluster(seed, budget);
    uint64_t evicted = 0;
    for (int round = 0; round < 12; round++) {
      for (int i = 0; i < 300; i++) cluster.Operate();
      cluster.Checkpoint(/*commit=*/cluster.random()() % 4 != 0, /*meanwhile=*/100);
      if (round % 4 == 0) cluster.Compare();
      evicted += cluster.Evicted();
      if (cluster.random()() % 4 == 0) {
        cluster.Restart(1);
        cluster.Compare();
      }
    }
    cluster.Compare();
    cluster.FireTimers(INT64_MAX);
    CHECK((evicted > 0) == (budget < 1000000));
  }
}

TEST_CASE("state is a map through random splits and merges") {
  const uint64_t seed = testing::TestSeed();
  INFO("WEIR_TEST_SEED=" << seed);
  uint64_t most_stores = 0;
  for (const size_t budget : {size_t{64} << 20, size_t{20000}}) {
    INFO("budget " << budget);
    Cluster cluster(seed, budget);
    for (int round = 0; round < 10; round++) {
      for (int i = 0; i < 200; i++) cluster.Operate();
      const auto checkpoints = cluster.random()() % 3;
      for (uint64_t i = 0; i < checkpoints; i++) {
        cluster.Checkpoint(/*commit=*/cluster.random()() % 5 != 0, /*meanwhile=*/30);
      }
      cluster.Restart(1 + static_cast<uint32_t>(cluster.random()() % 5));
      most_stores = std::max(most_stores, cluster.Stores());
      cluster.Compare();
    }
    cluster.FireTimers(INT64_MAX);
  }
  // Some task has gone on from several stores side by side.
  CHECK(most_stores > 2);
}

TEST_CASE("merged stores are moved into the task's own until it stands alone") {
  StorePlace folder(GENERATE(false, true));
  auto store = folder.Open();
  std::vector<proto::TaskCheckpoint> parts;
  for (uint32_t i = 0; i < 2; i++) {
    TableTask task(*store, folder / ("a" + std::to_string(i)), SlotsOf(i, 2), 1 << 20, {});
    for (int n = 0; n < 500; n++) {
      const std::string key = "k" + std::to_string(n);
      if (task.state->range().Contains(SlotOfHash(HashBytes(key)))) task.PutKey(key, n, "v");
    }
    parts.push_back(Check(task.Checkpoint()).checkpoint);
  }
  TableTask merged(*store, folder / "b", {0, kKeySlots}, 1 << 20,
                   RestoredFor({&parts[0], &parts[1]}, {0, kKeySlots}));
  CHECK(merged.state->stats().stores == 3);
  int checkpoints = 0;
  while (merged.state->stats().stores > 1 && checkpoints < 100) {
    const TaskSnapshot snapshot = Check(merged.Checkpoint());
    checkpoints++;
    // Any of these checkpoints is whole.
    TableTask again(*store, folder / "c", {0, kKeySlots}, 1 << 20,
                    RestoredFor({&snapshot.checkpoint}, {0, kKeySlots}));
    TableModel model;
    again.ReadInto(model);
    REQUIRE(model.keys.size() == 500);
  }
  CHECK(merged.state->stats().stores == 1);
  CHECK(checkpoints > 3);
}

TEST_CASE("a checkpoint without changes brings no file to the store") {
  const TemporaryFolder folder;
  auto store = Check(CheckpointStore::Open(folder / "store", "j"));
  TableTask task(*store, folder / "a", {0, kKeySlots}, 64 << 20, {});
  CHECK(Check(task.Checkpoint()).uploaded.size() == 1);
  CHECK(Check(task.Checkpoint()).uploaded.empty());
  task.PutKey("k", 1, "v");
  CHECK(Check(task.Checkpoint()).uploaded.size() == 2);
  CHECK(Check(task.Checkpoint()).uploaded.empty());
}

TEST_CASE("a table that was never restored or evicted is not looked up on the disk") {
  const TemporaryFolder folder;
  auto store = Check(CheckpointStore::Open(folder / "store", "j"));
  TableTask task(*store, folder / "a", {0, kKeySlots}, 64 << 20, {});
  for (int n = 0; n < 1000; n++) {
    task.PutSlice(10, "k" + std::to_string(n), "v");
    task.PutKey("k" + std::to_string(n), n, "v");
    if (n % 300 == 0) (void)Check(task.Checkpoint());
  }
  CHECK(task.state->stats().read_back == 0);
}

TEST_CASE("new keys are told from evicted ones in memory") {
  EvictedFilter filter;
  CHECK(filter.empty());
  constexpr uint64_t kKeys = 200'000;
  const auto hash = [](uint64_t n) { return HashBytes("key" + std::to_string(n)); };
  for (uint64_t n = 0; n < kKeys; n++) filter.Add(hash(n));
  uint64_t wrong = 0;
  for (uint64_t n = 0; n < kKeys; n++) {
    REQUIRE(filter.MayHold(hash(n)));
    wrong += filter.MayHold(hash(kKeys + n)) ? 1 : 0;
  }
  CHECK(wrong < kKeys / 25);
  CHECK(filter.MemoryBytes() < kKeys * 8);
}

TEST_CASE("entries in flight stay in memory, others go") {
  const TemporaryFolder folder;
  auto store = Check(CheckpointStore::Open(folder / "store", "j"));
  TableTask task(*store, folder / "a", {0, kKeySlots}, 100000, {});
  for (int n = 0; n < 2000; n++) task.PutSlice(10, "k" + std::to_string(n), "v");
  SealedState sealed = task.state->Seal();
  for (int i = 0; i < 3; i++) Check(task.state->Relieve());
  CHECK(task.state->stats().evicted == 0);
  CHECK(task.state->MustWait());
  (void)Check(task.state->Write(std::move(sealed)));
  task.state->Completed(true);
  CHECK_FALSE(task.state->MustWait());
  Check(task.state->Relieve());
  CHECK(task.state->stats().evicted > 500);
  CHECK(task.state->stats().memory_bytes < 100000);
  // Read back and written again.
  for (int n = 0; n < 2000; n++) task.PutSlice(10, "k" + std::to_string(n), "w");
  TableModel model;
  task.ReadInto(model);
  CHECK(model.slices.size() == 2000);
  for (const auto& [key, value] : model.slices) REQUIRE(value == "vw");
  CHECK(task.state->stats().read_back > 0);
}

TEST_CASE("what changed after a barrier is not shadowed by what was sealed at it") {
  const TemporaryFolder folder;
  auto store = Check(CheckpointStore::Open(folder / "store", "j"));
  TableTask task(*store, folder / "a", {0, kKeySlots}, 2000, {});
  for (int n = 0; n < 200; n++) task.PutSlice(10, "k" + std::to_string(n), "old");
  for (int n = 0; n < 200; n++) task.PutKey("k" + std::to_string(n), 1, "old");
  SealedState sealed = task.state->Seal();
  for (int n = 0; n < 200; n++) task.PutSlice(10, "k" + std::to_string(n), ",new");
  for (int n = 0; n < 200; n++) task.PutKey("k" + std::to_string(n), 1, ",new");
  for (int i = 0; i < 3; i++) Check(task.state->Relieve());
  (void)Check(task.state->Write(std::move(sealed)));
  task.state->Completed(true);
  for (int i = 0; i < 3; i++) Check(task.state->Relieve());
  CHECK(task.state->stats().evicted > 300);
  TableModel model;
  task.ReadInto(model);
  REQUIRE(model.slices.size() == 200);
  REQUIRE(model.keys.size() == 200);
  for (const auto& [key, value] : model.slices) REQUIRE(value == "old,new");
  for (const auto& [key, value] : model.keys) REQUIRE(value == "old,new");
}

TEST_CASE("a checkpoint uploads only what its parent does not name") {
  const TemporaryFolder folder;
  auto store = Check(CheckpointStore::Open(folder / "store", "j"));
  TableTask task(*store, folder / "a", {0, kKeySlots}, 64 << 20, {});
  const std::string value(1000, 'v');
  for (int n = 0; n < 2000; n++) task.PutKey("k" + std::to_string(n) + value, n, "");
  const TaskSnapshot first = Check(task.Checkpoint());
  task.PutKey("one", 1, "v");
  const TaskSnapshot second = Check(task.Checkpoint());
  CHECK(second.changed_entries == 1);
  CHECK(second.uploaded_bytes < 10000);
  // One that was dropped is not named: its files go up again under other names.
  task.PutKey("two", 1, "v");
  const TaskSnapshot dropped = Check(task.state->Write(task.state->Seal()));
  task.state->Completed(false);
  const TaskSnapshot third = Check(task.Checkpoint());
  CHECK(third.changed_entries == 1);
  for (const proto::StoredFile& file : third.checkpoint.stores(0).files()) {
    for (const std::string& id : dropped.uploaded) CHECK(file.id() != id);
  }
}

TEST_CASE("a restore never opens what was left in the live folder") {
  const TemporaryFolder folder;
  auto store = Check(CheckpointStore::Open(folder / "store", "j"));
  proto::TaskCheckpoint checkpoint;
  {
    TableTask task(*store, folder / "a", {0, kKeySlots}, 20000, {});
    task.PutKey("kept", 1, "v");
    checkpoint = Check(task.Checkpoint()).checkpoint;
    // Evicted to the live folder, and in no checkpoint.
    for (int n = 0; n < 2000; n++) task.PutKey("lost" + std::to_string(n), 1, "v");
    Check(task.state->Relieve());
    REQUIRE(task.state->stats().evicted > 0);
  }
  TableTask task(*store, folder / "a", {0, kKeySlots}, 20000,
                 RestoredFor({&checkpoint}, {0, kKeySlots}));
  TableModel model;
  task.ReadInto(model);
  CHECK(model.keys.size() == 1);
}

TEST_CASE("dropped slices do not come back") {
  const TemporaryFolder folder;
  auto store = Check(CheckpointStore::Open(folder / "store", "j"));
  proto::TaskCheckpoint checkpoint;
  {
    TableTask task(*store, folder / "a", {0, kKeySlots}, 1 << 20, {});
    for (int n = 0; n < 100; n++) {
      task.PutSlice(10, "k" + std::to_string(n), "v");
      task.PutSlice(20, "k" + std::to_string(n), "v");
    }
    (void)Check(task.Checkpoint());
    Check(task.slices->DropSlices({10}));
    task.state->ClosedUpTo("window").RaiseTo({10});
    checkpoint = Check(task.Checkpoint()).checkpoint;
  }
  TableTask task(*store, folder / "a", {0, kKeySlots}, 1 << 20,
                 RestoredFor({&checkpoint}, {0, kKeySlots}));
  CHECK(task.slices->Slices() == std::vector<EventTime>{{20}});
  CHECK(task.state->ClosedUpTo("window").least() == EventTime{10});
  CHECK(task.state->ClosedUpTo("other").least() == EventTime::Min());
  TableModel model;
  task.ReadInto(model);
  CHECK(model.slices.size() == 100);
}

TEST_CASE("a table of another kind or a newer form is refused") {
  const TemporaryFolder folder;
  auto store = Check(CheckpointStore::Open(folder / "store", "j"));
  proto::TaskCheckpoint checkpoint;
  {
    TableTask task(*store, folder / "a", {0, kKeySlots}, 1 << 20, {});
    task.PutKey("k", 1, "v");
    checkpoint = Check(task.Checkpoint()).checkpoint;
  }
  TaskStateOptions options;
  options.directory = folder / "b";
  options.store = store.get();
  SECTION("kind") {
    auto state = Check(TaskState::Open(options, RestoredFor({&checkpoint}, {0, kKeySlots})));
    (void)state->OpenSlices("session", "keys", kText);
    CHECK(state->status().Is(errors::kTableShape));
  }
  SECTION("form") {
    (*checkpoint.mutable_stores(0)->mutable_shapes())["session/keys"] = "keys/2";
    auto state = TaskState::Open(options, RestoredFor({&checkpoint}, {0, kKeySlots}));
    REQUIRE_FALSE(state.ok());
    CHECK(state.status().Is(errors::kTableShape));
  }
}

TEST_CASE("damaged files are found before anything of them is used") {
  const TemporaryFolder folder;
  auto store = Check(CheckpointStore::Open(folder / "store", "j"));
  proto::TaskCheckpoint checkpoint;
  {
    TableTask task(*store, folder / "a", {0, kKeySlots}, 1 << 20, {});
    for (int round = 0; round < 2; round++) {
      for (int n = 0; n < 500; n++) {
        task.PutKey("k" + std::to_string(n), round, "value" + std::to_string(n));
      }
      checkpoint = Check(task.Checkpoint()).checkpoint;
    }
  }
  const proto::StoredStore& stored = checkpoint.stores(0);
  REQUIRE(stored.files_size() >= 3);
  std::vector<std::string> paths;
  for (const proto::StoredFile& file : stored.files()) {
    paths.push_back(folder / "store/j/files/" + file.id());
  }
  const std::string& victim = paths[0];
  const auto size = std::filesystem::file_size(victim);
  SECTION("flipped") {
    std::fstream file(victim, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(static_cast<std::streamoff>(size / 2));
    const char byte = static_cast<char>(file.get() ^ 0x10);
    file.seekp(static_cast<std::streamoff>(size / 2));
    file.put(byte);
  }
  SECTION("cut") { std::filesystem::resize_file(victim, size - 1); }
  SECTION("missing") { std::filesystem::remove(victim); }
  SECTION("swapped") {
    std::filesystem::rename(paths[0], folder / "aside");
    std::filesystem::rename(paths[1], paths[0]);
    std::filesystem::rename(folder / "aside", paths[1]);
  }
  TaskStateOptions options;
  options.directory = folder / "b";
  options.store = store.get();
  auto state = TaskState::Open(options, RestoredFor({&checkpoint}, {0, kKeySlots}));
  REQUIRE_FALSE(state.ok());
  CHECK(state.status().Is(errors::kCheckpointDamaged));
}

TEST_CASE("a flipped block of state too large to be read at the start is found when it is read") {
  const TemporaryFolder folder;
  auto store = Check(CheckpointStore::Open(folder / "store", "j"));
  proto::TaskCheckpoint checkpoint;
  {
    TableTask task(*store, folder / "a", {0, kKeySlots}, 1 << 20, {});
    for (int n = 0; n < 3000; n++) task.PutKey("k" + std::to_string(n), 1, std::to_string(n));
    checkpoint = Check(task.Checkpoint()).checkpoint;
  }
  for (const proto::StoredFile& file : checkpoint.stores(0).files()) {
    if (!file.name().ends_with(".sst")) continue;
    std::fstream bytes(folder / "store/j/files/" + file.id(),
                       std::ios::in | std::ios::out | std::ios::binary);
    bytes.seekp(2000);
    bytes.write("damaged damaged", 15);
  }
  TaskStateOptions options;
  options.directory = folder / "b";
  options.store = store.get();
  options.full_check_bytes = 0;
  auto state = Check(TaskState::Open(options, RestoredFor({&checkpoint}, {0, kKeySlots})));
  KeyTable& keys = state->OpenKeys("session", "keys", kText);
  const Status status =
      keys.Scan([](EventTime, std::string_view, const std::byte*) { return Status::Ok(); });
  REQUIRE_FALSE(status.ok());
  CHECK(status.Is(errors::kLocalStateDamaged));
}

TEST_CASE("over many checkpoints files stay few and little is written again") {
  const uint64_t seed = testing::TestSeed();
  INFO("WEIR_TEST_SEED=" << seed);
  std::mt19937_64 random(seed);
  const TemporaryFolder folder;
  auto store = Check(CheckpointStore::Open(folder / "store", "j"));
  TaskStateOptions options;
  options.directory = folder / "task";
  options.memory_budget = 64 << 20;
  options.store = store.get();
  auto state = Check(TaskState::Open(options, {}));
  const PlainLayout layout(64);
  KeyTable& table = state->OpenKeys("step", "table", layout);
  uint64_t changed = 0;
  uint64_t uploaded = 0;
  uint64_t most_level0 = 0;
  constexpr int kCheckpoints = 200;
  for (int checkpoint = 0; checkpoint < kCheckpoints; checkpoint++) {
    for (int i = 0; i < 400; i++) {
      std::string key(16, '\0');
      const uint64_t n = random() % 10000;
      std::memcpy(key.data(), &n, sizeof n);
      std::byte* row = table.Upsert(key, HashBytes(key), {0});
      for (int k = 0; k < 64; k += 8) {
        const uint64_t value = random();
        std::memcpy(row + k, &value, sizeof value);
      }
    }
    const TaskSnapshot snapshot = Check(state->Write(state->Seal()));
    state->Completed(true);
    changed += snapshot.changed_bytes;
    uploaded += snapshot.uploaded_bytes;
    most_level0 = std::max(most_level0, state->stats().level0_files);
  }
  const uint64_t rewritten = state->stats().rewritten_bytes;
  INFO("changed " << changed << " uploaded " << uploaded << " rewritten " << rewritten);
  CHECK(most_level0 <= 20);
  CHECK(uploaded + rewritten <= 10 * changed);
  CHECK(rewritten > 0);
}

#ifdef WEIR_FAILPOINTS
TEST_CASE("hidden: one of four checkpoints fails", "[.]") {
  const std::string folder = testing::HiddenFolder();
  auto store = Check(CheckpointStore::Open(folder + "/store", "j"));
  proto::TaskCheckpoint last;
  int failed = 0;
  {
    TableTask task(*store, folder + "/a", {0, kKeySlots}, 1 << 20, {});
    for (int round = 0; round < 4; round++) {
      for (int n = 0; n < 10; n++) task.PutKey("k" + std::to_string(round), n, "v");
      if (round > 0) Check(task.keys->Erase("k0", HashBytes("k0"), {round}));
      SealedState sealed = task.state->Seal();
      task.PutKey("meanwhile" + std::to_string(round), 1, "v");
      Result<TaskSnapshot> snapshot = task.state->Write(std::move(sealed));
      if (!snapshot.ok()) {
        failed++;
        CHECK(snapshot.status().cure() == "make room on the disk");
      }
      task.state->Completed(snapshot.ok());
      if (snapshot.ok()) last = snapshot->checkpoint;
    }
  }
  CHECK(failed == 1);
  TableTask again(*store, folder + "/b", {0, kKeySlots}, 1 << 20,
                  RestoredFor({&last}, {0, kKeySlots}));
  TableModel model;
  again.ReadInto(model);
  // Forty entries less the three erased ones, and those made meanwhile in the first three rounds.
  CHECK(model.keys.size() == 40);
}

TEST_CASE("a checkpoint that fails anywhere gives its changes to the next one") {
  for (const std::string point :
       {"state.store.before_write", "state.store.before_ingest", "state.store.after_ingest",
        "state.store.before_link", "state.store.after_link", "state.upload.file",
        "state.upload.after_file"}) {
    INFO(point);
    const TemporaryFolder folder;
    CHECK(testing::RunHidden("hidden: one of four checkpoints fails", point + "=error@2",
                             folder.path()) == 0);
  }
}
#endif

}  // namespace
}  // namespace weir

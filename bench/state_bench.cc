// Measures the state of a task on its own. Usage: state_bench [FOLDER [WHAT...]]
//   hold       how long a seal of 100 k changed entries holds the task, at 1 M and at 10 M kept
//   loop       1,000 checkpoints: files on level 0, bytes uploaded and rewritten per byte changed
//   many       10 M keys in a small process: rows/s and peak memory
//   fill       rows/s into a slice table in memory
// Prints one line `name value unit` for each figure.

#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>
#include <set>
#include <string>

#include "base/ids.h"
#include "batch/key.h"
#include "state/checkpoint_store.h"
#include "state/task_state.h"

namespace weir {
namespace {

constexpr size_t kRowBytes = 64;
constexpr size_t kKeyBytes = 16;

class Row64 final : public RowLayout {
 public:
  size_t size() const override { return kRowBytes; }
  void Init(std::byte* row) const override { std::memset(row, 0, kRowBytes); }
  void Destroy(std::byte*) const override {}
  size_t HeapBytes(const std::byte*) const override { return 0; }
  bool OwnsHeap() const override { return false; }
  void Encode(const std::byte* row, std::string& out) const override {
    out.append(reinterpret_cast<const char*>(row), kRowBytes);
  }
  bool Decode(std::string_view bytes, std::byte* row) const override {
    if (bytes.size() != kRowBytes) return false;
    std::memcpy(row, bytes.data(), kRowBytes);
    return true;
  }
};

const Row64 kRow;

template <typename T>
T Must(Result<T> result) {
  if (!result.ok()) {
    std::fprintf(stderr, "%s\n", result.status().ToString().c_str());
    std::exit(1);
  }
  return std::move(result).value();
}
void Must(const Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "%s\n", status.ToString().c_str());
  std::exit(1);
}

double Now_ms() {
  using namespace std::chrono;
  return duration<double, std::milli>(steady_clock::now().time_since_epoch()).count();
}

void Say(const std::string& name, double value, const char* unit) {
  std::printf("%-44s %14.2f %s\n", name.c_str(), value, unit);
  std::fflush(stdout);
}

double PeakMemory_mb() {
  std::ifstream status("/proc/self/status");
  std::string line;
  while (std::getline(status, line)) {
    if (line.starts_with("VmHWM:")) return std::strtod(line.c_str() + 6, nullptr) / 1024;
  }
  return 0;
}

void ResetPeakMemory() { std::ofstream("/proc/self/clear_refs") << "5"; }

/// A key of 16 bytes, and its row as a job would change it: a count, and bytes that don't compress.
void Touch(SliceTable& table, uint64_t n, std::mt19937_64& random) {
  char key[kKeyBytes] = {};
  std::memcpy(key, &n, sizeof n);
  const std::string_view view(key, kKeyBytes);
  std::byte* row = table.Upsert({1000}, view, HashBytes(view));
  if (row == nullptr) {
    std::fprintf(stderr, "the state failed\n");
    std::exit(1);
  }
  uint64_t count = 0;
  std::memcpy(&count, row, 8);
  count++;
  std::memcpy(row, &count, 8);
  for (size_t at = 8; at < kRowBytes; at += 8) {
    const uint64_t noise = random();
    std::memcpy(row + at, &noise, 8);
  }
}

struct Bench {
  explicit Bench(const std::string& folder, size_t budget) : path(folder + "/" + RandomId()) {
    store = Must(CheckpointStore::Open(path, "bench"));
    TaskStateOptions options;
    options.directory = path + "/task";
    options.memory_budget = budget;
    options.cache = std::make_shared<BlockCache>(32 << 20);
    options.store = store.get();
    state = Must(TaskState::Open(options, {}));
    slices = &state->OpenSlices("step", "slices", kRow);
  }
  ~Bench() {
    state.reset();
    std::filesystem::remove_all(path);
  }
  TaskSnapshot Checkpoint(double* held_ms = nullptr) {
    const double begin = Now_ms();
    SealedState sealed = state->Seal();
    if (held_ms != nullptr) *held_ms = Now_ms() - begin;
    TaskSnapshot snapshot = Must(state->Write(std::move(sealed)));
    state->Completed(true);
    return snapshot;
  }
  /// Commits a manifest with this snapshot and removes what the last one alone needed.
  void Commit(const TaskSnapshot& snapshot) {
    proto::Manifest manifest;
    manifest.set_number(++number);
    manifest.set_parent(number - 1);
    *manifest.add_tasks() = snapshot.checkpoint;
    (void)Must(store->CommitManifest(manifest));
    (void)Must(store->CleanUp(2, {}));
  }
  const std::string path;
  std::unique_ptr<CheckpointStore> store;
  std::unique_ptr<TaskState> state;
  SliceTable* slices = nullptr;
  uint64_t number = 0;
};

void Hold(const std::string& folder) {
  for (const uint64_t kept : {uint64_t{1'000'000}, uint64_t{10'000'000}}) {
    Bench bench(folder, size_t{8} << 30);
    std::mt19937_64 random(1);
    for (uint64_t n = 0; n < kept; n++) Touch(*bench.slices, n, random);
    (void)bench.Checkpoint();
    double worst_ms = 0;
    double write_ms = 0;
    for (int round = 0; round < 5; round++) {
      std::set<uint64_t> changed;
      while (changed.size() < 100'000) changed.insert(random() % kept);
      for (const uint64_t n : changed) Touch(*bench.slices, n, random);
      double held_ms = 0;
      const double begin = Now_ms();
      (void)bench.Checkpoint(&held_ms);
      worst_ms = std::max(worst_ms, held_ms);
      write_ms += Now_ms() - begin - held_ms;
    }
    const std::string at = " at " + std::to_string(kept / 1'000'000) + "M kept";
    Say("seal of 100k changed, worst of 5," + at, worst_ms, "ms");
    Say("write of 100k changed, mean," + at, write_ms / 5, "ms");
  }
}

void Loop(const std::string& folder) {
  Bench bench(folder, size_t{1} << 30);
  std::mt19937_64 random(1);
  uint64_t changed = 0;
  uint64_t uploaded = 0;
  uint64_t most_level0 = 0;
  for (int checkpoint = 0; checkpoint < 1000; checkpoint++) {
    for (int i = 0; i < 10'000; i++) Touch(*bench.slices, random() % 1'000'000, random);
    const TaskSnapshot snapshot = bench.Checkpoint();
    bench.Commit(snapshot);
    changed += snapshot.changed_bytes;
    uploaded += snapshot.uploaded_bytes;
    most_level0 = std::max(most_level0, bench.state->stats().level0_files);
  }
  const double base = static_cast<double>(changed);
  Say("loop: changed in 1,000 checkpoints", base / 1e6, "MB");
  Say("loop: uploaded per byte changed", static_cast<double>(uploaded) / base, "");
  Say("loop: rewritten per byte changed",
      static_cast<double>(bench.state->stats().rewritten_bytes) / base, "");
  Say("loop: most files on level 0", static_cast<double>(most_level0), "");
}

void Many(const std::string& folder) {
  ResetPeakMemory();
  Bench bench(folder, size_t{192} << 20);
  std::mt19937_64 random(1);
  constexpr uint64_t kKeys = 10'000'000;
  const auto run = [&](const std::string& name, uint64_t rows, auto key) {
    const double begin = Now_ms();
    double checkpoints_ms = 0;
    for (uint64_t n = 0; n < rows; n++) {
      Touch(*bench.slices, key(n), random);
      if (n % 4096 == 0) Must(bench.state->Relieve());
      if (n % 2'000'000 == 0) {
        const double from = Now_ms();
        bench.Commit(bench.Checkpoint());
        checkpoints_ms += Now_ms() - from;
      }
    }
    Say(name, static_cast<double>(rows) / (Now_ms() - begin) / 1000, "M rows/s");
    Say(name + ", of it in checkpoints", checkpoints_ms, "ms");
  };
  run("many: 10M new keys", kKeys, [](uint64_t n) { return n; });
  run("many: 1M of 10M keys at random", 1'000'000, [&](uint64_t) { return random() % kKeys; });
  uint64_t seen = 0;
  uint64_t counted = 0;
  Must(bench.slices->Scan({1000}, [&](EventTime, std::string_view, const std::byte* row) {
    uint64_t count = 0;
    std::memcpy(&count, row, 8);
    seen++;
    counted += count;
    return Status::Ok();
  }));
  if (seen != kKeys || counted != kKeys + 1'000'000) {
    std::fprintf(stderr, "wrong: %zu keys, %zu rows\n", static_cast<size_t>(seen),
                 static_cast<size_t>(counted));
    std::exit(1);
  }
  Say("many: peak memory of the process", PeakMemory_mb(), "MB");
  Say("many: stored", static_cast<double>(bench.state->stats().stored_bytes) / 1e6, "MB");
}

void Fill(const std::string& folder) {
  for (const uint64_t keys : {uint64_t{10}, uint64_t{100'000}, uint64_t{1'000'000}}) {
    Bench bench(folder, size_t{4} << 30);
    std::mt19937_64 random(1);
    constexpr uint64_t kRows = 5'000'000;
    const double begin = Now_ms();
    for (uint64_t n = 0; n < kRows; n++) Touch(*bench.slices, (n * 7919) % keys, random);
    Say("fill: slice table, " + std::to_string(keys) + " keys",
        static_cast<double>(kRows) / (Now_ms() - begin) / 1000, "M rows/s");
  }
}

}  // namespace
}  // namespace weir

int main(int argc, char** argv) {
  const std::string folder = argc > 1 ? argv[1] : std::filesystem::temp_directory_path().string();
  std::set<std::string> what(argv + std::min(argc, 2), argv + argc);
  const auto wanted = [&](const char* name) { return what.empty() || what.contains(name); };
  // Peak memory counts what earlier parts touched: the small process comes first.
  if (wanted("many")) weir::Many(folder);
  if (wanted("fill")) weir::Fill(folder);
  if (wanted("hold")) weir::Hold(folder);
  if (wanted("loop")) weir::Loop(folder);
  return 0;
}

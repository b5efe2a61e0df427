#include "state/rocks_store.h"

#include <rocksdb/cache.h>
#include <rocksdb/compaction_filter.h>
#include <rocksdb/convenience.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/listener.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/sst_file_writer.h>
#include <rocksdb/table.h>
#include <rocksdb/utilities/checkpoint.h>
#if __has_include(<rocksdb/advanced_cache.h>)
#include <rocksdb/advanced_cache.h>  // Newer versions (Debian 13's) define Cache here.
#endif

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <limits>
#include <thread>

#include "base/failpoint.h"
#include "batch/key.h"
#include "state/errors.h"
#include "state/files.h"

namespace weir {
namespace {

using errors::kLocalState;
using errors::kLocalStateDamaged;

constexpr uint64_t kMostStoredBytes = uint64_t{1} << 30;  // Of one key or one row.

/// RocksDB's own log says nothing to weir's users.
class NoLog final : public rocksdb::Logger {
 public:
  NoLog() : rocksdb::Logger(rocksdb::InfoLogLevel::FATAL_LEVEL) {}
  using rocksdb::Logger::Logv;
  void Logv(const char*, va_list) override {}
};

/// What filters are kept by: the key without the time of a key table's entry, the whole entry else.
class FilterPrefix final : public rocksdb::SliceTransform {
 public:
  const char* Name() const override { return "weir.entry.1"; }
  rocksdb::Slice Transform(const rocksdb::Slice& entry) const override {
    if (KindOf(TableOfStored(entry.ToStringView())) != TableKind::kKeys) return entry;
    return {entry.data(), entry.size() - 8};
  }
  bool InDomain(const rocksdb::Slice& entry) const override {
    if (entry.size() < kStoredPrefixBytes) return false;
    return KindOf(TableOfStored(entry.ToStringView())) != TableKind::kKeys ||
           entry.size() >= kStoredPrefixBytes + 12;
  }
};

class DropDead final : public rocksdb::CompactionFilter {
 public:
  explicit DropDead(std::shared_ptr<const CompactionMarks::View> view) : view_(std::move(view)) {}
  const char* Name() const override { return "weir.dead.1"; }
  bool Filter(int, const rocksdb::Slice& entry, const rocksdb::Slice& value, std::string*,
              bool*) const override {
    const std::string_view stored = entry.ToStringView();
    if (stored.size() < kStoredPrefixBytes) return false;
    if (!view_->range.Contains(SlotOfStored(stored))) return true;
    if (view_->drop_erased && value.size() == 1 && value[0] == kErasedTag) return true;
    const StoredTableId table = TableOfStored(stored);
    if (view_->dropped_tables.contains(table)) return true;
    if (KindOf(table) != TableKind::kSlices || stored.size() < kStoredPrefixBytes + 8) return false;
    const auto mark = view_->dropped_up_to.find(table);
    return mark != view_->dropped_up_to.end() &&
           ReadOrdered(stored.substr(kStoredPrefixBytes)) <= mark->second.us;
  }

 private:
  const std::shared_ptr<const CompactionMarks::View> view_;
};

class DropDeadFactory final : public rocksdb::CompactionFilterFactory {
 public:
  explicit DropDeadFactory(std::shared_ptr<CompactionMarks> marks) : marks_(std::move(marks)) {}
  const char* Name() const override { return "weir.dead.1"; }
  std::unique_ptr<rocksdb::CompactionFilter> CreateCompactionFilter(
      const rocksdb::CompactionFilter::Context&) override {
    return std::make_unique<DropDead>(marks_->Get());
  }

 private:
  const std::shared_ptr<CompactionMarks> marks_;
};

bool HasLz4() {
  const std::vector<rocksdb::CompressionType> types = rocksdb::GetSupportedCompressions();
  return std::find(types.begin(), types.end(), rocksdb::kLZ4Compression) != types.end();
}

}  // namespace

struct RocksStore::Rewritten final : public rocksdb::EventListener {
  std::atomic<uint64_t> bytes{0};
  void OnCompactionCompleted(rocksdb::DB*, const rocksdb::CompactionJobInfo& job) override {
    bytes += job.stats.total_output_bytes;
  }
};

BlockCache::BlockCache(size_t bytes) : impl_(std::make_unique<Impl>()) {
  impl_->cache = rocksdb::NewLRUCache(bytes, /*num_shard_bits=*/2);
}
BlockCache::~BlockCache() = default;
size_t BlockCache::UsedBytes() const { return impl_->cache->GetUsage(); }

Status RocksStore::FromRocks(const rocksdb::Status& status, std::string_view operation) const {
  const std::string message = "cannot " + std::string(operation) + " the local state in " +
                              directory_ + ": " + status.ToString();
  if (status.IsCorruption()) {
    return Status(kLocalStateDamaged, message,
                  "restart the job: it begins again from its checkpoint; look at the disk");
  }
  if (status.IsNoSpace()) return Status(kLocalState, message, "make room on the disk");
  return Status(kLocalState, message);
}

Result<std::unique_ptr<RocksStore>> RocksStore::Open(const std::string& directory, Mode mode,
                                                     const std::shared_ptr<BlockCache>& cache,
                                                     std::shared_ptr<CompactionMarks> marks) {
  std::unique_ptr<RocksStore> store(new RocksStore(directory));
  store->cache_ = cache;
  store->rewritten_ = std::make_shared<Rewritten>();
  rocksdb::Options& options = store->options_;
  options.create_if_missing = mode == Mode::kNew;
  options.info_log = std::make_shared<NoLog>();
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  options.skip_stats_update_on_db_open = true;
  options.max_open_files = 512;
  options.max_background_jobs = 2;
  options.max_manifest_file_size = 256 << 10;
  // Nothing goes through the memtable, so it is as small as can be.
  options.write_buffer_size = 64 << 10;
  options.arena_block_size = 4 << 10;
  // Every file overlaps the whole range of keys. Merging runs of like size rewrites an entry a few
  // times in its life; levels would do so at each step of ten (rule 13).
  options.compaction_style = rocksdb::kCompactionStyleUniversal;
  options.num_levels = 7;
  options.level0_file_num_compaction_trigger = 10;
  options.level0_slowdown_writes_trigger = 1000;
  options.level0_stop_writes_trigger = 1000;
  options.compaction_options_universal.min_merge_width = 4;
  options.compaction_options_universal.size_ratio = 10;
  options.compaction_options_universal.max_size_amplification_percent = 200;
  options.target_file_size_base = 64 << 20;
  options.compaction_readahead_size = 1 << 20;
  options.compression = HasLz4() ? rocksdb::kLZ4Compression : rocksdb::kNoCompression;
  options.prefix_extractor = std::make_shared<FilterPrefix>();
  options.listeners.push_back(store->rewritten_);
  if (marks) {
    options.compaction_filter_factory = std::make_shared<DropDeadFactory>(std::move(marks));
  }
  rocksdb::BlockBasedTableOptions table;
  table.format_version = 5;
  table.block_size = 4 << 10;
  table.block_cache = cache->impl().cache;
  // In small pieces: the whole filter of a large file would not fit into the cache, and be read
  // again for each look-up.
  table.cache_index_and_filter_blocks = true;
  table.index_type = rocksdb::BlockBasedTableOptions::kTwoLevelIndexSearch;
  table.partition_filters = true;
  table.metadata_block_size = 4 << 10;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.whole_key_filtering = false;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));

  rocksdb::DB* opened = nullptr;
  const rocksdb::Status status = mode == Mode::kReadOnly
                                     ? rocksdb::DB::OpenForReadOnly(options, directory, &opened)
                                     : rocksdb::DB::Open(options, directory, &opened);
  store->db_.reset(opened);
  if (!status.ok()) return store->FromRocks(status, "open");
  return store;
}

RocksStore::~RocksStore() {
  if (!db_) return;
  rocksdb::CancelAllBackgroundWork(db_.get(), /*wait=*/true);
  db_.reset();
}

Result<bool> RocksStore::Get(std::string_view key, std::string& value) const {
  rocksdb::ReadOptions read;
  read.verify_checksums = !WEIR_MUTANT("checksum_ignored");
  rocksdb::PinnableSlice found;
  const rocksdb::Status status =
      db_->Get(read, db_->DefaultColumnFamily(), rocksdb::Slice(key.data(), key.size()), &found);
  if (status.IsNotFound()) return false;
  if (!status.ok()) return FromRocks(status, "read");
  value.assign(found.data(), found.size());
  return true;
}

std::unique_ptr<rocksdb::Iterator> RocksStore::Walk(const rocksdb::Slice& upper,
                                                    bool by_key) const {
  rocksdb::ReadOptions read;
  read.verify_checksums = !WEIR_MUTANT("checksum_ignored");
  read.iterate_upper_bound = &upper;
  read.total_order_seek = !by_key;
  read.prefix_same_as_start = by_key;
  read.fill_cache = by_key;
  return std::unique_ptr<rocksdb::Iterator>(db_->NewIterator(read));
}

Status RocksStore::Ingest(const ChangeSet& changes, bool keep_erased) {
  if (changes.records.empty()) return Status::Ok();
  // A background error (a full disk) stops RocksDB until it is told that things are well again.
  if (failed_) (void)db_->Resume();
  failed_ = true;
  const std::string path = directory_ + "/ingest-" + std::to_string(++ingests_) + ".tmp";
  if (WEIR_FAILPOINT("state.store.before_write")) {
    return files::SystemError(kLocalState, "write", path, ENOSPC);
  }
  rocksdb::SstFileWriter writer(rocksdb::EnvOptions(), options_);
  const auto write = [&]() -> Status {
    rocksdb::Status status = writer.Open(path);
    static constexpr char kTag[1] = {kErasedTag};
    for (const ChangeSet::Record& record : changes.records) {
      if (!status.ok()) break;
      const std::string_view key = changes.key(record);
      const std::string_view value = changes.value(record);
      if (key.size() > kMostStoredBytes || value.size() > kMostStoredBytes) {
        return Status(errors::kTableShape, "one entry of the state is larger than 1 GiB",
                      "let the job collect less under one key");
      }
      if (!record.erased) {
        status = writer.Put({key.data(), key.size()}, {value.data(), value.size()});
      } else if (keep_erased) {
        status = writer.Put({key.data(), key.size()}, {kTag, 1});
      } else {
        status = writer.Delete({key.data(), key.size()});
      }
    }
    if (status.ok()) status = writer.Finish();
    if (!status.ok()) return FromRocks(status, "write");
    if (WEIR_FAILPOINT("state.store.before_ingest")) {
      return files::SystemError(kLocalState, "write", path, ENOSPC);
    }
    rocksdb::IngestExternalFileOptions ingest;
    ingest.move_files = true;
    ingest.write_global_seqno = false;  // Files never change, and 7.8 and 9.10 read the same ones.
    status = db_->IngestExternalFile({path}, ingest);
    if (!status.ok()) return FromRocks(status, "write");
    return Status::Ok();
  };
  Status written = write();
  if (!written.ok()) {
    (void)files::Remove(kLocalState, path);
    return written;
  }
  failed_ = false;
  if (WEIR_FAILPOINT("state.store.after_ingest")) {
    return files::SystemError(kLocalState, "write", path, ENOSPC);
  }
  return Status::Ok();
}

Result<std::vector<std::string>> RocksStore::Link(const std::string& target) {
  if (WEIR_FAILPOINT("state.store.before_link")) {
    return files::SystemError(kLocalState, "link", target, ENOSPC);
  }
  rocksdb::Checkpoint* made = nullptr;
  rocksdb::Status status = rocksdb::Checkpoint::Create(db_.get(), &made);
  const std::unique_ptr<rocksdb::Checkpoint> checkpoint(made);
  if (status.ok()) {
    status = checkpoint->CreateCheckpoint(target, std::numeric_limits<uint64_t>::max());
  }
  if (!status.ok()) return FromRocks(status, "link");
  if (WEIR_FAILPOINT("state.store.after_link")) {
    return files::SystemError(kLocalState, "link", target, ENOSPC);
  }
  std::vector<std::string> names;
  for (const std::string& name : WEIR_TRY(files::List(kLocalState, target))) {
    // The log is never used, CURRENT and the options are written anew at a restore.
    if (name.ends_with(".sst") || name.starts_with("MANIFEST-")) names.push_back(name);
  }
  return names;
}

void RocksStore::WaitForCompaction(uint64_t most) {
  for (int i = 0; i < 3000 && Level0Files() >= most; i++) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

uint64_t RocksStore::Level0Files() const {
  std::string text;
  if (!db_->GetProperty("rocksdb.num-files-at-level0", &text)) return 0;
  return std::strtoull(text.c_str(), nullptr, 10);
}

uint64_t RocksStore::FileBytes() const {
  uint64_t bytes = 0;
  db_->GetIntProperty("rocksdb.live-sst-files-size", &bytes);
  return bytes;
}

uint64_t RocksStore::RewrittenBytes() const { return rewritten_->bytes; }

}  // namespace weir

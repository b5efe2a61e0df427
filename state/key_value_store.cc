#include "state/key_value_store.h"

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>

#include <mutex>

#include "base/failpoint.h"
#include "state/errors.h"
#include "state/files.h"

namespace weir {
namespace {

using errors::kJobFactsDamaged;
using errors::kStateLocked;
using errors::kStoreUnavailable;

constexpr std::string_view kMagic = "WEIRKV01";
constexpr uint64_t kMostBackupBytes = uint64_t{4} << 30;

class NoLog final : public rocksdb::Logger {
 public:
  NoLog() : rocksdb::Logger(rocksdb::InfoLogLevel::FATAL_LEVEL) {}
  using rocksdb::Logger::Logv;
  void Logv(const char*, va_list) override {}
};

rocksdb::Options Options() {
  rocksdb::Options options;
  options.create_if_missing = true;
  options.info_log = std::make_shared<NoLog>();
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  options.max_open_files = 64;
  options.max_background_jobs = 1;
  options.write_buffer_size = 1 << 20;
  options.max_total_wal_size = 4 << 20;
  options.max_manifest_file_size = 256 << 10;
  options.compression = rocksdb::kNoCompression;
  // Every write is synced, so only the last one may be torn by a crash. Anything else that is wrong
  // in the log is damage, and must not be taken for the end of it.
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  rocksdb::BlockBasedTableOptions table;
  table.format_version = 5;
  table.block_cache = rocksdb::NewLRUCache(1 << 20);
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

rocksdb::Slice SliceOf(std::string_view bytes) { return {bytes.data(), bytes.size()}; }

void AddNumber(uint64_t number, std::string& out) {
  for (int i = 0; i < 8; i++) out += static_cast<char>(number >> (8 * i));
}
bool TakeNumber(std::string_view& bytes, uint64_t& number) {
  if (bytes.size() < 8) return false;
  number = 0;
  for (int i = 0; i < 8; i++) number |= uint64_t{static_cast<uint8_t>(bytes[i])} << (8 * i);
  bytes.remove_prefix(8);
  return true;
}
bool TakeBytes(std::string_view& bytes, std::string& out) {
  uint64_t size = 0;
  if (!TakeNumber(bytes, size) || bytes.size() < size) return false;
  out = bytes.substr(0, size);
  bytes.remove_prefix(size);
  return true;
}

bool Decode(std::string_view bytes, std::vector<KeyValueStore::Change>& entries) {
  if (bytes.size() < kMagic.size() + 8 + 32 || !bytes.starts_with(kMagic)) return false;
  std::string_view body = bytes.substr(0, bytes.size() - 32);
  if (files::Sha256(body) != bytes.substr(body.size())) return false;
  body.remove_prefix(kMagic.size());
  uint64_t count = 0;
  if (!TakeNumber(body, count)) return false;
  for (uint64_t i = 0; i < count; i++) {
    KeyValueStore::Change entry;
    entry.value.emplace();
    if (!TakeBytes(body, entry.key) || !TakeBytes(body, *entry.value)) return false;
    entries.push_back(std::move(entry));
  }
  return body.empty();
}

}  // namespace

struct KeyValueStore::Impl {
  std::string directory;
  std::unique_ptr<rocksdb::DB> db;
  std::mutex mutex;     // Of the next one.
  bool failed = false;  // A background error stops RocksDB until it is told that things are well.

  Status FromRocks(const rocksdb::Status& status, std::string_view operation) const {
    const std::string message = "cannot " + std::string(operation) + " the store in " + directory +
                                ": " + status.ToString();
    if (status.IsCorruption()) {
      return Status(kJobFactsDamaged, message, "look at the disk, and restore the newest backup");
    }
    if (status.IsNoSpace()) return Status(kStoreUnavailable, message, "make room on the disk");
    return Status(kStoreUnavailable, message);
  }
};

KeyValueStore::KeyValueStore(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
KeyValueStore::~KeyValueStore() = default;

Result<std::unique_ptr<KeyValueStore>> KeyValueStore::Open(const std::string& directory) {
  WEIR_TRY(files::MakeDirectories(kStoreUnavailable, directory));
  auto impl = std::make_unique<Impl>();
  impl->directory = directory;
  rocksdb::DB* opened = nullptr;
  const rocksdb::Status status = rocksdb::DB::Open(Options(), directory, &opened);
  impl->db.reset(opened);
  if (!status.ok()) {
    if (status.IsIOError() && status.ToString().find("lock") != std::string::npos) {
      return Status(kStateLocked,
                    "another process works in " + directory + ": " + status.ToString(),
                    "stop it, or use another directory");
    }
    return impl->FromRocks(status, "open");
  }
  return std::unique_ptr<KeyValueStore>(new KeyValueStore(std::move(impl)));
}

Status KeyValueStore::Write(std::span<const Change> changes) {
  {
    std::lock_guard lock(impl_->mutex);
    if (impl_->failed) (void)impl_->db->Resume();
    impl_->failed = false;
  }
  if (WEIR_FAILPOINT("state.key_value.write")) {
    return files::SystemError(kStoreUnavailable, "write", impl_->directory, ENOSPC);
  }
  rocksdb::WriteBatch batch;
  for (const Change& change : changes) {
    const rocksdb::Status status = change.value
                                       ? batch.Put(SliceOf(change.key), SliceOf(*change.value))
                                       : batch.Delete(SliceOf(change.key));
    if (!status.ok()) return impl_->FromRocks(status, "write");
  }
  rocksdb::WriteOptions write;
  write.sync = true;
  const rocksdb::Status status = impl_->db->Write(write, &batch);
  if (status.ok()) return Status::Ok();
  std::lock_guard lock(impl_->mutex);
  impl_->failed = true;
  return impl_->FromRocks(status, "write");
}

Result<std::optional<std::string>> KeyValueStore::Get(std::string_view key) const {
  std::string value;
  const rocksdb::Status status = impl_->db->Get(rocksdb::ReadOptions(), SliceOf(key), &value);
  if (status.IsNotFound()) return std::optional<std::string>();
  if (!status.ok()) return impl_->FromRocks(status, "read");
  return std::optional(std::move(value));
}

Result<std::vector<KeyValueStore::Entry>> KeyValueStore::Scan(std::string_view prefix) const {
  std::vector<Entry> entries;
  const std::unique_ptr<rocksdb::Iterator> walk(impl_->db->NewIterator(rocksdb::ReadOptions()));
  for (walk->Seek(SliceOf(prefix)); walk->Valid(); walk->Next()) {
    if (!walk->key().starts_with(SliceOf(prefix))) break;
    entries.emplace_back(walk->key().ToString(), walk->value().ToString());
  }
  if (!walk->status().ok()) return impl_->FromRocks(walk->status(), "read");
  return entries;
}

Result<std::string> KeyValueStore::Backup() const {
  const std::vector<Entry> entries = WEIR_TRY(Scan(""));
  std::string bytes(kMagic);
  AddNumber(entries.size(), bytes);
  for (const auto& [key, value] : entries) {
    AddNumber(key.size(), bytes);
    bytes += key;
    AddNumber(value.size(), bytes);
    bytes += value;
  }
  bytes += files::Sha256(bytes);
  return bytes;
}

Status KeyValueStore::Restore(const std::string& path, const std::string& directory,
                              const std::function<Status(Change&)>& amend) {
  const std::string bytes = WEIR_TRY(files::Read(kStoreUnavailable, path, kMostBackupBytes));
  std::vector<Change> entries;
  if (!Decode(bytes, entries)) {
    return Status(kJobFactsDamaged, path + " is damaged, or no backup of a store",
                  "take another backup; nothing was changed");
  }
  if (!WEIR_TRY(files::List(kStoreUnavailable, directory)).empty()) {
    return Status(kStateLocked, directory + " is not empty",
                  "restore into a new directory; nothing was changed");
  }
  for (Change& entry : entries) {
    if (amend) WEIR_TRY(amend(entry));
  }
  const auto store = WEIR_TRY(Open(directory));
  return store->Write(entries);
}

}  // namespace weir

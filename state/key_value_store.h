#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"

namespace weir {

/// A small map from bytes to bytes on disk, in order of its keys: for a process's own records,
/// where each write must be durable when it returns. Embedded RocksDB with a log that is synced.
/// Thread safe.
class KeyValueStore {
 public:
  /// A value, or that the key is to go.
  struct Change {
    std::string key;
    std::optional<std::string> value;
  };
  using Entry = std::pair<std::string, std::string>;

  /// Makes the folder where it is missing. One process at a time (kStateLocked).
  static Result<std::unique_ptr<KeyValueStore>> Open(const std::string& directory);
  ~KeyValueStore();
  KeyValueStore(const KeyValueStore&) = delete;
  KeyValueStore& operator=(const KeyValueStore&) = delete;

  /// All of the changes or none; durable when it returns ok. After an error it is not known which,
  /// and the same changes may be written again.
  Status Write(std::span<const Change> changes);
  Result<std::optional<std::string>> Get(std::string_view key) const;
  /// Entries whose keys begin with `prefix`, in order.
  Result<std::vector<Entry>> Scan(std::string_view prefix) const;

  /// All entries as they are at one moment, beside other calls:
  ///   "WEIRKV01", number of entries, then for each: length of the key, key, length of the value,
  ///   value; SHA-256 of all before. Numbers are 8 bytes, little-endian.
  Result<std::string> Backup() const;
  /// Makes a new store in `directory` (must be missing or empty) of a file with what Backup gave;
  /// each entry as `amend` leaves it.
  static Status Restore(const std::string& path, const std::string& directory,
                        const std::function<Status(Change&)>& amend = nullptr);

 private:
  struct Impl;
  explicit KeyValueStore(std::unique_ptr<Impl> impl);
  const std::unique_ptr<Impl> impl_;
};

}  // namespace weir

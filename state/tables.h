#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/status.h"
#include "base/time.h"
#include "state/slot_times.h"

namespace weir {

/// How a table's values lie in memory (plain bytes, which may own heap memory) and on disk.
/// Immutable; outlives the tables that use it.
class RowLayout {
 public:
  virtual ~RowLayout() = default;
  /// Bytes of a value in memory, rounded up to 8 by the table; values are 8-aligned and do not
  /// move.
  virtual size_t size() const = 0;
  virtual void Init(std::byte* row) const = 0;
  virtual void Destroy(std::byte* row) const = 0;
  virtual size_t HeapBytes(const std::byte* row) const = 0;
  /// False where no row ever owns heap memory: then HeapBytes and Destroy are never called.
  virtual bool OwnsHeap() const { return true; }
  /// Appends the stored form of a row.
  virtual void Encode(const std::byte* row, std::string& out) const = 0;
  /// Into an initialised row; false where the bytes are damaged.
  virtual bool Decode(std::string_view bytes, std::byte* row) const = 0;
};

/// How many keys a table is told of at a time before they are asked for: some dozens, so that they
/// are still in the nearest cache then.
inline constexpr size_t kKeysAhead = 64;
inline std::span<const uint64_t> KeysAhead(std::span<const uint64_t> hashes, size_t from) {
  return hashes.subspan(from, std::min(kKeysAhead, hashes.size() - from));
}

/// What a table calls for each entry; an error ends the walk and is returned from it.
using EntryVisitor =
    std::function<Status(EventTime time, std::string_view key, const std::byte* row)>;

/// Values by (slice end, key): the slices of tumbling and hopping windows. A whole slice is dropped
/// at once. One thread. Rows returned stay valid until the next Erase of them, DropSlices, or
/// TaskState::Relieve (which the task calls only between batches).
class SliceTable {
 public:
  virtual ~SliceTable() = default;
  /// The row of (slice_end, key), made by the layout where there is none yet; `hash` is
  /// HashBytes(key). The row counts as changed. Null: the disk failed, and TaskState::status()
  /// says how.
  virtual std::byte* Upsert(EventTime slice_end, std::string_view key, uint64_t hash) = 0;
  /// Says which keys of a slice will be asked for next, at most kKeysAhead: a table with many keys
  /// is in memory that the processor would wait for.
  virtual void Prefetch(EventTime slice_end, std::span<const uint64_t> hashes) {
    (void)slice_end;
    (void)hashes;
  }
  /// Ends of the slices that have entries, ascending.
  virtual std::vector<EventTime> Slices() = 0;
  /// Every entry of one slice, in no order. Where a task goes on from several, and only some of
  /// them had dropped the slice, what they had is there again: ClosedUpTo says which keys are done.
  virtual Status Scan(EventTime slice_end, const EntryVisitor& visit) = 0;
  /// Drops all slices with an end <= `up_to`; they are never written again.
  virtual Status DropSlices(EventTime up_to) = 0;
};

/// Values by (key, time), ordered by time within a key: sessions by their start, plain tables with
/// one time. One thread; validity of rows as for SliceTable.
class KeyTable {
 public:
  virtual ~KeyTable() = default;
  /// The row at exactly (key, time), made where there is none; counts as changed.
  virtual std::byte* Upsert(std::string_view key, uint64_t hash, EventTime time) = 0;
  /// As for SliceTable.
  virtual void Prefetch(std::span<const uint64_t> hashes) { (void)hashes; }
  /// A row of a key, found by FindBetween.
  struct Found {
    EventTime time;
    std::byte* row = nullptr;  ///< Counts as changed only after Touch.
  };
  /// Rows of `key` with from <= time <= to, ascending.
  virtual Status FindBetween(std::string_view key, uint64_t hash, EventTime from, EventTime to,
                             std::vector<Found>& out) = 0;
  /// Says that a row that was found, and not erased since, is written to.
  virtual void Touch(const Found& found) = 0;
  virtual Status Erase(std::string_view key, uint64_t hash, EventTime time) = 0;
  /// Every entry, in no order: for tests, verify and recounts.
  virtual Status Scan(const EntryVisitor& visit) = 0;
};

/// Keys to come back to, ordered by time over all keys of the task. One thread.
class TimerTable {
 public:
  virtual ~TimerTable() = default;
  /// Sets a timer; setting the same (time, key) again changes nothing.
  virtual Status Set(EventTime time, std::string_view key, uint64_t hash) = 0;
  /// Takes all timers with time <= `up_to` off, ascending by time, then key.
  virtual Status TakeDue(EventTime up_to,
                         const std::function<Status(EventTime, std::string_view key)>& fire) = 0;
};

/// A number per key slot that is checkpointed with the state and splits with it when a job is
/// rescaled: rows held by a step (protocol rule 30).
class SlotCounter {
 public:
  virtual ~SlotCounter() = default;
  virtual void Add(KeySlot slot, int64_t n) = 0;
  virtual int64_t Sum() const = 0;
};

/// The state of one task as its operators see it. Tables are opened in the operators' constructors
/// and live as long as the task; the same (step, table) must be opened with the same kind and an
/// equal layout after a restore.
class TableOpener {
 public:
  virtual ~TableOpener() = default;
  virtual SliceTable& OpenSlices(const std::string& step, const std::string& table,
                                 const RowLayout& layout) = 0;
  virtual KeyTable& OpenKeys(const std::string& step, const std::string& table,
                             const RowLayout& layout) = 0;
  virtual TimerTable& OpenTimers(const std::string& step, const std::string& table) = 0;
  virtual SlotCounter& OpenCounter(const std::string& step, const std::string& name) = 0;
  /// "Closed up to" of a step: the watermark it has acted on, kept in the manifest (rule 10), for
  /// each key slot. Min where it never has. The reference lives as long as the task.
  virtual SlotTimes& ClosedUpTo(const std::string& step) = 0;
  /// The key slots of this task.
  virtual SlotRange range() const = 0;
};

}  // namespace weir

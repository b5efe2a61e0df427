#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "base/time.h"
#include "connectors/connector.h"

namespace weir {

/// A file of the sink as a checkpoint knows it. In a folder its temporary name is `_` + name +
/// `.open`; in a bucket it is an upload that was not finished.
struct SealedFile {
  std::string folder;   ///< Below the sink's path: `ticker=A/dt=B`, or empty.
  std::string name;     ///< Under which it will be seen.
  uint64_t length = 0;  ///< Bytes that are safe and whole; more may follow in an open one.
  bool closed = false;  ///< Nothing will be added.
  int64_t rows = 0;
  EventTime first = EventTime::Max();  ///< Least event time of its rows; above `last`: none known.
  EventTime last = EventTime::Min();   ///< The greatest.
  std::string upload;                  ///< In a bucket: the upload's id; empty: none was begun.
  std::vector<std::string> parts;      ///< ETags of the upload's parts 1, 2, …
  uint64_t tail = 0;                   ///< How many of the last bytes are in the checkpoint only.

  std::string Path() const { return folder.empty() ? name : folder + "/" + name; }
  std::string OpenName() const { return "_" + name + ".open"; }
  std::string OpenPath() const { return folder.empty() ? OpenName() : folder + "/" + OpenName(); }
};

/// What a writer seals: a line for each file, an empty line, and then the files' tails in the same
/// order. This is all but the tails. A line is
///   open|closed LENGTH ROWS FIRST LAST TAIL UPLOAD PART,PART,… NAME FOLDER
/// with `-` for what is not there; FIRST and LAST are microseconds; texts are percent-encoded.
std::string ToText(const std::vector<SealedFile>& files);

/// A file of sealed epochs, put together from what each of them says.
struct PublishedFile {
  SealedFile file;
  Epoch epoch;  ///< In which it was closed; of one that is open, the last that knows it.
  const SealedPart* part = nullptr;  ///< That holds the tail, from `tail_at` on.
  uint64_t tail_at = 0;

  Result<std::string> ReadTail() const { return part->Read(tail_at, file.tail); }
};

/// The files of `epochs`, which outlive them, in the order of their first mention. Of a file that
/// several know, what was sealed last counts, and closed stays closed.
Result<std::vector<PublishedFile>> ReadSealedFiles(const std::vector<SealedEpoch>& epochs);

/// The folder of rows whose partition column is null, after `name=`: as Hive has it.
inline constexpr std::string_view kNullPartition = "__HIVE_DEFAULT_PARTITION__";

/// `text` with all but letters, digits, `-`, `_`, `.` and `~` as %XX: safe as a part of a path.
std::string PercentEncoded(std::string_view text);
/// The text that was encoded so.
std::string PercentDecoded(std::string_view text);

}  // namespace weir

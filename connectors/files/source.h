#pragma once

#include <memory>
#include <optional>

#include "connectors/connector.h"
#include "connectors/files/s3_connection.h"
#include "formats/compression.h"

namespace weir {

/// Replays stored rows in the pace of a column of theirs.
struct ReplaySpec {
  std::string column;
  double speedup = 1;
  static const Spec<ReplaySpec>& Describe();
};

/// `files: { path: clicks/*.json.gz }` as a source.
struct FileSourceSpec {
  std::string connection;  ///< To S3; empty: the machine's files.
  std::string path;
  std::optional<Compression> compression;
  std::optional<ReplaySpec> replay;
  static const Spec<FileSourceSpec>& Describe();
};

/// A source of files as planned. Each file is a split; a task reads its files one after the other,
/// in the order of their names. What the files are, and how long, is fixed when the job begins.
///
/// Stop of a split: its length, and of an object its ETag. Position, as text: offset, record and
/// hash of FilePosition; in a replay the clock's base and the last time follow, and every split of
/// the reader carries them.
std::shared_ptr<const SourcePlan> PlanFileSource(const NodeContext& node, Diagnostics& diagnostics);

/// All files below `root`, of a bucket where there is one, with records as `decoding` has them.
std::shared_ptr<const SourcePlan> FilesBelow(const std::string& root,
                                             std::optional<S3Connection> bucket,
                                             const Format& format,
                                             std::shared_ptr<const DecodingPlan> decoding);

}  // namespace weir

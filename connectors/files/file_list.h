#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "connectors/files/sealed_files.h"

namespace weir {

/// Lists of the files that a sink has made visible:
/// `_weir/_<sink>-<instance>-<lane>-<epoch>.ndjson` below the table, one for each epoch and lane in
/// which files were closed, and `…-recovered.ndjson` for those that a recovery has finished.
/// Written whole, after the files are visible, and the same however often; so a file in a list is
/// there, whole and final. One JSON object a line:
///   file             path below the table
///   partition        values of the partition columns, as text; null for null
///   rows, bytes      of the file, as packed
///   min_event_time,  ISO 8601; null where the rows have none
///   max_event_time
///   epoch            the checkpoint that it was closed in
///   job, sink        whose it is
/// Their names begin as those do that readers of tables leave alone, and end as no format's do, so
/// that a pattern over the table's files finds none.
inline constexpr const char* kFileListFolder = "_weir";

/// Pure, as all of this page.
std::string FileListName(const std::string& name_begin, uint32_t lane, Epoch epoch, bool recovered);
std::string FileListLine(const PublishedFile& file, std::string_view job, std::string_view sink);

}  // namespace weir

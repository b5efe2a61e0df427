#pragma once

#include <memory>

#include "formats/format.h"

namespace weir {

/// Longest record of a file.
inline constexpr size_t kLongestRecord = 16 << 20;

/// One record per line, ended by \n or \r\n; the last one may lack its end. Empty lines are no
/// records.
std::unique_ptr<RecordSplitter> MakeLineSplitter();
/// The same, where a newline inside double quotes belongs to the record (RFC 4180).
std::unique_ptr<RecordSplitter> MakeCsvSplitter();

/// The schema of the declared columns, for formats whose records do not describe themselves. Tells
/// faults of their types, units and zones, and where none are declared, at `place`.
SchemaPtr DeclaredColumns(const std::vector<ColumnDeclaration>& declared, const Place& place,
                          Diagnostics& diagnostics);

}  // namespace weir

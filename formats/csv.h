#pragma once

#include "batch/render.h"
#include "formats/format.h"

namespace weir {

/// `format: { csv: { header: true, delimiter: ';', null: '-' } }`.
struct CsvOptions {
  bool header = false;
  std::string delimiter = ",";
  std::string null_text;
  TimestampStyle timestamps = TimestampStyle::kEpochMillis;
  static const Spec<CsvOptions>& Describe();
};

/// Reads lines of RFC 4180. Columns stand in the order in which they are declared, or, once a
/// header was taken, where the header has their name (`from`, where given). A record must have
/// exactly as many fields as there are columns (or names in the header).
///
/// A field without quotes that is the null text is null; in quotes it is text. Lists, structs, maps
/// and json are JSON text, bytes base64; numbers may have leading zeros or a plus.
Result<std::unique_ptr<Decoder>> MakeCsvDecoder(const std::vector<ColumnDeclaration>& declared,
                                                const CsvOptions& options,
                                                const std::vector<int>& wanted);

/// Writes what MakeCsvDecoder reads, with quotes only where they are needed. A row of one null
/// column is written as `""` where it would be an empty line.
std::unique_ptr<Encoder> MakeCsvEncoder(const Schema& schema, const CsvOptions& options);

const Format& CsvFormat();

}  // namespace weir

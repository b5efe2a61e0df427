#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "batch/batch.h"
#include "batch/rejection.h"
#include "formats/avro_columns.h"
#include "formats/avro_plan.h"
#include "formats/avro_run.h"

namespace weir {

/// How records of one writer's schema become a job's columns; made once for each schema that is
/// met. Immutable: any number of decoders may use it.
class AvroProgram {
 public:
  /// An error (WEIR-F031) says which field of the reader's schema can't be read from the writer's:
  /// then no record of that schema can be.
  static Result<std::shared_ptr<const AvroProgram>> Make(AvroSchemaPtr writer,
                                                         const AvroColumns& columns);

  const SchemaPtr& schema() const { return columns_.schema(); }

 private:
  friend class AvroDecoder;
  AvroProgram(AvroSchemaPtr writer, const AvroColumns& columns)
      : writer_(std::move(writer)), columns_(columns) {}

  const AvroSchemaPtr writer_;
  const AvroColumns columns_;
  AvroPlan plan_;  // Points into both.
};

/// Turns Avro payloads into columns. Not thread safe; each reader has its own. Costs nothing to
/// call with one program and then with another.
class AvroDecoder {
 public:
  /// Appends one row per good payload (a record's bytes, without a registry's header) to the first
  /// columns of `out`, which are the program's. A bad one appends nothing and is added to
  /// `rejected`, as payload number `first` + its index. One with a null data() is a null value.
  void Decode(const AvroProgram& program, std::span<const std::string_view> payloads,
              BatchBuilder& out, std::vector<Rejection>& rejected, size_t first = 0);

 private:
  AvroRun run_;
};

}  // namespace weir

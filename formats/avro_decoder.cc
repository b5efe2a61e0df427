#include "formats/avro_decoder.h"

#include "formats/avro_compiler.h"
#include "formats/errors.h"

namespace weir {

Result<std::shared_ptr<const AvroProgram>> AvroProgram::Make(AvroSchemaPtr writer,
                                                             const AvroColumns& columns) {
  const std::shared_ptr<AvroProgram> program(new AvroProgram(std::move(writer), columns));
  program->plan_ = WEIR_TRY(CompileAvro(*program->writer_, program->columns_));
  return std::shared_ptr<const AvroProgram>(program);
}

void AvroDecoder::Decode(const AvroProgram& program, std::span<const std::string_view> payloads,
                         BatchBuilder& out, std::vector<Rejection>& rejected, size_t first) {
  // A few rows more are not worth a reservation.
  constexpr size_t kMany = 64;
  const size_t columns = program.schema()->size();
  for (size_t c = 0; c < columns && payloads.size() >= kMany; c++) {
    out.column(c).Reserve(out.column(c).size() + payloads.size());
  }
  for (size_t i = 0; i < payloads.size(); i++) {
    const auto record = static_cast<uint32_t>(first + i);
    if (payloads[i].data() == nullptr) {
      rejected.push_back({record, &errors::kNoRecord, "the record has no value (a tombstone)"});
      continue;
    }
    const size_t row = columns == 0 ? 0 : out.column(0).size();
    if (run_.Record(program.plan_.steps, payloads[i], out)) {
      if (columns == 0) out.AddBareRows(1);
      continue;
    }
    for (size_t c = 0; c < columns; c++) out.column(c).Truncate(row);
    rejected.push_back({record, &run_.code(), run_.reason()});
  }
}

}  // namespace weir

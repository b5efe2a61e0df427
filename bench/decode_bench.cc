// How many records the decoders and the generator turn into columns per second of processor time:
//
//   decode_bench [SECONDS [NAME]]
//
// NAME: only the cases whose name has it.
//
// Prints one line per case: name, rows per second in millions, bytes per record.

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "connectors/generator/kind.h"
#include "formats/avro_decoder.h"
#include "formats/avro_encoder.h"
#include "formats/csv.h"
#include "formats/json.h"
#include "formats/json_decoder.h"

namespace weir {
namespace {

constexpr size_t kBatch = 16384;

BatchPtr Clicks(size_t rows) {
  const GeneratorKind& kind = ClickstreamKind();
  const auto maker = kind.Open({1, 0, 8});
  BatchBuilder builder(kind.schema());
  std::vector<ColumnBuilder*> columns;
  for (size_t c = 0; c < kind.schema()->size(); c++) columns.push_back(&builder.column(c));
  for (size_t r = 0; r < rows; r++) {
    maker->Make(r, EventTime{static_cast<int64_t>(1700000000000000 + r * 300000)}, columns);
  }
  return builder.Finish();
}

std::string_view wanted_name;

/// Calls `batch` over and over; it gives the rows it made.
void Measure(const char* name, double seconds, size_t bytes, const std::function<size_t()>& batch) {
  if (std::string_view(name).find(wanted_name) == std::string_view::npos) return;
  batch();
  const std::clock_t begin = std::clock();
  size_t rows = 0;
  double passed = 0;
  while (passed < seconds) {
    rows += batch();
    passed = static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
  }
  std::printf("%-36s %7.2f M rows/s  %4zu bytes per record\n", name,
              static_cast<double>(rows) / passed / 1e6, bytes);
}

struct Records {
  std::string bytes;
  std::vector<std::string_view> records;
  Records(const Batch& batch, Encoder& encoder) {
    std::vector<size_t> ends;
    for (size_t r = 0; r < batch.rows(); r++) {
      if (!encoder.Encode(batch, r, bytes).ok()) std::abort();
      ends.push_back(bytes.size());
    }
    size_t begin = 0;
    for (size_t end : ends) {
      records.push_back(std::string_view(bytes).substr(begin, end - begin));
      begin = end;
    }
  }
};

void MeasureDecoder(const char* name, double seconds, const Records& records, Decoder& decoder) {
  Measure(name, seconds, records.bytes.size() / records.records.size(), [&] {
    BatchBuilder builder(decoder.schema());
    std::vector<Rejection> rejected;
    if (!decoder.Decode(records.records, builder, rejected).ok() || !rejected.empty()) std::abort();
    return builder.Finish()->rows();
  });
}

/// The clicks as a producer's schema may have them: some fields are unions with null.
constexpr std::string_view kClickSchema = R"({"type": "record", "name": "ClickEvent", "fields": [
  {"name": "ip", "type": "string"},
  {"name": "eventtimestamp", "type": "long"},
  {"name": "devicetype", "type": "string"},
  {"name": "event_type", "type": ["string", "null"]},
  {"name": "product_type", "type": ["string", "null"]},
  {"name": "userid", "type": "int"},
  {"name": "globalseq", "type": "long"},
  {"name": "prevglobalseq", "type": "long", "default": 0}]})";

/// A payload of Avro has no separator and no header; one decoder takes them all.
void MeasureAvro(const char* name, double seconds, const Batch& clicks,
                 const std::vector<int>& wanted) {
  const AvroSchemaPtr schema = AvroSchema::Parse(kClickSchema).value();
  const Records records(clicks, *MakeAvroEncoder(*clicks.schema(), schema).value());
  const AvroColumns columns = AvroColumns::Make(schema, {}, wanted).value();
  const auto program = AvroProgram::Make(schema, columns).value();
  AvroDecoder decoder;
  Measure(name, seconds, records.bytes.size() / records.records.size(), [&] {
    BatchBuilder builder(columns.schema());
    std::vector<Rejection> rejected;
    decoder.Decode(*program, records.records, builder, rejected);
    if (!rejected.empty()) std::abort();
    return builder.Finish()->rows();
  });
}

int Run(double seconds) {
  const BatchPtr clicks = Clicks(kBatch);
  const Schema& schema = *clicks->schema();
  std::vector<ColumnDeclaration> declared;
  for (const Field& field : schema.fields()) {
    ColumnDeclaration column;
    column.name = field.name;
    column.type = field.type;
    declared.push_back(column);
  }
  const std::vector<int> three = {1, 4, 5};
  const std::vector<int> all = {0, 1, 2, 3, 4, 5, 6, 7};
  const auto json = MakeJsonEncoder(schema, {});
  const Records json_records(*clicks, *json);
  MeasureDecoder("json, 3 of 8 fields", seconds, json_records,
                 *MakeJsonDecoder(declared, three).value());
  MeasureDecoder("json, 8 of 8 fields", seconds, json_records,
                 *MakeJsonDecoder(declared, all).value());
  MeasureAvro("avro, 3 of 8 fields", seconds, *clicks, {3, 4, 5});
  MeasureAvro("avro, 8 of 8 fields", seconds, *clicks, all);
  const auto csv = MakeCsvEncoder(schema, {});
  const Records csv_records(*clicks, *csv);
  MeasureDecoder("csv, 3 of 8 fields", seconds, csv_records,
                 *MakeCsvDecoder(declared, {}, three).value());
  Measure("json written, 8 fields", seconds, json_records.bytes.size() / kBatch, [&] {
    std::string out;
    for (size_t r = 0; r < kBatch; r++) {
      if (!json->Encode(*clicks, r, out).ok()) std::abort();
    }
    return kBatch;
  });
  const auto maker = ClickstreamKind().Open({1, 0, 8});
  uint64_t index = 0;
  Measure("clickstream made up, 3 of 8 fields", seconds, 0, [&] {
    BatchBuilder builder(ClickstreamKind().schema());
    std::vector<ColumnBuilder*> columns(8, nullptr);
    for (int c : three) columns[static_cast<size_t>(c)] = &builder.column(static_cast<size_t>(c));
    for (size_t r = 0; r < kBatch; r++) maker->Make(index++, EventTime{0}, columns);
    return kBatch;
  });
  return 0;
}

}  // namespace
}  // namespace weir

int main(int argc, char** argv) {
  if (argc > 2) weir::wanted_name = argv[2];
  return weir::Run(argc > 1 ? std::atof(argv[1]) : 2.0);
}

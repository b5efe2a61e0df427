#pragma once

#include <map>
#include <memory>
#include <string>

#include "formats/avro_decoder.h"
#include "formats/schema_source.h"

namespace weir {

/// Turns records with a registry's frame into columns: each is read by the schema that its id
/// names, as the job's own schema wants it. Waits for none (Decoder::Ready). A record that has no
/// frame, or whose id the registry does not know, is a bad one; a schema that the job's cannot read
/// ends the job (kUnreadableSchema), before anything that was written with it is given out.
class AvroRecordDecoder final : public Decoder {
 public:
  /// Most bytes that a compressed record may unpack to.
  static constexpr size_t kMostUnpacked = 16 << 20;

  /// `registry` for the frames; `subject` for messages.
  AvroRecordDecoder(AvroColumns columns, std::shared_ptr<SchemaRegistry> registry,
                    std::string subject, std::unique_ptr<SchemaSource> source)
      : columns_(std::move(columns)),
        registry_(std::move(registry)),
        subject_(std::move(subject)),
        source_(std::move(source)) {}

  const SchemaPtr& schema() const override { return columns_.schema(); }
  Result<size_t> Ready(std::span<const std::string_view> records) override;
  Status Decode(std::span<const std::string_view> records, BatchBuilder& out,
                std::vector<Rejection>& rejected) override;

 private:
  /// What its records become: rows, or rejections with this reason.
  struct Writer {
    std::shared_ptr<const AvroProgram> program;
    std::string fault;
  };
  const Writer* Known(const SchemaId& id);
  Result<Writer> Compile(const SchemaId& id, const SchemaById& schema) const;

  const AvroColumns columns_;
  const std::shared_ptr<SchemaRegistry> registry_;
  const std::string subject_;
  const std::unique_ptr<SchemaSource> source_;
  std::map<SchemaId, Writer> writers_;
  SchemaId newest_;  ///< Looked up last.
  const Writer* newest_writer_ = nullptr;
  AvroDecoder decoder_;
  std::vector<std::string_view> payloads_;
  std::string unpacked_;
};

}  // namespace weir

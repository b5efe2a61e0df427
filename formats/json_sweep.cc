#include "formats/json_sweep.h"

#include <cstring>

#include <simdjson.h>

#include "base/status.h"

namespace weir {

static_assert(JsonSweep::kPadding >= simdjson::SIMDJSON_PADDING);

JsonSweep::JsonSweep() : text_(kMostBytes + kPadding) {
  const auto error = simdjson::get_active_implementation()->create_dom_parser_implementation(
      kMostBytes, simdjson::DEFAULT_MAX_DEPTH, structure_);
  WEIR_CHECK(!error, simdjson::error_message(error));
}

JsonSweep::~JsonSweep() = default;

size_t JsonSweep::Fitting(std::span<const std::string_view> records) {
  size_t bytes = 0;
  size_t count = 0;
  for (; count < records.size(); count++) {
    bytes += records[count].size() + 1;
    if (bytes > kMostBytes) break;
  }
  return count;
}

bool JsonSweep::Sweep(std::span<const std::string_view> records) {
  ends_.clear();
  char* at = text_.data();
  for (const std::string_view record : records) {
    // Not every kernel of simdjson looks at what an escape in a string is of.
    if (record.ends_with('\\')) return false;
    if (!record.empty()) std::memcpy(at, record.data(), record.size());
    at += record.size();
    ends_.push_back(static_cast<uint32_t>(at - text_.data()));
    *at++ = '\n';
  }
  std::memset(at, 0, kPadding);
  const auto size = static_cast<size_t>(at - text_.data());
  has_escapes_ = std::memchr(text_.data(), '\\', size) != nullptr;
  const auto error = structure_->stage1(reinterpret_cast<const uint8_t*>(text_.data()), size,
                                        simdjson::stage1_mode::regular);
  if (error) return false;
  // It keeps room for more than one token per byte.
  for (size_t i = 0; i < kSentinels; i++) {
    structure_->structural_indexes[structure_->n_structural_indexes + i] =
        static_cast<uint32_t>(size);
  }
  return true;
}

const uint32_t* JsonSweep::tokens() const { return structure_->structural_indexes.get(); }

}  // namespace weir

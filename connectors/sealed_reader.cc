#include "connectors/sealed_reader.h"

#include <span>

#include <fmt/format.h>

namespace weir {
namespace {

/// So much of an outbox in a file is read at once.
constexpr size_t kWindowBytes = 512 << 10;

}  // namespace

void AppendNumber(std::string& out, uint32_t number) {
  while (number >= 0x80) {
    out.push_back(static_cast<char>(number | 0x80));
    number >>= 7;
  }
  out.push_back(static_cast<char>(number));
}

void AppendBytes(std::string& out, std::string_view bytes) {
  AppendNumber(out, static_cast<uint32_t>(bytes.size()));
  out.append(bytes);
}

bool TakeNumber(std::string_view& rest, uint32_t& number) {
  uint64_t value = 0;
  for (size_t i = 0; i < 5 && i < rest.size(); i++) {
    const auto byte = static_cast<uint8_t>(rest[i]);
    value |= static_cast<uint64_t>(byte & 0x7f) << (7 * i);
    if (byte < 0x80) {
      if (value > UINT32_MAX) return false;
      number = static_cast<uint32_t>(value);
      rest.remove_prefix(i + 1);
      return true;
    }
  }
  return false;
}

bool TakeBytes(std::string_view& rest, std::string_view& bytes) {
  uint32_t size = 0;
  if (!TakeNumber(rest, size) || size > rest.size()) return false;
  bytes = rest.substr(0, size);
  rest.remove_prefix(size);
  return true;
}

SealedReader::SealedReader(const SealedPart& sealed, std::string_view magic,
                           const ErrorCode& damaged)
    : sealed_(sealed), damaged_(damaged), window_end_(sealed.bytes.size()), rest_(sealed.bytes) {
  if (sealed.empty()) return;  // Nothing was written in the epoch.
  while (rest_.size() < magic.size() && More()) continue;
  if (rest_.starts_with(magic)) {
    rest_.remove_prefix(magic.size());
  } else if (status_.ok()) {
    Damaged();
  }
}

bool SealedReader::Damaged() {
  status_ = Status(damaged_,
                   fmt::format("a sealed outbox is damaged at byte {} of {}",
                               window_end_ - rest_.size(), sealed_.size()),
                   "take an older checkpoint from which nothing was published yet");
  return false;
}

bool SealedReader::More() {
  if (!sealed_.spool || window_end_ >= sealed_.size()) return false;
  window_.erase(0, window_.size() - rest_.size());
  const size_t left = window_.size();
  window_.resize(left + kWindowBytes);
  Result<size_t> got = sealed_.spool->Read(window_end_, std::span(window_).subspan(left));
  window_.resize(left + (got.ok() ? *got : 0));
  rest_ = window_;
  window_end_ += window_.size() - left;
  if (!got.ok()) status_ = std::move(got).status();
  return status_.ok() && window_.size() > left;
}

}  // namespace weir

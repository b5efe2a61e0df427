#include "formats/avro_binary.h"

namespace weir {

bool AvroCursor::ReadLongOfMany(uint64_t& raw) {
  raw = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    if (at_ == end_) return Fail("the record ends too early");
    const auto byte = static_cast<uint8_t>(*at_++);
    if (shift == 63 && byte > 1) return Fail("a number of more than 64 bits");
    raw |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return true;
  }
  return Fail("a number of more than 64 bits");
}

bool AvroCursor::ReadBlock(uint64_t& count, int64_t& size) {
  int64_t told = 0;
  if (!ReadLong(told)) return false;
  size = -1;
  count = static_cast<uint64_t>(told);
  if (told >= 0) return true;
  count = 0 - count;
  if (!ReadLong(size)) return false;
  return (size >= 0 && static_cast<uint64_t>(size) <= left()) ||
         Fail("the size of a block is wrong");
}

}  // namespace weir

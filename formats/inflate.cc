#include "formats/inflate.h"

#include <zlib.h>

#include <algorithm>

#include "base/check.h"

namespace weir {

bool InflateZlib(std::string_view packed, size_t most, std::string& out) {
  out.clear();
  z_stream stream{};
  WEIR_CHECK(inflateInit(&stream) == Z_OK);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  int result = Z_OK;
  while (result == Z_OK && out.size() < most) {
    const size_t begin = out.size();
    out.resize(std::min(most, std::max<size_t>(begin * 2, 4096)));
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + begin);
    stream.avail_out = static_cast<uInt>(out.size() - begin);
    result = inflate(&stream, Z_NO_FLUSH);
    out.resize(out.size() - stream.avail_out);
    // Neither takes nor gives any more: cut off.
    if (result == Z_BUF_ERROR) break;
  }
  inflateEnd(&stream);
  return result == Z_STREAM_END && stream.avail_in == 0;
}

}  // namespace weir

#include "operators/operator.h"

namespace weir {

RowCounts& RowCounts::operator+=(const RowCounts& other) {
  in += other.in;
  passed += other.passed;
  filtered += other.filtered;
  rejected += other.rejected;
  late += other.late;
  absorbed += other.absorbed;
  released += other.released;
  expanded += other.expanded;
  empty += other.empty;
  made += other.made;
  out += other.out;
  return *this;
}

}  // namespace weir

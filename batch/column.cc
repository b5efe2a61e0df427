#include "batch/column.h"

#include <algorithm>

namespace weir {
namespace {

bool HasOffsets(const Type& type) {
  return type.IsText() || type.Is(TypeKind::kList) || type.Is(TypeKind::kMap);
}

}  // namespace

Column::Column(Parts parts) : parts_(std::move(parts)) {
  WEIR_CHECK(parts_.validity.empty() || parts_.validity.size() == parts_.size);
  if (parts_.type.width() > 0) {
    WEIR_CHECK(parts_.values.size() == parts_.size * parts_.type.width());
  }
  if (HasOffsets(parts_.type)) {
    WEIR_CHECK(parts_.offsets.size() == parts_.size + 1);
    const size_t end = parts_.type.IsText() ? parts_.bytes.size() : parts_.children.at(0)->size();
    WEIR_CHECK(parts_.offsets.front() == 0 && parts_.offsets.back() == end);
  }
  WEIR_CHECK(parts_.children.size() == parts_.type.children().size());
}

size_t Column::MemoryBytes() const {
  size_t sum = parts_.validity.size() + parts_.values.size() + parts_.offsets.size() * 4 +
               parts_.bytes.size();
  for (const ColumnPtr& child : parts_.children) sum += child->MemoryBytes();
  return sum;
}

ColumnBuilder::ColumnBuilder(Type type) : width_(type.width()) {
  parts_.type = std::move(type);
  if (HasOffsets(parts_.type)) parts_.offsets.push_back(0);
  for (const Field& field : parts_.type.children()) {
    children_.push_back(std::make_unique<ColumnBuilder>(field.type));
  }
}

void ColumnBuilder::Reserve(size_t rows) {
  if (rows * width_ > parts_.values.size()) parts_.values.resize(rows * width_);
  if (HasOffsets(parts_.type) && rows >= parts_.offsets.size()) parts_.offsets.resize(rows + 1);
}

void ColumnBuilder::GrowValues() {
  constexpr size_t kFirstRows = 16;
  parts_.values.resize(std::max(kFirstRows * width_, 2 * parts_.values.size()));
}
void ColumnBuilder::GrowOffsets() { parts_.offsets.resize(2 * parts_.offsets.size() + 16); }
void ColumnBuilder::GrowBytes(size_t least) {
  parts_.bytes.resize(std::max(least, 2 * parts_.bytes.size()));
}

void ColumnBuilder::AppendNull() {
  if (parts_.validity.empty()) parts_.validity.assign(parts_.size, 1);
  if ((parts_.size + 1) * width_ > parts_.values.size()) GrowValues();
  std::fill_n(parts_.values.begin() + static_cast<std::ptrdiff_t>(parts_.size * width_), width_,
              std::byte{0});
  if (HasOffsets(parts_.type)) AppendOffset(parts_.offsets[parts_.size]);
  parts_.validity.push_back(0);
  parts_.size++;
  if (parts_.type.Is(TypeKind::kStruct)) {
    for (auto& field : children_) field->AppendNull();
  }
}

void ColumnBuilder::AppendNested() {
  if (!parts_.type.Is(TypeKind::kStruct)) AppendOffset(children_[0]->size());
  Grown();
}

void ColumnBuilder::AppendFrom(const Column& from, size_t i) {
  if (from.IsNull(i) || from.type().Is(TypeKind::kNull)) {
    AppendNull();
    return;
  }
  if (from.type().IsText()) {
    AppendText(from.text(i));
    return;
  }
  switch (from.type().kind()) {
    case TypeKind::kList:
    case TypeKind::kMap:
      for (uint32_t k = from.offsets()[i]; k < from.offsets()[i + 1]; k++) {
        for (size_t c = 0; c < children_.size(); c++) children_[c]->AppendFrom(*from.child(c), k);
      }
      AppendNested();
      return;
    case TypeKind::kStruct:
      for (size_t c = 0; c < children_.size(); c++) children_[c]->AppendFrom(*from.child(c), i);
      AppendNested();
      return;
    default:
      break;
  }
  switch (from.type().width()) {
    case 1:
      Append(from.values<uint8_t>()[i]);
      return;
    case 4:
      Append(from.values<int32_t>()[i]);
      return;
    case 8:
      Append(from.values<int64_t>()[i]);
      return;
    default:
      Append(from.values<Int128>()[i]);
  }
}

void ColumnBuilder::Truncate(size_t rows) {
  if (rows > parts_.size) return;
  // Of a nested value that was begun and not appended the children already have a part.
  const size_t whole = HasOffsets(parts_.type) ? parts_.offsets[rows] : rows;
  for (auto& child : children_) child->Truncate(whole);
  if (rows == parts_.size) return;
  parts_.size = rows;
  if (!parts_.validity.empty()) {
    parts_.validity.resize(rows);
    if (std::find(parts_.validity.begin(), parts_.validity.end(), 0) == parts_.validity.end()) {
      parts_.validity.clear();
    }
  }
}

ColumnPtr ColumnBuilder::Finish() {
  parts_.values.resize(parts_.size * width_);
  if (HasOffsets(parts_.type)) {
    parts_.offsets.resize(parts_.size + 1);
    if (parts_.type.IsText()) parts_.bytes.resize(parts_.offsets.back());
  }
  for (auto& child : children_) parts_.children.push_back(child->Finish());
  Type type = parts_.type;
  auto column = std::make_shared<const Column>(std::move(parts_));
  parts_ = {};
  parts_.type = std::move(type);
  if (HasOffsets(parts_.type)) parts_.offsets.push_back(0);
  return column;
}

namespace {

template <typename T>
void Gather(const Column& column, std::span<const uint32_t> rows, Column::Parts& parts) {
  parts.values.resize(rows.size() * sizeof(T));
  auto* out = reinterpret_cast<T*>(parts.values.data());
  const std::span<const T> in = column.values<T>();
  for (size_t i = 0; i < rows.size(); i++) out[i] = in[rows[i]];
}

}  // namespace

ColumnPtr Take(const ColumnPtr& column, std::span<const uint32_t> rows) {
  Column::Parts parts;
  parts.type = column->type();
  parts.size = rows.size();
  if (column->has_nulls()) {
    parts.validity.resize(rows.size());
    bool any_null = false;
    for (size_t i = 0; i < rows.size(); i++) {
      parts.validity[i] = column->validity()[rows[i]];
      any_null |= parts.validity[i] == 0;
    }
    if (!any_null && !column->type().Is(TypeKind::kNull)) parts.validity.clear();
  }
  switch (column->type().width()) {
    case 1:
      Gather<uint8_t>(*column, rows, parts);
      break;
    case 4:
      Gather<int32_t>(*column, rows, parts);
      break;
    case 8:
      Gather<int64_t>(*column, rows, parts);
      break;
    case 16:
      Gather<Int128>(*column, rows, parts);
      break;
    default:
      break;
  }
  if (HasOffsets(column->type())) {
    const std::span<const uint32_t> offsets = column->offsets();
    parts.offsets.resize(rows.size() + 1);
    uint32_t end = 0;
    for (size_t i = 0; i < rows.size(); i++) {
      parts.offsets[i] = end;
      end += offsets[rows[i] + 1] - offsets[rows[i]];
    }
    parts.offsets[rows.size()] = end;
    if (column->type().IsText()) {
      parts.bytes.reserve(end);
      for (uint32_t row : rows) parts.bytes.append(column->text(row));
    } else {
      std::vector<uint32_t> elements;
      elements.reserve(end);
      for (uint32_t row : rows) {
        for (uint32_t k = offsets[row]; k < offsets[row + 1]; k++) elements.push_back(k);
      }
      for (const ColumnPtr& child : column->children()) {
        parts.children.push_back(Take(child, elements));
      }
    }
  } else {
    for (const ColumnPtr& child : column->children()) parts.children.push_back(Take(child, rows));
  }
  return std::make_shared<const Column>(std::move(parts));
}

ColumnPtr NullColumn(const Type& type, size_t size) {
  ColumnBuilder builder(type);
  for (size_t i = 0; i < size; i++) builder.AppendNull();
  return builder.Finish();
}

}  // namespace weir

#include "formats/avro_compiler.h"

#include <map>

#include <fmt/format.h>

#include "batch/render.h"
#include "formats/avro_leaf.h"
#include "formats/avro_match.h"
#include "formats/avro_run.h"
#include "formats/errors.h"

namespace weir {
namespace {

constexpr size_t kMostNodes = 100000;
constexpr int kDeepestCompile = 256;

Status Mismatch(std::string_view what) {
  return Status(errors::kAvroResolution, std::string(what),
                "write with a schema that the reader's can read, or read with a newer one");
}

/// Where columns stand in a record, as a tree of field names.
struct Place {
  std::vector<size_t> columns;  // That take the whole value.
  std::map<std::string, Place, std::less<>> below;

  void AllColumns(std::vector<size_t>& all) const {
    all.insert(all.end(), columns.begin(), columns.end());
    for (const auto& [name, place] : below) place.AllColumns(all);
  }
};

/// A column, or a field of a struct, to be filled.
struct Slot {
  Type type;
  const TimeReader* times;
};
using Slots = std::vector<Slot>;
using Steps = std::vector<AvroStep>;

std::string Joined(const std::string& path, const std::string& name) {
  return path.empty() ? name : path + "." + name;
}

void Append(Steps& to, Steps&& from) {
  to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
}

class Compiler {
 public:
  Result<AvroPlan> Whole(const AvroSchema& writer, const AvroColumns& columns) {
    Slots slots;
    Place root;
    for (const AvroColumn& column : columns.columns()) {
      Place* place = &root;
      for (const std::string& name : column.path) place = &place->below[name];
      place->columns.push_back(slots.size());
      slots.push_back({column.type, &column.times});
    }
    plan_.steps = WEIR_TRY(Below(writer.root(), columns.reader()->root(), root, slots, ""));
    WEIR_TRY(JsonDefaults());
    return std::move(plan_);
  }

 private:
  /// A field of a record that becomes JSON, and was not written.
  struct PendingDefault {
    AvroNode* record;
    size_t field;
    const std::string* bytes;
    const AvroNode* node;
  };

  Result<AvroNode*> New(AvroSource source, const AvroType& writer) {
    if (plan_.nodes.size() >= kMostNodes) return Mismatch("the schemas are too involved");
    AvroNode& node = plan_.nodes.emplace_back();
    node.source = source;
    node.writer = &writer;
    return &node;
  }
  Result<AvroNode*> NewFault(const AvroType& writer, const Status& status) {
    AvroNode* const node = WEIR_TRY(New(AvroSource::kFault, writer));
    node->fault = status.message();
    return node;
  }

  // --- places -----------------------------------------------------------------------------------

  /// The steps that fill the columns at and below `place` from a record, or a union of records.
  Result<Steps> Below(const AvroType& writer, const AvroType& reader, const Place& place,
                      const Slots& slots, const std::string& path) {
    if (!writer.Is(AvroKind::kUnion)) return BelowOne(writer, reader, place, slots, path);
    AvroStep step;
    step.what = AvroStep::Do::kBranch;
    step.name = path;
    for (const AvroType* branch : writer.parts) {
      Result<Steps> steps = BelowOne(*branch, reader, place, slots, path);
      if (!steps.ok()) {
        AvroStep fault;
        fault.what = AvroStep::Do::kFault;
        fault.name = path;
        fault.node = WEIR_TRY(NewFault(*branch, steps.status()));
        steps = Steps{fault};
      }
      step.branches.push_back(std::move(*steps));
    }
    return Steps{std::move(step)};
  }

  Result<Steps> BelowOne(const AvroType& writer, const AvroType& reader, const Place& place,
                         const Slots& slots, const std::string& path) {
    const AvroType* const one =
        reader.Is(AvroKind::kUnion) ? AvroBranchFor(writer, reader) : &reader;
    if (one == nullptr || !AvroMatches(writer, *one)) {
      return Mismatch(AvroMismatch(writer, reader)).WithContext(path.empty() ? "record" : path);
    }
    if (one->Is(AvroKind::kRecord)) return Record(writer, *one, place, slots, path);
    std::vector<size_t> columns;
    place.AllColumns(columns);
    Steps steps;
    for (size_t column : columns) steps.push_back(Fill(AvroStep::Do::kNull, column, path));
    return steps;
  }

  static AvroStep Fill(AvroStep::Do what, size_t column, const std::string& path) {
    AvroStep step;
    step.what = what;
    step.column = column;
    step.name = path;
    return step;
  }

  Result<Steps> Record(const AvroType& writer, const AvroType& reader, const Place& place,
                       const Slots& slots, const std::string& path) {
    // For each field that was written, what reads it.
    std::vector<std::vector<Steps>> takers(writer.fields.size());
    Steps missing;
    for (const auto& [name, inner] : place.below) {
      const AvroField* const field = reader.Find(name);
      WEIR_CHECK(field != nullptr, "a column without a field");
      const std::string at = Joined(path, name);
      const int written = AvroFieldFor(writer, *field);
      if (written < 0) {
        Append(missing, WEIR_TRY(Default(*field, inner, slots, at)));
        continue;
      }
      const auto index = static_cast<size_t>(written);
      std::vector<Steps> taken =
          WEIR_TRY(Field(*writer.fields[index].type, *field->type, inner, slots, at));
      for (Steps& one : taken) takers[index].push_back(std::move(one));
    }
    Steps steps;
    for (size_t i = 0; i < takers.size(); i++) {
      if (takers[i].empty()) {
        AddAvroSkip(*writer.fields[i].type, Joined(path, writer.fields[i].name), steps);
      }
      for (size_t k = 0; k < takers[i].size(); k++) {
        if (k + 1 == takers[i].size()) {
          Append(steps, std::move(takers[i][k]));
          continue;
        }
        AvroStep peek = Fill(AvroStep::Do::kPeek, 0, path);
        peek.branches.push_back(std::move(takers[i][k]));
        steps.push_back(std::move(peek));
      }
    }
    Append(steps, std::move(missing));
    return steps;
  }

  /// Each of the results reads the whole field.
  Result<std::vector<Steps>> Field(const AvroType& writer, const AvroType& reader,
                                   const Place& place, const Slots& slots,
                                   const std::string& path) {
    std::vector<Steps> takers;
    for (size_t column : place.columns) {
      Result<const AvroNode*> node =
          Value(writer, reader, slots[column].type, *slots[column].times);
      if (!node.ok()) return std::move(node).status().WithContext(path);
      AvroStep step = AvroReadStep(**node);
      step.column = column;
      step.name = path;
      takers.push_back({std::move(step)});
    }
    if (!place.below.empty()) {
      Place inner;
      inner.below = place.below;
      takers.push_back(WEIR_TRY(Below(writer, reader, inner, slots, path)));
    }
    return takers;
  }

  /// What the columns at `place` get where `field` was not written.
  Result<Steps> Default(const AvroField& field, const Place& place, const Slots& slots,
                        const std::string& path) {
    if (!field.default_json) {
      return Mismatch("was not written, and has no default").WithContext(path);
    }
    std::vector<weir::Field> fields;
    for (const Slot& slot : slots) fields.push_back({"", slot.type});
    BatchBuilder builder(std::make_shared<const Schema>(std::move(fields)));
    for (const Steps& steps : WEIR_TRY(Field(*field.type, *field.type, place, slots, path))) {
      AvroRun run;
      if (!run.Record(steps, field.default_bytes, builder)) {
        return Mismatch("its default: " + run.reason()).WithContext(path);
      }
    }
    std::vector<size_t> columns;
    place.AllColumns(columns);
    Steps steps;
    for (size_t column : columns) {
      AvroStep step = Fill(AvroStep::Do::kDefault, column, path);
      step.value = builder.column(column).Finish();
      steps.push_back(std::move(step));
    }
    return steps;
  }

  // --- values of columns ------------------------------------------------------------------------

  Result<const AvroNode*> Value(const AvroType& writer, const AvroType& reader, const Type& type,
                                const TimeReader& times) {
    if (type.Is(TypeKind::kJson)) {
      const AvroNode* const inner = WEIR_TRY(Json(writer, reader));
      if (inner->source == AvroSource::kFault) return Mismatch(inner->fault);
      AvroNode* const node = WEIR_TRY(New(AvroSource::kJson, writer));
      node->parts.push_back(inner);
      return node;
    }
    if (writer.Is(AvroKind::kUnion)) {
      AvroNode* const node = WEIR_TRY(New(AvroSource::kUnion, writer));
      for (const AvroType* branch : writer.parts) {
        const Result<const AvroNode*> part = Value(*branch, reader, type, times);
        node->parts.push_back(part.ok() ? *part : WEIR_TRY(NewFault(*branch, part.status())));
      }
      return node;
    }
    if (reader.Is(AvroKind::kUnion)) {
      const AvroType* const branch = AvroBranchFor(writer, reader);
      if (branch == nullptr) return Mismatch(AvroMismatch(writer, reader));
      return Value(writer, *branch, type, times);
    }
    if (!AvroMatches(writer, reader)) return Mismatch(AvroMismatch(writer, reader));
    if (reader.Is(AvroKind::kRecord)) {
      AvroNode* const node = WEIR_TRY(New(AvroSource::kRecord, writer));
      Place place;
      Slots slots;
      for (const weir::Field& field : type.children()) {
        place.below[field.name].columns.push_back(slots.size());
        slots.push_back({field.type, &times});
      }
      node->steps = WEIR_TRY(Record(writer, reader, place, slots, ""));
      return node;
    }
    if (reader.Is(AvroKind::kArray) || reader.Is(AvroKind::kMap)) {
      const bool is_map = reader.Is(AvroKind::kMap);
      AvroNode* const node = WEIR_TRY(New(is_map ? AvroSource::kMap : AvroSource::kArray, writer));
      node->parts.push_back(WEIR_TRY(
          Value(*writer.parts[0], *reader.parts[0], type.children()[is_map ? 1 : 0].type, times)));
      return node;
    }
    AvroNode* const node = WEIR_TRY(New(AvroSource::kNull, writer));
    FillAvroLeaf(writer, reader, type, times, *node);
    return node;
  }

  // --- JSON -------------------------------------------------------------------------------------

  /// What can't be read becomes a fault in its place: types may hold themselves, and so may nodes.
  Result<const AvroNode*> Json(const AvroType& writer, const AvroType& reader) {
    const auto known = json_.find({&writer, &reader});
    if (known != json_.end()) return known->second;
    if (depth_ == kDeepestCompile) return Mismatch("the schemas are nested too deep");
    AvroNode* const node = WEIR_TRY(New(AvroSource::kFault, writer));
    json_[{&writer, &reader}] = node;
    depth_++;
    const Status status = FillJson(writer, reader, *node);
    depth_--;
    if (!status.ok()) {
      node->source = AvroSource::kFault;
      node->fault = status.message();
    }
    return node;
  }

  Status FillJson(const AvroType& writer, const AvroType& reader, AvroNode& node) {
    if (writer.Is(AvroKind::kUnion)) {
      node.source = AvroSource::kUnion;
      for (const AvroType* branch : writer.parts) {
        node.parts.push_back(WEIR_TRY(Json(*branch, reader)));
      }
      return Status::Ok();
    }
    const AvroType* const one =
        reader.Is(AvroKind::kUnion) ? AvroBranchFor(writer, reader) : &reader;
    if (one == nullptr || !AvroMatches(writer, *one)) {
      return Mismatch(AvroMismatch(writer, reader));
    }
    switch (one->kind) {
      case AvroKind::kArray:
      case AvroKind::kMap:
        node.source = one->Is(AvroKind::kMap) ? AvroSource::kMap : AvroSource::kArray;
        node.parts.push_back(WEIR_TRY(Json(*writer.parts[0], *one->parts[0])));
        return Status::Ok();
      case AvroKind::kRecord:
        return FillJsonRecord(writer, *one, node);
      default: {
        static const TimeReader kTimes;
        Result<Type> type = ColumnTypeOf(*one, Describe(*one));
        if (!type.ok()) return Mismatch(type.status().message());
        FillAvroLeaf(writer, *one, *type, kTimes, node);
        return Status::Ok();
      }
    }
  }

  Status FillJsonRecord(const AvroType& writer, const AvroType& reader, AvroNode& node) {
    node.source = AvroSource::kRecord;
    for (const AvroField& field : reader.fields) {
      AvroNode::JsonField made;
      AppendJsonString(made.name, field.name);
      made.name += ':';
      made.written = AvroFieldFor(writer, field);
      if (made.written >= 0) {
        const AvroField& written = writer.fields[static_cast<size_t>(made.written)];
        made.node = WEIR_TRY(Json(*written.type, *field.type));
      } else if (!field.default_json) {
        return Mismatch("was not written, and has no default").WithContext(field.name);
      } else {
        pending_.push_back({&node, node.json_fields.size(), &field.default_bytes,
                            WEIR_TRY(Json(*field.type, *field.type))});
      }
      node.json_fields.push_back(std::move(made));
    }
    return Status::Ok();
  }

  /// Once all nodes are whole. In a default every field is there.
  Status JsonDefaults() {
    for (const PendingDefault& pending : pending_) {
      if (pending.record->source == AvroSource::kFault) continue;
      AvroRun run;
      if (!run.Json(*pending.node, *pending.bytes,
                    pending.record->json_fields[pending.field].otherwise)) {
        return Mismatch("a default: " + run.reason());
      }
    }
    return Status::Ok();
  }

  AvroPlan plan_;
  std::map<std::pair<const AvroType*, const AvroType*>, const AvroNode*> json_;
  std::vector<PendingDefault> pending_;
  int depth_ = 0;
};

}  // namespace

Result<AvroPlan> CompileAvro(const AvroSchema& writer, const AvroColumns& columns) {
  return Compiler().Whole(writer, columns);
}

}  // namespace weir

#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "expr/ast.h"
#include "expr/node.h"

namespace weir {

/// A call being evaluated.
struct Call {
  std::span<const Vector> arguments;
  size_t rows;       ///< Values to give: 1 where all arguments are constant.
  const Type& type;  ///< Of the result.
  Frame& frame;
  const Node& node;
  bool constant;

  const Vector& operator[](size_t i) const { return arguments[i]; }
  /// The row has no result; give it a null.
  void Fail(size_t row, std::string_view what) const {
    if (constant) {
      frame.FailAll(node, what);
    } else {
      frame.Fail(row, node, what);
    }
  }
};
using Kernel = std::function<Vector(const Call&)>;

/// A call being bound: its arguments, already converted to what the signature says.
class CallBinder {
 public:
  struct Argument {
    NodePtr node;
    size_t offset = 0;
    size_t length = 0;
    std::string text = {};  ///< As written, cut.
  };
  CallBinder(std::string_view name, std::vector<Argument> arguments, std::string text,
             std::vector<ExpressionFault>& faults)
      : name_(name), arguments_(std::move(arguments)), text_(std::move(text)), faults_(faults) {}

  size_t size() const { return arguments_.size(); }
  const NodePtr& node(size_t i) const { return arguments_[i].node; }
  const Type& type(size_t i) const { return arguments_[i].node->type; }
  const std::string& text(size_t i) const { return arguments_[i].text; }
  const std::string& text() const { return text_; }

  /// Converts argument i where that loses nothing; otherwise a fault and false.
  bool Convert(size_t i, const Type& type);
  /// Converts all arguments from `first` to the one type that holds them; nullopt after a fault.
  std::optional<Type> Unify(size_t first);
  /// The text of argument i, which must be a literal; nullopt after a fault.
  std::optional<std::string> LiteralText(size_t i, std::string_view what);
  /// Says what is wrong with argument i; gives null, so that a binder can return it.
  NodePtr Fault(size_t i, std::string message, std::string cure = {});

  struct Traits {
    bool can_fail = false;
    bool pure = true;
    bool strict = true;  ///< A null argument gives null without asking the kernel.
  };
  /// The call's node.
  NodePtr Make(Type result, Kernel kernel, Traits traits) const;
  NodePtr Make(Type result, Kernel kernel) const {
    return Make(std::move(result), std::move(kernel), Traits());
  }

 private:
  std::string_view name_;
  std::vector<Argument> arguments_;
  std::string text_;
  std::vector<ExpressionFault>& faults_;
};

/// One function of the language: all that is known of it stands here.
struct Function {
  std::string_view name;
  std::string_view group;
  /// `(text string, start int64, [length int64]) -> string`: count and types of the arguments are
  /// checked by it. `[ ]` may be left out, `...` may be repeated. A word that names no type (any,
  /// number) is checked by `bind`.
  std::string_view signature;
  std::string_view help;
  std::string_view example;
  std::string_view result;  ///< Of the example, as JSON; empty where it can't be told beforehand.
  NodePtr (*bind)(CallBinder& call);
};

/// A name of another dialect: it means `counterpart`, or nothing here and `hint` says what to do.
struct ForeignName {
  std::string_view name;
  std::string_view counterpart;
  std::string_view hint;
};

std::span<const Function> TextFunctions();
std::span<const Function> PatternFunctions();
std::span<const Function> TimeFunctions();
std::span<const Function> NumberFunctions();
std::span<const Function> ListFunctions();
std::span<const Function> OtherFunctions();
std::span<const Function> GeographyFunctions();
std::span<const ForeignName> ForeignNames();

/// All of them, in the order of the reference page.
const std::vector<const Function*>& AllFunctions();
/// Null where there is none.
const Function* FindFunction(std::string_view name);

/// The name that a function or aggregate has here: its own, or that of its twin.
std::string_view ResolveName(std::string_view name);
/// Null where the name is not one of another dialect.
const ForeignName* FindForeign(std::string_view name);

/// The type that holds values of both without a cast: equal types, null with anything, ints with
/// wider ints, decimals and doubles, date with timestamp.
std::optional<Type> CommonType(const Type& a, const Type& b);
/// Whether `from` becomes `to` by itself.
bool ConvertsTo(const Type& from, const Type& to);

/// A kernel that gives one value per row where no argument is null:
/// `f(call, row, out)` appends exactly one value to `out`.
template <typename F>
Kernel EachRow(F f) {
  return [f = std::move(f)](const Call& call) -> Vector {
    ColumnBuilder out(call.type);
    out.Reserve(call.rows);
    for (size_t row = 0; row < call.rows; row++) {
      bool null = false;
      for (const Vector& argument : call.arguments) null |= argument.IsNull(row);
      if (null) {
        out.AppendNull();
      } else {
        f(call, row, out);
      }
    }
    return {out.Finish(), call.constant};
  };
}

/// Whether the call `ast` has as many arguments as `signature` says; a fault if not.
bool CheckCall(const Ast& ast, std::string_view name, std::string_view signature,
               std::vector<ExpressionFault>& faults);
/// Converts the arguments to the types that `signature` names; false after a fault.
bool ConvertArguments(std::string_view signature, CallBinder& call);

/// Whether no argument of the call is null in `row`.
inline std::vector<uint8_t> StrictValidity(const Call& call) {
  std::vector<uint8_t> joint;
  for (const Vector& argument : call.arguments) {
    if (argument.constant || !argument.has_nulls()) continue;
    if (joint.empty()) joint.assign(call.rows, 1);
    for (size_t i = 0; i < call.rows; i++) joint[i] &= argument.column->validity()[i];
  }
  return joint;
}

}  // namespace weir

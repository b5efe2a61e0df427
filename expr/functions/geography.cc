#include <array>
#include <cmath>

#include <fmt/format.h>

#include "expr/functions/function.h"
#include "expr/kernels.h"

namespace weir {
namespace {

constexpr double kEarthRadiusMeters = 6371008.8;  // Mean radius R1 of IUGG.
constexpr double kRadians = 3.14159265358979323846 / 180;
constexpr int64_t kLongestGeohash = 12;

/// The geohash of a place: bits of longitude and latitude by turns, five to a letter.
void AppendGeohash(double latitude, double longitude, int64_t length, ColumnBuilder& out) {
  static constexpr char kLetters[] = "0123456789bcdefghjkmnpqrstuvwxyz";
  double south = -90;
  double north = 90;
  double west = -180;
  double east = 180;
  char text[kLongestGeohash];
  bool is_longitude = true;
  for (int64_t i = 0; i < length; i++) {
    unsigned letter = 0;
    for (int bit = 0; bit < 5; bit++) {
      double& low = is_longitude ? west : south;
      double& high = is_longitude ? east : north;
      const double middle = (low + high) / 2;
      const bool upper = (is_longitude ? longitude : latitude) >= middle;
      letter = letter << 1 | (upper ? 1u : 0u);
      (upper ? low : high) = middle;
      is_longitude = !is_longitude;
    }
    text[i] = kLetters[letter];
  }
  out.AppendText({text, static_cast<size_t>(length)});
}

bool IsPlace(double latitude, double longitude) {
  return latitude >= -90 && latitude <= 90 && longitude >= -180 && longitude <= 180;
}

NodePtr BindGeohash(CallBinder& call) {
  if (const Column* length = call.node(2)->Literal(); length != nullptr && !length->IsNull(0)) {
    const int64_t value = length->values<int64_t>()[0];
    if (value < 1 || value > kLongestGeohash) {
      return call.Fault(2, fmt::format("a geohash has 1 to {} characters", kLongestGeohash));
    }
  }
  return call.Make(TypeKind::kString, EachRow([](const Call& c, size_t row, ColumnBuilder& out) {
                     const auto latitude = c[0].Get<double>(row);
                     const auto longitude = c[1].Get<double>(row);
                     const auto length = c[2].Get<int64_t>(row);
                     if (!IsPlace(latitude, longitude) || length < 1 || length > kLongestGeohash) {
                       c.Fail(row,
                              "a place has latitude -90..90 and longitude -180..180, a "
                              "geohash 1 to 12 characters");
                       return out.AppendNull();
                     }
                     AppendGeohash(latitude, longitude, length, out);
                   }),
                   {.can_fail = true});
}

NodePtr BindWithinBox(CallBinder& call) {
  return call.Make(TypeKind::kBool, [](const Call& c) -> Vector {
    ColumnOutput<uint8_t> out(TypeKind::kBool, c.rows);
    out.parts.validity = StrictValidity(c);
    bool fixed_box = !c[0].constant && !c[1].constant;
    for (size_t i = 2; i < 6; i++) fixed_box &= c[i].constant;
    if (fixed_box) {
      const double* latitude = c[0].column->values<double>().data();
      const double* longitude = c[1].column->values<double>().data();
      const double south = c[2].Get<double>(0);
      const double west = c[3].Get<double>(0);
      const double north = c[4].Get<double>(0);
      const double east = c[5].Get<double>(0);
      for (size_t i = 0; i < c.rows; i++) {
        out.values[i] = static_cast<uint8_t>((latitude[i] >= south) & (latitude[i] <= north) &
                                             (longitude[i] >= west) & (longitude[i] <= east));
      }
    } else {
      for (size_t i = 0; i < c.rows; i++) {
        const auto latitude = c[0].Get<double>(i);
        const auto longitude = c[1].Get<double>(i);
        out.values[i] = latitude >= c[2].Get<double>(i) && latitude <= c[4].Get<double>(i) &&
                                longitude >= c[3].Get<double>(i) && longitude <= c[5].Get<double>(i)
                            ? 1
                            : 0;
      }
    }
    return std::move(out).Done(c.constant);
  });
}

NodePtr BindHaversine(CallBinder& call) {
  return call.Make(TypeKind::kDouble, EachRow([](const Call& c, size_t row, ColumnBuilder& out) {
                     const double a = c[0].Get<double>(row) * kRadians;
                     const double b = c[2].Get<double>(row) * kRadians;
                     const double turn = (c[3].Get<double>(row) - c[1].Get<double>(row)) * kRadians;
                     const double rise = std::sin((b - a) / 2);
                     const double side = std::sin(turn / 2);
                     const double chord = rise * rise + std::cos(a) * std::cos(b) * side * side;
                     out.Append(2 * kEarthRadiusMeters * std::asin(std::sqrt(std::fmin(chord, 1))));
                   }));
}

constexpr std::array kFunctions = {
    Function{"geohash", "geography", "(latitude double, longitude double, length int64) -> string",
             "The geohash of a place, 1 to 12 characters; a place off the globe is a row error.",
             "geohash(57.64911, 10.40744, 7)", "\"u4pruyd\"", BindGeohash},
    Function{"within_box", "geography",
             "(latitude double, longitude double, south double, west double, north double, east "
             "double) -> bool",
             "Whether the place is in the box; the edges are inside.",
             "within_box(40.64, -73.78, 40.632, -73.800, 40.654, -73.761)", "true", BindWithinBox},
    Function{"haversine", "geography",
             "(latitude1 double, longitude1 double, latitude2 double, longitude2 double) -> double",
             "Meters between two places along the globe.",
             "round(haversine(40.6413, -73.7781, 40.7769, -73.8740))", "17108.0", BindHaversine},
};

}  // namespace

std::span<const Function> GeographyFunctions() { return kFunctions; }

}  // namespace weir

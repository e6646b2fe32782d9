#include "kit/model/known_models.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "kit/error.h"

namespace kvlab {

const KnownModel& FindKnownModel(std::string_view name) {
  const auto* const found =
      std::ranges::find(kKnownModels, name, &KnownModel::name);
  if (found != kKnownModels.end()) return *found;
  std::string names;
  for (const KnownModel& model : kKnownModels) {
    names += (names.empty() ? "" : ", ") + std::string(model.name);
  }
  throw ContractError(
      "FindKnownModel: unknown model \"" + std::string(name) + "\"",
      "the table has " + names, "use one of these names");
}

}  // namespace kvlab

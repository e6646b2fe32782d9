// The page's sections, in its order. Each is null if it was not measured.

import { section as bandwidth } from "./bandwidth.mjs";
import { section as beyond } from "./beyond.mjs";
import { section as control } from "./control_against_cache.mjs";
import { section as knownModels } from "./known_models.mjs";
import { section as memo } from "./memo.mjs";
import { section as memory } from "./memory.mjs";
import { section as space } from "./space_against_time.mjs";

export function sectionsOf(results) {
  return [control, memory, space, memo, bandwidth, beyond, knownModels]
    .map((section) => section(results))
    .filter((section) => section !== null);
}

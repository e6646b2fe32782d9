// The interactive figure: stepping through a generation with and without the
// memo. Runs in the browser; the counts are the measured ones.

const SIGNS = { empty: "", computed: "●", found: "○" };
const SPOKEN = {
  empty: "not computed yet",
  computed: "computed",
  found: "found",
};

// What happens to entry (any layer, position) at a step: positions from 0,
// steps from 1.
export function entryAt(position, step, memo) {
  if (position >= step) return "empty";
  return memo && position < step - 1 ? "found" : "computed";
}

// Counts of a step and of all steps up to it.
export function countsAt(steps, step, memo) {
  const of = (entry) => ({
    computed: memo ? entry.computed_with : entry.computed_without,
    found: memo ? entry.hits : 0,
  });
  const now = step > 0 ? of(steps[step - 1]) : { computed: 0, found: 0 };
  const total = { computed: 0, found: 0 };
  for (const entry of steps.slice(0, step)) {
    total.computed += of(entry).computed;
    total.found += of(entry).found;
  }
  return { now, total };
}

// Throws if the picture would not show the measured numbers.
export function check({ numLayers, steps }) {
  for (const memo of [false, true]) {
    for (const { step } of steps) {
      const drawn = { computed: 0, found: 0, empty: 0 };
      for (let position = 0; position < steps.length; position += 1) {
        drawn[entryAt(position, step, memo)] += numLayers;
      }
      const { now } = countsAt(steps, step, memo);
      if (now.computed !== drawn.computed || now.found !== drawn.found) {
        throw new Error(
          `memo: counts of step ${step} do not match the drawing`,
        );
      }
    }
  }
}

function sentence(state, data) {
  if (state.step === 0) {
    return "Nothing is computed yet. Press Step, or the right arrow key.";
  }
  const { now, total } = countsAt(data.steps, state.step, state.memo);
  const needed = data.numLayers * state.step;
  return (
    `Step ${state.step} of ${data.steps.length}, ` +
    `${state.memo ? "with" : "without"} a memo: ${needed} entries needed, ` +
    `${now.computed} computed, ${now.found} found. ` +
    `So far ${total.computed} computed and ${total.found} found.`
  );
}

function makeTable(data) {
  const table = document.createElement("table");
  const caption = table.createCaption();
  caption.textContent =
    "Entries: keys and values of a token in a layer. " +
    "● computed in this step, ○ found in the memo.";
  const head = table.createTHead().insertRow();
  const corner = document.createElement("th");
  corner.scope = "col";
  corner.textContent = "Layer";
  head.append(corner);
  for (const { step } of data.steps) {
    const cell = document.createElement("th");
    cell.scope = "col";
    cell.textContent = String(step);
    cell.title = `token ${step}`;
    head.append(cell);
  }
  const body = table.createTBody();
  const cells = [];
  for (let layer = data.numLayers - 1; layer >= 0; layer -= 1) {
    const row = body.insertRow();
    const name = document.createElement("th");
    name.scope = "row";
    name.textContent = String(layer);
    row.append(name);
    for (let position = 0; position < data.steps.length; position += 1) {
      const cell = row.insertCell();
      cells.push({ cell, position });
    }
  }
  return { table, cells };
}

function button(label, onClick) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = label;
  made.addEventListener("click", onClick);
  return made;
}

// Fills `figure` (an element with a JSON script inside).
export function drawMemoFigure(figure) {
  const data = JSON.parse(figure.querySelector("script").textContent);
  check(data);
  const state = { step: 0, memo: true };
  const { table, cells } = makeTable(data);
  const status = document.createElement("p");
  status.setAttribute("role", "status");

  const show = () => {
    for (const { cell, position } of cells) {
      const entry = entryAt(position, state.step, state.memo);
      cell.className = entry;
      cell.textContent = SIGNS[entry];
      cell.setAttribute("aria-label", SPOKEN[entry]);
    }
    back.disabled = state.step === 0;
    forward.disabled = state.step === data.steps.length;
    status.textContent = sentence(state, data);
  };
  const go = (step) => {
    state.step = Math.min(Math.max(step, 0), data.steps.length);
    show();
  };
  const back = button("Back", () => go(state.step - 1));
  const forward = button("Step", () => go(state.step + 1));
  const again = button("Start again", () => go(0));
  const toggle = document.createElement("label");
  const box = document.createElement("input");
  box.type = "checkbox";
  box.checked = true;
  box.addEventListener("change", () => {
    state.memo = box.checked;
    show();
  });
  toggle.append(box, " with a memo");
  const controls = document.createElement("div");
  controls.className = "controls";
  controls.append(back, forward, again, toggle);

  const scroller = document.createElement("div");
  scroller.className = "wide";
  scroller.tabIndex = 0;
  scroller.setAttribute("role", "group");
  scroller.setAttribute(
    "aria-label",
    "Memo table: arrow keys step, M switches the memo, Home starts again",
  );
  scroller.append(table);
  scroller.addEventListener("keydown", (event) => {
    const keys = {
      ArrowRight: () => go(state.step + 1),
      ArrowLeft: () => go(state.step - 1),
      Home: () => go(0),
      End: () => go(data.steps.length),
      m: () => box.click(),
      M: () => box.click(),
    };
    if (!keys[event.key] || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    keys[event.key]();
  });
  figure.append(controls, status, scroller);
  show();
}

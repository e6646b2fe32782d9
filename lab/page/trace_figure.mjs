// The memo table of ./kvlab trace: layers and positions of one tensor and head,
// with the finding marked; arrow keys move from entry to entry. Runs in the
// browser.

const SIGNS = {
  agrees: "✓",
  differs: "✗",
  unwritten: "∅",
  later: "",
  padding: "·",
};
const SPOKEN = {
  agrees: "agrees",
  differs: "differs",
  unwritten: "was never written",
  later: "is not there yet",
  padding: "is padding, which nothing reads",
};

export function numberText(number) {
  return number === null ? "NaN" : String(Number(number.toPrecision(4)));
}

export function numbersText(numbers) {
  return `[${numbers.map(numberText).join(", ")}, …]`;
}

// Which table a finding is in, and where: {tensor, head, layer, position}, as
// indices, position counted from the first that the table shows.
export function placeOf(finding, table) {
  const named = table.tensors.findIndex(
    ({ name }) =>
      name === finding.tensor ||
      finding.tensor.includes(name.replace(/s$/, "")) ||
      finding.tensor.includes(name),
  );
  const wanted =
    named >= 0
      ? named
      : finding.kind === "scores" || finding.kind === "output"
        ? table.tensors.length - 1
        : 0;
  const tensor = table.tensors[wanted];
  return {
    tensor: wanted,
    head: Math.min(finding.head ?? 0, tensor.heads - 1),
    layer: finding.layer ?? 0,
    position: Math.max((finding.position ?? table.first) - table.first, 0),
  };
}

export function sentence(table, at) {
  const tensor = table.tensors[at.tensor];
  const cell = tensor.cells[at.layer][at.head][at.position];
  const text = table.texts?.[at.position];
  const where =
    `${tensor.name} of layer ${at.layer}, position ` +
    `${at.position + table.first}` +
    (tensor.heads > 1 ? `, head ${at.head}` : "") +
    (text ? ` (${JSON.stringify(text)})` : "");
  if (cell.state === "padding" || cell.state === "later") {
    return `${where}: ${SPOKEN[cell.state]}.`;
  }
  return (
    `${where}: ${SPOKEN[cell.state]}. Yours ${numbersText(cell.seen)}, ` +
    `right ${numbersText(cell.right)}.`
  );
}

function element(name, text = "") {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}

// A menu with a label, of [value, text] pairs.
function menu(label, onChange) {
  const select = document.createElement("select");
  select.addEventListener("change", () => onChange(Number(select.value)));
  const wrap = element("label", `${label} `);
  wrap.append(select);
  return {
    wrap,
    fill(texts, chosen) {
      select.replaceChildren(
        ...texts.map((text, value) => {
          const option = element("option", text);
          option.value = String(value);
          option.selected = value === chosen;
          return option;
        }),
      );
      select.disabled = texts.length < 2;
    },
  };
}

function makeTable(table, at, marked) {
  const tensor = table.tensors[at.tensor];
  const made = document.createElement("table");
  made.createCaption().textContent =
    `${tensor.name}${tensor.heads > 1 ? `, head ${at.head}` : ""}: ` +
    "✓ agrees, ✗ differs, ∅ never written (NaN), · padding, empty: not there " +
    "yet. The thick frame marks the finding.";
  const head = made.createTHead().insertRow();
  const corner = element("th", "Layer");
  corner.scope = "col";
  head.append(corner);
  const cells = tensor.cells[0][at.head];
  for (let s = 0; s < cells.length; s += 1) {
    const cell = element("th", String(s + table.first));
    cell.scope = "col";
    if (table.texts?.[s]) cell.title = table.texts[s];
    head.append(cell);
  }
  const body = made.createTBody();
  for (let layer = table.layers - 1; layer >= 0; layer -= 1) {
    const row = body.insertRow();
    const name = element("th", String(layer));
    name.scope = "row";
    row.append(name);
    tensor.cells[layer][at.head].forEach(({ state }, s) => {
      const cell = row.insertCell();
      cell.className = state;
      cell.textContent = SIGNS[state];
      const isFinding =
        at.tensor === marked.tensor &&
        at.head === marked.head &&
        layer === marked.layer &&
        s === marked.position;
      cell.classList.toggle("finding", isFinding);
      cell.classList.toggle("current", layer === at.layer && s === at.position);
      const spoken = SPOKEN[state] + (isFinding ? ", the finding" : "");
      cell.append(
        Object.assign(element("span", spoken), { className: "hidden" }),
      );
      cell.dataset.layer = String(layer);
      cell.dataset.position = String(s);
    });
  }
  return made;
}

// Fills `figure` (an element with a JSON script inside).
export function drawTraceFigure(figure) {
  const { finding, table } = JSON.parse(
    figure.querySelector("script").textContent,
  );
  const marked = placeOf(finding, table);
  const at = { ...marked };
  const status = document.createElement("p");
  status.setAttribute("role", "status");
  const scroller = document.createElement("div");
  scroller.className = "wide";
  scroller.tabIndex = 0;
  scroller.setAttribute("role", "group");
  scroller.setAttribute(
    "aria-label",
    "Memo table: arrow keys move, Home returns to the finding",
  );

  const show = () => {
    const { heads } = table.tensors[at.tensor];
    at.head = Math.min(at.head, heads - 1);
    tensors.fill(
      table.tensors.map(({ name }) => name),
      at.tensor,
    );
    headMenu.fill(
      Array.from({ length: heads }, (_, h) => String(h)),
      at.head,
    );
    scroller.replaceChildren(makeTable(table, at, marked));
    status.textContent = sentence(table, at);
    scroller
      .querySelector(".current")
      ?.scrollIntoView({ block: "nearest", inline: "nearest" });
  };
  const tensors = menu("Numbers:", (chosen) => {
    at.tensor = chosen;
    show();
  });
  const headMenu = menu("Head:", (chosen) => {
    at.head = chosen;
    show();
  });
  const go = (layer, position) => {
    const last = table.tensors[at.tensor].cells[0][0].length - 1;
    at.layer = Math.min(Math.max(layer, 0), table.layers - 1);
    at.position = Math.min(Math.max(position, 0), last);
    show();
  };
  scroller.addEventListener("click", ({ target }) => {
    const cell = target.closest("td");
    if (cell) go(Number(cell.dataset.layer), Number(cell.dataset.position));
  });
  scroller.addEventListener("keydown", (event) => {
    const keys = {
      ArrowRight: () => go(at.layer, at.position + 1),
      ArrowLeft: () => go(at.layer, at.position - 1),
      ArrowUp: () => go(at.layer + 1, at.position),
      ArrowDown: () => go(at.layer - 1, at.position),
      Home: () => {
        Object.assign(at, marked);
        show();
      },
    };
    if (!keys[event.key] || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    keys[event.key]();
  });
  const controls = document.createElement("div");
  controls.className = "controls";
  controls.append(tensors.wrap, headMenu.wrap);
  figure.append(controls, status, scroller);
  show();
}

// Sorts and filters the tables of a class's pages. Without it they are whole
// and in the order in which they were written.

// A cell's value: its data-value, else its text.
function sortingValue(row, column) {
  const cell = row.cells[column];
  return cell.dataset.value ?? cell.textContent.trim();
}

// Numbers before words, and empty cells last, in either direction.
function compare(one, other, direction) {
  if (one === "" || other === "") return (one === "") - (other === "");
  const difference = Number(one) - Number(other);
  if (!Number.isNaN(difference)) return direction * difference;
  return direction * one.localeCompare(other, "en", { numeric: true });
}

function sort(table, column, direction) {
  const body = table.tBodies[0];
  const rows = [...body.rows];
  rows.sort((one, other) =>
    compare(sortingValue(one, column), sortingValue(other, column), direction),
  );
  body.append(...rows);
}

function makeSortable(table) {
  const heads = [...table.tHead.rows[0].cells];
  for (const [column, head] of heads.entries()) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const ascending = head.getAttribute("aria-sort") !== "ascending";
      for (const other of heads) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", ascending ? "ascending" : "descending");
      sort(table, column, ascending ? 1 : -1);
    });
  }
}

// A field for words, and a list of the kinds that rows name.
function makeFilter(table) {
  const rows = [...table.tBodies[0].rows];
  const controls = document.createElement("div");
  controls.className = "controls";
  const words = document.createElement("input");
  words.type = "search";
  const label = document.createElement("label");
  label.append(`Show ${table.dataset.rows} with the words `, words);
  controls.append(label);

  const kinds = new Set(rows.flatMap((row) => row.dataset.kinds?.split("|")));
  kinds.delete(undefined);
  kinds.delete("");
  const choice = document.createElement("select");
  if (kinds.size > 0) {
    choice.append(new Option("all", ""));
    for (const kind of [...kinds].sort()) choice.append(new Option(kind, kind));
    const kindLabel = document.createElement("label");
    kindLabel.append("that are ", choice);
    controls.append(kindLabel);
  }

  const said = document.createElement("p");
  said.setAttribute("role", "status");
  controls.append(said);

  const texts = rows.map((row) => row.textContent.toLowerCase());
  const filter = () => {
    const wanted = words.value.toLowerCase().split(/\s+/);
    let shown = 0;
    for (const [index, row] of rows.entries()) {
      const isKind =
        choice.value === "" ||
        row.dataset.kinds?.split("|").includes(choice.value);
      row.hidden = !(
        isKind && wanted.every((word) => texts[index].includes(word))
      );
      shown += row.hidden ? 0 : 1;
    }
    said.textContent = `${shown} of ${rows.length} ${table.dataset.rows}`;
  };
  words.addEventListener("input", filter);
  choice.addEventListener("change", filter);
  filter();
  table.closest(".wide").before(controls);
}

for (const table of document.querySelectorAll("table[data-rows]")) {
  makeSortable(table);
  makeFilter(table);
}

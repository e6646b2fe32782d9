// Runs in the page: draws the charts to the width available, and the
// interactive figure.
import { parse, View } from "vega";
import { Handler } from "vega-tooltip";
import { drawMemoFigure } from "./memo_figure.mjs";

// The smallest width with room for axes and labels.
const NARROWEST = 280;

async function drawChart(place) {
  const spec = JSON.parse(place.querySelector("script").textContent);
  const width = () => Math.max(NARROWEST, Math.floor(place.clientWidth));
  const canvas = document.createElement("div");
  canvas.ariaHidden = "true"; // the place around it is named, with a table
  const view = new View(parse(spec), { renderer: "svg", hover: true })
    .tooltip(new Handler().call)
    .initialize(canvas)
    .width(width());
  await view.runAsync();
  place.append(canvas);
  let drawn = width();
  const fit = () => {
    if (width() === drawn) return;
    drawn = width();
    view.width(drawn).runAsync();
  };
  new ResizeObserver(fit).observe(place);
  place.dataset.drawn = "yes";
}

for (const place of document.querySelectorAll(".chart")) drawChart(place);
for (const figure of document.querySelectorAll(".memo")) {
  drawMemoFigure(figure);
}

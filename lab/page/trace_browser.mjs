// What the page of ./kvlab trace runs.
import { drawTraceFigure } from "./trace_figure.mjs";

for (const figure of document.querySelectorAll(".trace")) {
  drawTraceFigure(figure);
}

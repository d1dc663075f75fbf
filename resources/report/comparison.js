// Keys through the grids, enlarged images, the list of keys. Without this file all is shown.

const enlarged = document.querySelector(".enlarged");
const [stage, said, size] = [".stage", ".said", ".size"].map((name) => enlarged.querySelector(name));
const keys = document.querySelector("#keys");

// Rows of buttons of each grid; where an adapter drew nothing there is none.

const grids = all(".side-by-side table").map((table) =>
  all("tbody tr:not(.prompt)", table).map((row) => all("td", row).map((cell) => cell.firstElementChild)),
);
const placeOf = (button) => {
  for (const rows of grids)
    for (const [y, row] of rows.entries()) {
      const x = row.indexOf(button);
      if (x >= 0) return { rows, x, y };
    }
  return null;
};
const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const find = (button, key) => {
  const { rows, x, y } = placeOf(button);
  const there = rows[y].filter(Boolean);
  if (key === "Home") return there[0];
  if (key === "End") return there.at(-1);
  const [right, down] = MOVES[key];
  let [column, line] = [x + right, y + down];
  while (rows[line] && column >= 0 && column < rows[line].length) {
    if (rows[line][column]) return rows[line][column];
    [column, line] = [column + right, line + down];
  }
  return button;
};
const isMove = (event) =>
  (event.key in MOVES || event.key === "Home" || event.key === "End") && !event.ctrlKey && !event.altKey && !event.metaKey;

const reach = (button) => {
  button.focus({ preventScroll: true });
  button.scrollIntoView({ block: "nearest", inline: "nearest" }); // whole, where focus() shows a part
};

// One button of each grid is reached by Tab, that which was left last.

const choose = (button) => {
  placeOf(button).rows.flat().forEach((one) => one && (one.tabIndex = -1));
  button.tabIndex = 0;
};
for (const rows of grids) {
  const first = rows.flat().find(Boolean);
  if (first) choose(first);
}
document.addEventListener("focusin", (event) => {
  if (event.target.matches(".cell")) choose(event.target);
});

let open = null;
const show = (button) => {
  open = button;
  const small = button.firstElementChild;
  const image = new Image();
  image.alt = small.alt;
  image.src = small.src;
  stage.replaceChildren(image);
  said.textContent = small.alt;
  const shrunk = small.dataset.width ? `, shrunk from ${small.dataset.width} px` : "";
  size.textContent = `${small.getAttribute("width")} \u00d7 ${small.getAttribute("height")} px${shrunk}`;
  if (!enlarged.open) enlarged.showModal();
};
enlarged.addEventListener("close", () => open && reach(open));
for (const dialog of [enlarged, keys])
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog || event.target.dataset.do === "close") dialog.close();
    if (event.target.dataset.step) show(find(open, event.target.dataset.step));
  });
document.addEventListener("click", (event) => {
  const cell = event.target.closest(".cell");
  if (cell) show(cell);
  if (event.target.dataset.open) keys.showModal();
});
document.addEventListener("keydown", (event) => {
  if (event.key === "?" && !keys.open) keys.showModal();
  else if (keys.open || !isMove(event)) return;
  else if (enlarged.open) show(find(open, event.key));
  else if (event.target.matches(".cell")) reach(find(event.target, event.key));
  else return;
  event.preventDefault();
});
all(".help").forEach((button) => (button.hidden = false));

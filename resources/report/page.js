// Search, tabs, enlarged images. Without this file all is shown.

// Search: only images and lines that hold all the words stay, with the headings above them.

const find = document.querySelector(".find");
const [input, found] = [find.querySelector("input"), find.querySelector("output")];
const MOST_LINES = 500; // a browser lays out more of them slowly
const items = all("figure, tbody tr");
const known = new WeakMap(); // words of an item, with those of what it lies in

const fold = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
const wordsOf = (item) => {
  if (!known.has(item)) {
    const above = [item.closest(".block")?.querySelector("h3"), item.closest(".panel")?.firstChild];
    known.set(item, fold([item, ...above].map((part) => part?.textContent ?? "").join(" ")));
  }
  return known.get(item);
};
const search = () => {
  const wanted = fold(input.value).split(/\s+/).filter(Boolean);
  const hits = items.filter((item) => wanted.every((word) => wordsOf(item).includes(word)));
  const lines = wanted.length ? hits.filter((hit) => hit.localName === "tr") : [];
  const shown = new Set(hits);
  lines.slice(MOST_LINES).forEach((line) => shown.delete(line));
  items.forEach((item) => (item.hidden = !shown.has(item)));
  document.body.classList.toggle("found", wanted.length > 0);
  all(".hit").forEach((part) => part.classList.remove("hit"));
  for (const hit of wanted.length ? shown : [])
    for (let part = hit; part && !part.classList.contains("hit"); part = part.parentElement)
      part.classList.add("hit");
  all("details.block").forEach((part) => (part.open = part.classList.contains("hit")));
  const cut = lines.length > MOST_LINES ? `, ${MOST_LINES} of them shown` : "";
  const sum = `${hits.length - lines.length} images, ${lines.length} lines${cut}`;
  found.value = wanted.length ? (hits.length ? sum : "nothing has all these words") : "by id, caption, character, reason, split";
};
let waiting = 0;
input.addEventListener("input", () => {
  clearTimeout(waiting);
  waiting = setTimeout(search, 120);
});
input.addEventListener("keydown", (event) => {
  if (event.key === "Escape") input.value = "";
  if (event.key === "Escape" || event.key === "Enter") search();
  if (event.key === "Enter") document.querySelector("figure.hit, tr.hit")?.scrollIntoView({ block: "center" });
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.target.closest("input, dialog")) return;
  event.preventDefault();
  input.focus();
});
find.hidden = false;
search();

// Tabs

for (const tabs of all(".tabs")) {
  const names = tabs.querySelector(".tab-names");
  const buttons = [...names.children];
  const panels = all(":scope > .panel", tabs);
  const choose = (chosen) => {
    buttons.forEach((button, i) => {
      button.setAttribute("aria-selected", String(i === chosen));
      button.tabIndex = i === chosen ? 0 : -1;
    });
    panels.forEach((panel, i) => (panel.hidden = i !== chosen));
  };
  buttons.forEach((button, i) => button.addEventListener("click", () => choose(i)));
  names.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const next = (buttons.indexOf(document.activeElement) + step + buttons.length) % buttons.length;
    choose(next);
    buttons[next].focus();
  });
  const follow = () => {
    const linked = panels.findIndex((panel) => panel.id === decodeURIComponent(location.hash.slice(1)));
    if (linked < 0) return;
    choose(linked);
    tabs.scrollIntoView();
  };
  addEventListener("hashchange", follow);
  panels.forEach((panel) => panel.setAttribute("role", "tabpanel"));
  names.hidden = false;
  tabs.classList.add("ready");
  choose(0);
  follow();
}

// Enlarged images: the pixels of the file. Where the page holds a smaller image, the file beside it
// is asked for; a page that was copied away alone says that it has no more.

const dialog = document.querySelector("dialog");
const [stage, said, size] = [".stage", ".said", ".size"].map((name) => dialog.querySelector(name));
let open = null;
const enlarge = (small) => {
  const image = new Image();
  const { file, width } = small.dataset;
  const shrunk = width ? `, shrunk from ${width} px` : "";
  let lack = file ? "" : shrunk;
  image.alt = small.alt ?? small.textContent;
  image.addEventListener("load", () => {
    size.textContent = `${image.naturalWidth} \u00d7 ${image.naturalHeight} px${lack}`;
  });
  image.addEventListener("error", () => {
    if (!small.src) size.textContent = `The page was moved away from its images (${decodeURIComponent(file)}).`;
    if (!small.src) return image.remove();
    lack = `${shrunk}: the page was moved away from its images (${decodeURIComponent(file)})`;
    image.src = small.src;
  }, { once: true });
  image.src = file ?? small.src;
  return image;
};
const OPENERS = ".images, .file"; // images of a gallery, names of files in a table
const show = (opener) => {
  open = opener;
  size.textContent = "";
  stage.replaceChildren(...(opener.matches(".file") ? [opener] : all("img", opener)).map(enlarge));
  const parts = all("figcaption > *, th, td", opener.closest("figure, tr"));
  const words = parts.map((part) => part.textContent.trim());
  said.textContent = words.filter(Boolean).join(" \u00b7 ");
  if (!dialog.open) dialog.showModal();
};
const step = (by) => {
  const near = all(OPENERS, open.closest(".sheet, tbody")).filter((one) => one.offsetParent);
  show(near[(near.indexOf(open) + by + near.length) % near.length]);
};
const zoom = () => {
  for (const image of all("img", stage)) {
    const larger = image.naturalWidth * (image.clientWidth < image.naturalWidth ? 1 : 3);
    image.style.width = image.style.width ? "" : `${larger}px`;
  }
};
const deeds = { previous: () => step(-1), next: () => step(1), zoom, close: () => dialog.close() };
document.addEventListener("click", (event) => {
  const opener = event.target.closest(OPENERS);
  if (opener) show(opener);
});
dialog.addEventListener("click", (event) => {
  if (event.target.localName === "img") zoom();
  else deeds[event.target.dataset.do ?? (event.target.closest("p") ? "" : "close")]?.();
});
dialog.addEventListener("keydown", (event) => {
  deeds[{ ArrowRight: "next", ArrowLeft: "previous", z: "zoom" }[event.key]]?.();
});

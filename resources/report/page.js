"use strict";
// Tabs, enlarged images, and the chapter that is being read. Without this file all is shown.

for (const tabs of document.querySelectorAll(".tabs")) {
  const names = tabs.querySelector(".tab-names");
  const buttons = [...names.children];
  const panels = [...tabs.children].filter((child) => child.classList.contains("panel"));
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
  names.hidden = false;
  tabs.classList.add("ready");
  choose(0);
}

const dialog = document.querySelector("dialog");
let open = null;
const show = (images) => {
  open = images;
  const copies = [...images.querySelectorAll("img")].map((image) => image.cloneNode());
  dialog.querySelector(".stage").replaceChildren(...copies);
  const words = images.closest("figure").querySelector("figcaption").innerText;
  dialog.querySelector("p").innerText = words.replace(/\n+/g, " \u00b7 ");
  if (!dialog.open) dialog.showModal();
};
document.addEventListener("click", (event) => {
  const images = event.target.closest(".images");
  if (images) show(images);
  else if (dialog.open) dialog.close();
});
dialog.addEventListener("keydown", (event) => {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!step) return;
  const all = [...open.closest(".sheet").querySelectorAll(".images")];
  show(all[(all.indexOf(open) + step + all.length) % all.length]);
});

const links = new Map();
for (const link of document.querySelectorAll(".links a")) links.set(link.hash.slice(1), link);
const watch = new IntersectionObserver(
  (entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      links.forEach((link, id) => link.classList.toggle("here", id === entry.target.id));
    }
  },
  { rootMargin: "-20% 0px -75% 0px" },
);
document.querySelectorAll("section").forEach((section) => watch.observe(section));

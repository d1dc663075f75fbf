"use strict";
// What pages share: it comes first. The list of chapters marks the one that is being read.

const all = (selector, within = document) => [...within.querySelectorAll(selector)];

const links = new Map(all(".links a").map((link) => [link.hash.slice(1), link]));
const watch = new IntersectionObserver(
  (entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      links.forEach((link, id) => link.classList.toggle("here", id === entry.target.id));
    }
  },
  { rootMargin: "-20% 0px -75% 0px" },
);
all("section").forEach((section) => watch.observe(section));

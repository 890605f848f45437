"use strict";
(() => {
  const root = document.documentElement;
  root.classList.add("js");
  const tip = document.getElementById("tip");

  // Tabs: choosing an instrument in one place chooses it everywhere.
  const groups = [...document.querySelectorAll(".tabs")];
  const choose = (name) => {
    for (const group of groups) {
      const tabs = [...group.querySelectorAll("[role=tab]")];
      if (!tabs.some((tab) => tab.dataset.instrument === name)) continue;
      for (const tab of tabs) {
        const on = tab.dataset.instrument === name;
        tab.setAttribute("aria-selected", on ? "true" : "false");
        tab.tabIndex = on ? 0 : -1;
        document.getElementById(tab.getAttribute("aria-controls")).classList.toggle("off", !on);
      }
    }
  };
  for (const tab of document.querySelectorAll("[role=tab]")) {
    tab.addEventListener("click", () => { tip.hidden = true; choose(tab.dataset.instrument); });
    tab.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (!step) return;
      const tabs = [...tab.parentElement.children];
      const next = tabs[(tabs.indexOf(tab) + step + tabs.length) % tabs.length];
      choose(next.dataset.instrument);
      next.focus();
      event.preventDefault();
    });
  }

  // The value under the pointer, or under the arrow keys.
  const cell = (tag, text, css) => {
    const made = document.createElement(tag);
    made.textContent = text;
    if (css) made.className = css;
    return made;
  };
  const show = (chart, place) => {
    const { data, svg } = chart;
    chart.place = place;
    const cursor = svg.querySelector(".cursor");
    const at = `${data.x[place] * 100}%`;
    cursor.setAttribute("x1", at);
    cursor.setAttribute("x2", at);
    cursor.classList.add("on");
    tip.replaceChildren(cell("p", data.h[place]));
    const table = document.createElement("table");
    for (const [css, label, values] of data.r) {
      const row = table.insertRow();
      const name = cell("th", label);
      name.prepend(cell("i", "", css ? `key ${css}` : "key none"));
      row.append(name, cell("td", values[place]));
    }
    tip.append(table);
    tip.hidden = false;
    const box = svg.getBoundingClientRect();
    const x = box.left + data.x[place] * box.width;
    const wide = tip.offsetWidth;
    const left = x + 14 + wide > root.clientWidth - 6 ? x - 14 - wide : x + 14;
    tip.style.left = `${Math.max(6, Math.min(left, root.clientWidth - wide - 6))}px`;
    tip.style.top = `${Math.max(6, Math.min(box.top + 8, root.clientHeight - tip.offsetHeight - 6))}px`;
  };
  const hide = (chart) => {
    tip.hidden = true;
    chart.svg.querySelector(".cursor").classList.remove("on");
  };
  const nearest = (xs, fraction) => {
    let low = 0, high = xs.length - 1;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (xs[middle] < fraction) low = middle; else high = middle;
    }
    return Math.abs(xs[low] - fraction) <= Math.abs(xs[high] - fraction) ? low : high;
  };
  for (const holder of document.querySelectorAll(".chart")) {
    const source = holder.querySelector("script");
    const chart = { svg: holder.querySelector("svg.plot"), place: 0, data: null };
    const ready = () => { chart.data = chart.data || JSON.parse(source.textContent); return chart.data && chart.data.x.length; };
    const point = (event) => {
      if (!ready()) return;
      const box = chart.svg.getBoundingClientRect();
      if (box.width) show(chart, nearest(chart.data.x, (event.clientX - box.left) / box.width));
    };
    holder.addEventListener("pointermove", point);
    holder.addEventListener("pointerdown", point);
    holder.addEventListener("pointerleave", () => hide(chart));
    holder.addEventListener("blur", () => hide(chart));
    holder.addEventListener("keydown", (event) => {
      if (!ready()) return;
      const last = chart.data.x.length - 1;
      const jump = event.shiftKey ? 10 : 1;
      const to = { ArrowLeft: chart.place - jump, ArrowRight: chart.place + jump, Home: 0, End: last }[event.key];
      if (event.key === "Escape") hide(chart);
      if (to === undefined) return;
      show(chart, Math.max(0, Math.min(last, to)));
      event.preventDefault();
    });
  }
  window.addEventListener("scroll", () => { tip.hidden = true; }, { passive: true });
  window.addEventListener("beforeprint", () => {
    tip.hidden = true;
    for (const more of document.querySelectorAll("details")) more.open = true;
  });
})();

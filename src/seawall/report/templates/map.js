"use strict";
(() => {
  const tip = document.getElementById("tip");
  const root = document.documentElement;
  const made = (tag, text) => {
    const node = document.createElement(tag);
    node.textContent = text;
    return node;
  };
  for (const holder of document.querySelectorAll(".heat")) {
    const data = JSON.parse(holder.querySelector("script").textContent);
    const svg = holder.querySelector("svg.plot");
    const here = svg.querySelector(".here");
    const tall = Number(svg.querySelector(".cells rect").getAttribute("height"));
    let [row, column] = data.start;
    const show = () => {
      here.setAttribute("x", `${(column / data.columns) * 100}%`);
      here.setAttribute("y", (data.rows - 1 - row) * tall);
      here.setAttribute("width", `${100 / data.columns}%`);
      here.setAttribute("height", tall);
      here.classList.add("on");
      tip.replaceChildren(made("p", `${data.x[column]}, ${data.y[row]}`));
      const table = document.createElement("table");
      for (const [name, values] of data.r) {
        const line = table.insertRow();
        line.append(made("th", name), made("td", values[row * data.columns + column]));
      }
      tip.append(table);
      tip.hidden = false;
      const box = svg.getBoundingClientRect();
      const x = box.left + ((column + 0.5) / data.columns) * box.width;
      const y = box.top + (data.rows - row - 0.5) * tall;
      const wide = tip.offsetWidth;
      const left = x + 18 + wide > root.clientWidth - 6 ? x - 18 - wide : x + 18;
      tip.style.left = `${Math.max(6, Math.min(left, root.clientWidth - wide - 6))}px`;
      const fits = left >= 6 && left + wide <= root.clientWidth - 6;
      const top = fits ? y - tip.offsetHeight / 2 : y + 24;
      tip.style.top = `${Math.max(6, Math.min(top, root.clientHeight - tip.offsetHeight - 6))}px`;
    };
    const hide = () => {
      tip.hidden = true;
      here.classList.remove("on");
    };
    const within = (value, count) => Math.max(0, Math.min(count - 1, value));
    const point = (event) => {
      const box = svg.getBoundingClientRect();
      column = within(Math.floor(((event.clientX - box.left) / box.width) * data.columns), data.columns);
      row = within(data.rows - 1 - Math.floor((event.clientY - box.top) / tall), data.rows);
      show();
    };
    holder.addEventListener("pointermove", point);
    holder.addEventListener("pointerdown", point);
    holder.addEventListener("pointerleave", hide);
    holder.addEventListener("blur", hide);
    holder.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [1, 0], ArrowDown: [-1, 0] }[event.key];
      if (event.key === "Escape") hide();
      if (!step) return;
      row = within(row + step[0], data.rows);
      column = within(column + step[1], data.columns);
      show();
      event.preventDefault();
    });
  }
  window.addEventListener("scroll", () => { tip.hidden = true; }, { passive: true });
})();

"use strict";
/* Without this the page says as much: it only tells the values under the pointer, or under the arrow keys. */
for (const data of document.querySelectorAll(".area > script")) {
  const rows = JSON.parse(data.textContent);
  const area = data.parentElement;
  const cursor = area.appendChild(document.createElement("div"));
  const reading = area.appendChild(document.createElement("output"));
  let current = -1;
  cursor.className = "cursor";
  area.tabIndex = 0;
  area.setAttribute("role", "group");
  area.setAttribute("aria-label", "Values of this chart, by arrow keys");
  const hide = () => area.classList.remove("reading");
  const show = (index) => {
    current = Math.max(0, Math.min(rows.length - 1, index));
    const [place, { at, values }] = rows[current];
    cursor.style.left = `${place * 100}%`;
    reading.style.left = `${place * 100}%`;
    reading.style.transform = `translateX(${place * -100}%)`;
    reading.textContent = `${at}: ${values}`;
    area.classList.add("reading");
  };
  const nearest = (event) => {
    const box = area.getBoundingClientRect();
    const place = (event.clientX - box.left) / box.width;
    return rows.reduce((best, row, index) =>
      Math.abs(rows[best][0] - place) > Math.abs(row[0] - place) ? index : best, 0);
  };
  area.addEventListener("pointermove", (event) => show(nearest(event)));
  area.addEventListener("pointerdown", (event) => show(nearest(event)));
  area.addEventListener("pointerleave", hide);
  area.addEventListener("blur", hide);
  area.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10, Home: -rows.length, End: rows.length }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    show(current + step);
  });
}

// The slider of the law's page: it writes its day into the date field, and asks for the page when it is let go.
"use strict";

const slide = document.getElementById("slide");
const field = document.getElementById("on");

if (slide && field) {
  const first = Date.parse(`${slide.dataset.first}T00:00:00Z`);
  const written = (days) => new Date(first + days * 86_400_000).toISOString().slice(0, 10);

  slide.closest("[hidden]").hidden = false;
  slide.addEventListener("input", () => {
    field.value = written(Number(slide.value));
    slide.setAttribute("aria-valuetext", field.value);
  });
  let waiting = 0;
  slide.addEventListener("change", () => {
    clearTimeout(waiting); // keys move it day by day: ask when they rest
    waiting = setTimeout(() => slide.form.requestSubmit(), 700);
  });
}

// The check page works without this file; with it come the PIN pad, "show", the search and the sign of progress.
"use strict";

const focusFirst = document.querySelector("[data-focus]");
if (focusFirst) focusFirst.focus();

// --- progress: the button says that it was pressed, the status is read aloud, a second press does nothing
for (const form of document.querySelectorAll("form[data-busy]")) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "yes";
    form.querySelector("[data-busy-status]").textContent = form.dataset.busy;
    form.querySelector("button[type=submit]").setAttribute("aria-disabled", "true");
  });
  window.addEventListener("pageshow", () => {
    delete form.dataset.sent;
    form.querySelector("[data-busy-status]").textContent = "";
    form.querySelector("button[type=submit]").removeAttribute("aria-disabled");
  });
}

// --- the PIN: pad, show, count (the PIN itself is never read aloud)
const pad = document.querySelector("[data-pad]");
if (pad) {
  const pin = document.getElementById("pin");
  const count = document.querySelector("[data-pin-count]");
  const show = document.querySelector("[data-pin-show]");
  const ROWS = "digits" in pad.dataset ? ["1234567890"] : ["1234567890", "QWERTYUIOP", "ASDFGHJKL", "ZXCVBNM"];

  const tell = () => {
    count.textContent = pin.value ? count.dataset.words.replace("{n}", pin.value.length) : "";
  };
  const press = (key) => {
    if (key.length === 1 && pin.value.length < pin.maxLength) pin.value += key;
    tell();
  };
  const make = (face, name, act, kind) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = face;
    if (name) button.setAttribute("aria-label", name);
    if (kind) button.className = kind;
    button.addEventListener("click", act);
    return button;
  };
  for (const keys of ROWS) {
    const row = document.createElement("div");
    row.className = "pad__row";
    for (const key of keys) row.append(make(key, "", () => press(key)));
    if (keys === ROWS[ROWS.length - 1]) {
      row.append(make("⌫", pad.dataset.delete, () => { pin.value = pin.value.slice(0, -1); tell(); }, "pad__word"));
    }
    pad.append(row);
  }
  // One stop for the tab key, arrows inside (ARIA practice: roving tabindex).
  const buttons = [...pad.querySelectorAll("button")];
  const stop = (at) => buttons.forEach((button, n) => { button.tabIndex = n === at ? 0 : -1; });
  stop(0);
  pad.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: 10, ArrowUp: -10 }[event.key];
    const at = buttons.indexOf(document.activeElement);
    if (!step || at < 0) return;
    event.preventDefault();
    const to = Math.min(buttons.length - 1, Math.max(0, at + step));
    stop(to);
    buttons[to].focus();
  });
  pin.addEventListener("input", () => {
    const at = pin.selectionStart;
    pin.value = pin.value.toUpperCase();
    pin.setSelectionRange(at, at);
    tell();
  });
  show.addEventListener("click", () => {
    const hidden = pin.type === "password";
    pin.type = hidden ? "text" : "password";
    show.setAttribute("aria-pressed", String(hidden));
    show.querySelector("span").textContent = hidden ? show.dataset.hide : show.dataset.show;
  });
  document.querySelector("[data-pin-form]").addEventListener("submit", () => { pin.type = "password"; });
  pad.hidden = false;
  show.hidden = false;
}

// --- finding a person
const find = document.querySelector("[data-find]");
if (find) {
  const input = find.querySelector("[data-find-input]");
  const found = find.querySelector("[data-found]");
  const people = [...document.querySelectorAll("[data-person]")];
  // as persons.py folds the names: width, case, katakana to hiragana
  const folded = (text) => text.normalize("NFKC").toLowerCase()
    .replace(/[\u30a1-\u30f6\u30fd\u30fe]/g, (kana) => String.fromCharCode(kana.charCodeAt(0) - 0x60));
  find.hidden = false;
  input.addEventListener("keydown", (event) => { if (event.key === "Enter") event.preventDefault(); });
  input.addEventListener("input", () => {
    const words = folded(input.value).split(/\s+/).filter(Boolean);
    let seen = 0;
    for (const person of people) {
      person.hidden = !words.every((word) => person.dataset.person.includes(word));
      if (!person.hidden) seen += 1;
    }
    for (const group of document.querySelectorAll("[data-group]")) {
      group.hidden = !group.querySelector("[data-person]:not([hidden])");
      if (group instanceof HTMLDetailsElement) group.open = words.length > 0 || Boolean(group.querySelector(":checked"));
    }
    found.textContent = words.length ? found.dataset.words.replace("{n}", seen) : "";
  });
}

// Put the focus where the page begins to matter; everything works without it.
"use strict";

const first = document.querySelector("[data-focus]");
if (first) first.focus();

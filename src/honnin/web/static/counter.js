// The counter: with this file the page carries commands between honnin and the reader agent on this computer.
"use strict";

for (const form of document.querySelectorAll("form[data-busy]")) {
  form.addEventListener("submit", () => {
    form.querySelector("[data-busy-status]").textContent = form.dataset.busy;
  });
}

const focusFirst = document.querySelector("[data-focus]");
if (focusFirst) focusFirst.focus();

// What cannot go together is disabled before it is sent, with the reason; honnin refuses it all the same.
const choices = document.querySelector("[data-choices]");
if (choices) {
  const holds = (pair) => {
    const [name, value] = pair.split("=");
    const chosen = choices.querySelector(`input[name="${name}"]:checked`);
    return chosen !== null && chosen.value === value;
  };
  // The attributes in the page say what was sent and refused, whatever is chosen since.
  const REFUSED = "select[aria-invalid] > option[selected]";
  const settle = () => {
    for (const one of choices.querySelectorAll("[data-not-with]")) {
      one.disabled = holds(one.dataset.notWith);
      if (one.disabled) one.checked = false;
    }
    for (const one of choices.querySelectorAll("[data-reason]")) one.hidden = !holds(one.dataset.reason);
    // Of invented people and kinds, those with the chosen document; a refused one stays to be seen beside its own.
    const chosen = holds("reader=sandbox") ? choices.querySelector("input[name=document]:checked") : null;
    for (const list of choices.querySelectorAll("select")) {
      for (const one of list.querySelectorAll("[data-of]")) {
        const has = !chosen || chosen.value === "auto" || one.dataset.of.split(" ").includes(chosen.value);
        one.disabled = !has && !(one.matches(REFUSED) && chosen.matches("[checked]"));
      }
      if (list.selectedOptions[0].disabled) list.value = list.querySelector("option:enabled").value;
      choices.querySelector(`[data-reason-${list.id}]`).hidden = list.querySelector("option:disabled") === null;
    }
  };
  choices.addEventListener("change", settle);
  settle();
}

const KEPT = "honnin-agent-token";
const CHOSEN = "honnin-agent-reader";
const LOOK_MS = 700;
const WATCH_MS = 2000;
const PUT_BACK_MS = 30000; // the server waits a little longer for an answer
const AWAY = [502, 503, 504]; // what a proxy answers while honnin does not

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

// What the agent answers; a refusal is thrown with its code.
const agentAt = (address) => async (path, body) => {
  const answer = await fetch(address + path, {
    method: body ? "POST" : "GET",
    headers: {
      "content-type": "application/json",
      authorization: `Bearer ${sessionStorage.getItem(KEPT) || ""}`,
    },
    body: body ? JSON.stringify(body) : undefined,
  });
  const said = await answer.json();
  if (!answer.ok) throw Object.assign(new Error(said.code), { code: said.code, words: said.user_messages });
  return said;
};

const inWords = (error) => (error.words ? error.words[document.documentElement.dataset.words] : String(error.message));

const carry = document.querySelector("[data-carry]");
if (carry) {
  const agent = agentAt(carry.dataset.agent);
  const pair = carry.querySelector("[data-pair]");
  const wrong = carry.querySelector("[data-pair-error]");
  const progress = carry.querySelector("[data-progress]");
  const words = carry.querySelector("[data-progress-words]");
  const bar = carry.querySelector("progress");
  const trouble = carry.querySelector("[data-trouble]");
  const down = carry.querySelector("[data-down]");

  const away = () => { throw new Error("honnin-away"); };
  const honnin = async (body) => {
    const answer = await fetch(carry.dataset.carry, {
      method: "POST",
      headers: { "content-type": "application/json", "x-form-token": carry.dataset.token },
      body: JSON.stringify({ ...body, page: Number(carry.dataset.page) }),
    }).catch(away);
    if (AWAY.includes(answer.status)) away();
    if (!answer.ok) throw new Error("honnin");
    return answer.json().catch(away);
  };

  const say = (state) => {
    for (const one of carry.querySelectorAll("[data-state]")) one.hidden = one.dataset.state !== state;
  };

  // Buttons for the readers that hold a card; pressing one chooses it for this browser tab.
  const offer = (readers) => {
    const row = carry.querySelector("[data-readers]");
    const names = readers.map((one) => one.url).join("\n");
    if (row.dataset.shown === names) return;
    row.dataset.shown = names;
    row.replaceChildren(
      ...readers.map((one) => {
        const button = document.createElement("button");
        button.type = "button";
        button.className = "button button--outline";
        button.textContent = one.name;
        button.addEventListener("click", () => sessionStorage.setItem(CHOSEN, one.url));
        return button;
      }),
    );
  };

  // The one reader with a card, once there is one; empty when the time has passed.
  const card = async (lost, until) => {
    for (;;) {
      const { readers } = await agent("/readers");
      const full = readers.filter((one) => one.card);
      const chosen = full.find((one) => one.url === sessionStorage.getItem(CHOSEN));
      if (chosen || full.length === 1) {
        say("");
        return (chosen || full[0]).url;
      }
      if (full.length) offer(full);
      say(full.length ? "two" : readers.length ? (lost ? "gone" : "empty") : "none");
      if (until && Date.now() > until) return "";
      await pause(LOOK_MS);
    }
  };

  const open = async (lost) => {
    const until = lost ? Date.now() + PUT_BACK_MS : 0;
    for (;;) {
      const reader = await card(lost, until);
      if (!reader) return "";
      try {
        return (await agent("/open", { reader })).handle;
      } catch (error) {
        if (!error.code || !error.code.startsWith("reader.") || (until && Date.now() > until)) throw error;
        await pause(LOOK_MS); // taken away again, or busy for a moment
      }
    }
  };

  const show = (step) => {
    if (!step.of) return;
    words.textContent = words.dataset.words.replace("{file}", step.file);
    bar.max = step.of;
    bar.value = step.done;
  };

  const run = async () => {
    let handle = await open(false);
    progress.hidden = false;
    try {
      let step = await honnin({});
      while (step.kind !== "end") {
        show(step);
        let said;
        try {
          const path = step.kind === "reset" ? "/reset" : "/transmit";
          said = { answer: (await agent(path, { handle, apdu: step.apdu })).answer || "" };
        } catch (error) {
          if (!error.code) throw error;
          handle = await open(true);
          said = { error: handle ? "reader.contact_lost" : "reader.no_card" };
        }
        step = await honnin(said);
      }
    } finally {
      if (handle) await agent("/close", { handle }).catch(() => {});
    }
    location.replace(carry.dataset.next);
  };

  const begin = async () => {
    try {
      await run();
    } catch (error) {
      say("");
      if (error.code === "agent.not_paired") {
        pair.hidden = false;
        pair.querySelector("input").focus();
      } else if (error.code) {
        progress.hidden = true;
        trouble.hidden = false;
        trouble.querySelector("h2").textContent = inWords(error);
      } else if (error.message === "honnin") {
        location.replace(carry.dataset.next);
      } else {
        progress.hidden = true;
        (error.message === "honnin-away" ? carry.querySelector("[data-away]") : down).hidden = false;
      }
    }
  };

  pair.addEventListener("submit", async (event) => {
    event.preventDefault();
    const field = pair.querySelector("input");
    wrong.hidden = true;
    field.removeAttribute("aria-invalid");
    try {
      const code = field.value.replace(/\D/g, "");
      sessionStorage.setItem(KEPT, (await agent("/pair", { code })).token);
    } catch (error) {
      if (error.code) {
        wrong.textContent = inWords(error);
        wrong.hidden = false;
        field.setAttribute("aria-invalid", "true");
        field.focus();
        field.select(); // the next code takes the place of this one
      } else {
        pair.hidden = true;
        down.hidden = false;
      }
      return;
    }
    pair.hidden = true;
    await begin();
  });

  begin();
}

// While the number is typed, the page says when the card is taken away.
const watch = document.querySelector("[data-watch]");
if (watch && sessionStorage.getItem(KEPT)) {
  const agent = agentAt(watch.dataset.agent);
  const look = async () => {
    for (;;) {
      const { readers } = await agent("/readers");
      watch.querySelector("[data-state=away]").hidden = readers.some((one) => one.card);
      await pause(WATCH_MS);
    }
  };
  look().catch(() => {}); // reading says what is wrong with the agent
}

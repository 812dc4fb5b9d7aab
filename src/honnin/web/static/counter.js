// The counter: with this file the page carries commands between honnin and the reader agent on this computer.
"use strict";

for (const form of document.querySelectorAll("form[data-busy]")) {
  form.addEventListener("submit", () => {
    form.querySelector("[data-busy-status]").textContent = form.dataset.busy;
  });
}

const focusFirst = document.querySelector("[data-focus]");
if (focusFirst) focusFirst.focus();

const carry = document.querySelector("[data-carry]");
if (carry) {
  const KEPT = "honnin-agent-token";
  const pair = carry.querySelector("[data-pair]");
  const wrong = carry.querySelector("[data-pair-error]");
  const progress = carry.querySelector("[data-progress]");
  const words = carry.querySelector("[data-progress-words]");
  const bar = carry.querySelector("progress");
  const down = carry.querySelector("[data-down]");

  // What the agent answers; a refusal is thrown with its code.
  const agent = async (path, body) => {
    const answer = await fetch(carry.dataset.agent + path, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        authorization: `Bearer ${sessionStorage.getItem(KEPT) || ""}`,
      },
      body: JSON.stringify(body),
    });
    const said = await answer.json();
    if (!answer.ok) throw Object.assign(new Error(said.code), { code: said.code, words: said.user_messages });
    return said;
  };

  const honnin = async (body) => {
    const answer = await fetch(carry.dataset.carry, {
      method: "POST",
      headers: { "content-type": "application/json", "x-form-token": carry.dataset.token },
      body: JSON.stringify(body),
    });
    if (!answer.ok) throw new Error("honnin");
    return answer.json();
  };

  const show = (step) => {
    if (!step.of) return;
    words.textContent = words.dataset.words.replace("{file}", step.file);
    bar.max = step.of;
    bar.value = step.done;
  };

  const act = async (step, handle) => {
    try {
      if (step.kind === "reset") {
        await agent("/reset", { handle });
        return { answer: "" };
      }
      return { answer: (await agent("/transmit", { handle, apdu: step.apdu })).answer };
    } catch (error) {
      return { error: error.code || "reader.contact_lost" };
    }
  };

  const run = async () => {
    let handle;
    try {
      handle = (await agent("/open", { reader: "" })).handle;
    } catch (error) {
      if (error.code === "agent.not_paired") {
        pair.hidden = false;
        pair.querySelector("input").focus();
        return;
      }
      if (!error.code) {
        down.hidden = false;
        return;
      }
      handle = "";
    }
    progress.hidden = false;
    try {
      let step = await honnin({});
      while (step.kind !== "end") {
        show(step);
        step = await honnin(handle ? await act(step, handle) : { error: "reader.no_card" });
      }
    } finally {
      if (handle) await agent("/close", { handle }).catch(() => {});
    }
    location.replace(carry.dataset.seen);
  };

  pair.addEventListener("submit", async (event) => {
    event.preventDefault();
    wrong.hidden = true;
    try {
      const code = pair.querySelector("input").value.replace(/\D/g, "");
      sessionStorage.setItem(KEPT, (await agent("/pair", { code })).token);
      pair.hidden = true;
      await run();
    } catch (error) {
      wrong.hidden = false;
      wrong.textContent = error.words ? error.words[document.documentElement.dataset.words] : String(error.message);
      pair.hidden = false;
    }
  });

  run().catch(() => location.replace(carry.dataset.seen));
}

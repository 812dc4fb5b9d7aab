// Asks whether the phone is done, then leads on. Without script, the button does the same.
const place = document.querySelector("[data-wait]");
const ask = async () => {
  try {
    const answer = await fetch(place.dataset.wait, { cache: "no-store" });
    if (!answer.ok || (await answer.json()).done) {
      location.reload();
      return;
    }
  } catch {
    // The service is away; ask again.
  }
  setTimeout(ask, 2000);
};
setTimeout(ask, 2000);

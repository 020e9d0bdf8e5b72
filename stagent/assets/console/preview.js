// The panel beside a form: what its fields would mean, asked of the server while they are typed.

const PAUSE_MS = 250;
const panel = document.querySelector("[data-preview]");
const form = panel?.closest("form");
let timer = 0;
let asked = 0;

async function look() {
    const mine = ++asked;
    const answer = await fetch(panel.dataset.preview, { method: "POST", body: new FormData(form) }).catch(() => null);
    if (!answer?.ok || mine !== asked) return; // a later question is on its way
    const html = await answer.text();
    if (mine === asked) panel.innerHTML = html;
}

form?.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(look, PAUSE_MS);
});

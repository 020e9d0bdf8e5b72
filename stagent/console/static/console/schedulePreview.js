// The panel beside a form: what its fields would mean, asked of the server while they are typed.
// One question is under way at a time, and none is asked twice. What is right shows at once; what is wrong is
// said at its field after a longer pause, for half a word is no mistake yet.

const PAUSE_MS = 250;
const PATIENCE_MS = 650;
const FIELDS = [
    "when", "timezone", "starts_at", "ends_at", "jitter_sec", "prompt", "profile", "project", "kind",
    "active_from", "active_until", "max_turns", "max_firings", "csrfmiddlewaretoken",
];
const panel = document.querySelector("[data-preview]");
const form = panel?.closest("form");
const said = document.querySelector("[data-preview-said]");
let pause = 0;
let patience = 0;
let asking = new AbortController();
let last = form ? `${question()}` : "";

function question() {
    const all = new FormData(form);
    return new URLSearchParams(FIELDS.filter((name) => all.has(name)).map((name) => [name, all.get(name)]));
}

async function look() {
    const asked = question();
    if (`${asked}` === last) return;
    asking.abort();
    asking = new AbortController();
    last = `${asked}`;
    const sent = { method: "POST", body: asked, signal: asking.signal, redirect: "manual" };
    const answer = await fetch(panel.dataset.preview, sent).catch(() => null);
    const html = answer?.ok ? await answer.text().catch(() => null) : null;
    if (last !== `${asked}`) return; // a later question is on its way
    if (html === null) last = ""; // the next keystroke asks again
    else show(html);
}

function show(html) {
    const part = document.createElement("template");
    part.innerHTML = html;
    const body = part.content.firstElementChild;
    hold();
    if (body.dataset.wrongField === undefined) put(body);
    else patience = setTimeout(put, PATIENCE_MS, body);
}

function hold() {
    clearTimeout(patience);
    patience = 0;
}

function put(body) {
    patience = 0;
    panel.replaceChildren(body);
    blame(body.dataset.wrongField, body.querySelector(".wrong"));
    if (said.textContent !== body.dataset.spoken) said.textContent = body.dataset.spoken;
}

// Say a fault right at its field; the panel keeps it where the field is folded away.
function blame(name, fault) {
    const old = document.getElementById("preview-fault");
    const marked = old && form.elements[old.dataset.field];
    marked?.removeAttribute("aria-invalid");
    marked?.removeAttribute("aria-errormessage");
    old?.remove();
    const input = name && form.elements[name];
    if (!input?.checkVisibility?.()) return;
    const told = document.createElement("p");
    Object.assign(told, { id: "preview-fault", className: "fault", textContent: fault.textContent });
    told.dataset.field = name;
    input.closest(".flex-container").after(told);
    input.setAttribute("aria-invalid", "true");
    input.setAttribute("aria-errormessage", told.id);
    fault.className = "quiet";
    fault.textContent = "What it would do shows here as soon as that is right.";
}

form?.addEventListener("input", () => {
    clearTimeout(pause);
    if (patience) last = ""; // the answer that was held back is asked for again
    hold();
    pause = setTimeout(look, PAUSE_MS);
});

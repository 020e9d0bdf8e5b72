// The panel beside a schedule's form: what its fields would do, loaded while they are typed.
// One request is under way at a time, and none is sent twice. A valid form shows at once; an error is shown at its
// field after a longer pause, for half a word is no mistake yet.

const DEBOUNCE_MS = 250;
const ERROR_DELAY_MS = 650;
const FIELDS = [
    "when", "timezone", "starts_at", "ends_at", "jitter_sec", "prompt", "profile", "project", "kind",
    "active_from", "active_until", "max_turns", "max_firings", "csrfmiddlewaretoken",
];
const ERROR_ID = "preview-error";

const panel = /** @type {HTMLElement | null} */ (document.querySelector("[data-preview]"));
const form = panel?.closest("form");
const status = /** @type {HTMLElement | null} */ (document.querySelector("[data-preview-status]"));
if (panel && form && status) bindPreview(panel, form, status);

/**
 * @param {HTMLElement} panel
 * @param {HTMLFormElement} form
 * @param {HTMLElement} status what a screen reader hears
 */
function bindPreview(panel, form, status) {
    let debounce = 0;
    let errorDelay = 0;
    let abort = new AbortController();
    let last = query().toString();

    function query() {
        const all = new FormData(form);
        return new URLSearchParams(FIELDS.filter((name) => all.has(name)).map((name) => [name, String(all.get(name))]));
    }

    async function load() {
        const body = query();
        const key = body.toString();
        if (key === last) return;
        abort.abort();
        abort = new AbortController();
        last = key;
        const response = await fetch(panel.dataset.preview ?? "", { method: "POST", body, signal: abort.signal, redirect: "manual" }).catch(() => null);
        const html = response?.ok ? await response.text().catch(() => null) : null;
        if (last !== key) return; // a later request is on its way
        if (html === null) last = ""; // the next keystroke loads again
        else show(html);
    }

    /** @param {string} html */
    function show(html) {
        const template = document.createElement("template");
        template.innerHTML = html;
        const body = template.content.firstElementChild;
        if (!(body instanceof HTMLElement)) return;
        cancelError();
        if (body.dataset.wrongField === undefined) replace(body);
        else errorDelay = setTimeout(replace, ERROR_DELAY_MS, body);
    }

    function cancelError() {
        clearTimeout(errorDelay);
        errorDelay = 0;
    }

    /** @param {HTMLElement} body */
    function replace(body) {
        errorDelay = 0;
        panel.replaceChildren(body);
        showError(form, body.dataset.wrongField ?? "", body.querySelector(".error-text"));
        if (status.textContent !== body.dataset.spoken) status.textContent = body.dataset.spoken ?? "";
    }

    form.addEventListener("input", () => {
        clearTimeout(debounce);
        if (errorDelay) last = ""; // the response that was held back is loaded again
        cancelError();
        debounce = setTimeout(load, DEBOUNCE_MS);
    });
}

/**
 * Shows an error right at its field; the panel keeps it where the field is folded away.
 * @param {HTMLFormElement} form
 * @param {string} name
 * @param {Element | null} error
 */
function showError(form, name, error) {
    clearError(form);
    const input = name && form.elements.namedItem(name);
    if (!(input instanceof HTMLElement) || !input.checkVisibility() || !error) return;
    const message = document.createElement("p");
    Object.assign(message, { id: ERROR_ID, className: "fault", textContent: error.textContent });
    message.dataset.field = name;
    input.closest(".flex-container")?.after(message);
    input.setAttribute("aria-invalid", "true");
    input.setAttribute("aria-errormessage", ERROR_ID);
    error.className = "quiet";
    error.textContent = "What it would do shows here as soon as that is right.";
}

/** @param {HTMLFormElement} form */
function clearError(form) {
    const message = document.getElementById(ERROR_ID);
    const input = form.elements.namedItem(message?.dataset.field ?? "");
    if (input instanceof HTMLElement) {
        input.removeAttribute("aria-invalid");
        input.removeAttribute("aria-errormessage");
    }
    message?.remove();
}

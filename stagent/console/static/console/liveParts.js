// Parts of a page that stay fresh: <div data-live="url" data-every="3">.
// The server's HTML is fetched while the page is visible, and replaced only when it changed.
// A part that answers with the header X-Over is final and not fetched again.

const TIMEOUT_MS = 20000;
const RELATIVE_TIME = /(<time [^>]*data-ago>)[^<]*/g;
/** @type {Record<string, string>} */
const STATES = { live: "live", lost: "connection lost, trying again", out: "signed out" };

/** Tells whether a person has selected text in there, to copy it: it stays until that is done. @param {Element} part */
export function hasSelection(part) {
    const selection = getSelection();
    return Boolean(selection && !selection.isCollapsed && part.contains(selection.anchorNode));
}

/** @param {HTMLElement} part */
function keepFresh(part) {
    const url = part.dataset.live ?? "";
    const everyMs = Number(part.dataset.every) * 1000;
    /** @type {HTMLElement | null} */
    const state = document.querySelector("[data-live-state]");
    let last = "";
    let isPaused = false;

    /** @param {string} name */
    function showState(name) {
        if (!state) return;
        state.dataset.state = name;
        state.textContent = STATES[name];
    }

    /** @param {string} html */
    function replace(html) {
        const facts = html.replace(RELATIVE_TIME, "$1"); // relative times are kept up to date by the page itself
        if (facts === last || hasSelection(part)) return;
        last = facts;
        const findFocused = rememberFocus(part);
        const open = [...part.querySelectorAll("details[open][id]")].map((details) => details.id);
        part.innerHTML = html;
        for (const id of open) document.getElementById(id)?.setAttribute("open", "");
        findFocused()?.focus({ preventScroll: true });
    }

    async function fetchPart() {
        const response = await fetch(url, {
            headers: { "X-Requested-With": "fetch" },
            signal: AbortSignal.timeout(TIMEOUT_MS),
            redirect: "manual",
        });
        if (response.type === "opaqueredirect" || response.status === 403) return "out";
        if (!response.ok) return "lost";
        replace(await response.text());
        return response.headers.has("X-Over") ? "over" : "live";
    }

    // A hidden page fetches nothing and runs no timer; when it is visible again it fetches at once.
    async function update() {
        isPaused = document.hidden;
        if (isPaused) return;
        const name = await fetchPart().catch(() => "lost");
        if (name === "over") return part.dispatchEvent(new CustomEvent("over", { bubbles: true }));
        showState(name);
        if (name !== "out") setTimeout(update, everyMs);
    }

    document.addEventListener("visibilitychange", () => {
        if (isPaused && !document.hidden) update();
    });
    setTimeout(update, everyMs);
}

/**
 * Returns a function that finds the focused element again in new HTML, by its id or its link.
 * @param {HTMLElement} part
 * @returns {() => HTMLElement | null}
 */
function rememberFocus(part) {
    const element = document.activeElement;
    if (!element || !part.contains(element)) return () => null;
    const href = element.getAttribute("href");
    const selector = element.id ? `#${CSS.escape(element.id)}` : href ? `a[href="${CSS.escape(href)}"]` : "";
    if (!selector) return () => null;
    const index = [...part.querySelectorAll(selector)].indexOf(element);
    return () => /** @type {NodeListOf<HTMLElement>} */ (part.querySelectorAll(selector))[index] ?? null;
}

for (const part of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-live]"))) keepFresh(part);

// Parts of a page that keep themselves fresh: <div data-live="url" data-every="3">.
// The server's part is fetched while somebody looks, and put in place only when it changed.
// A part that answers with the header X-Over is over and is not asked for again.

const PATIENCE_MS = 20000;
const TOLD = /(<time [^>]*data-ago>)[^<]*/g;

// Whether somebody marks words there, to copy them: they stay until that is done.
export function isMarkedIn(part) {
    const marked = getSelection();
    return !marked.isCollapsed && part.contains(marked.anchorNode);
}

function keep(part) {
    const state = document.querySelector("[data-live-state]");
    let last = "";

    function tell(name) {
        if (!state) return;
        state.dataset.state = name;
        state.textContent = { live: "live", lost: "connection lost, trying again", out: "signed out" }[name];
    }

    // Where the focus is, so that it is there again in what comes new: whoever goes by keyboard goes on.
    function focused() {
        const element = part.contains(document.activeElement) ? document.activeElement : null;
        const href = element?.getAttribute("href");
        const alike = element?.id ? `#${CSS.escape(element.id)}` : href ? `a[href="${CSS.escape(href)}"]` : "";
        const place = alike ? [...part.querySelectorAll(alike)].indexOf(element) : -1;
        return () => (alike ? part.querySelectorAll(alike)[place] : null);
    }

    function put(html) {
        const facts = html.replace(TOLD, "$1"); // "3 min ago" is kept up to date by the page itself
        if (facts === last || isMarkedIn(part)) return;
        last = facts;
        const again = focused();
        const open = [...part.querySelectorAll("details[open][id]")].map((details) => details.id);
        part.innerHTML = html;
        for (const id of open) document.getElementById(id)?.setAttribute("open", "");
        again()?.focus({ preventScroll: true });
    }

    async function fetchPart() {
        const answer = await fetch(part.dataset.live, {
            headers: { "X-Requested-With": "fetch" },
            signal: AbortSignal.timeout(PATIENCE_MS),
            redirect: "manual",
        });
        if (answer.type === "opaqueredirect" || answer.status === 403) return "out";
        if (!answer.ok) return "lost";
        put(await answer.text());
        return answer.headers.has("X-Over") ? "over" : "live";
    }

    let resting = false;

    // Nobody looks: nothing is asked, and no timer runs. Somebody looks again: it is asked at once.
    async function again() {
        resting = document.hidden;
        if (resting) return;
        const name = await fetchPart().catch(() => "lost");
        if (name === "over") return part.dispatchEvent(new CustomEvent("over", { bubbles: true }));
        tell(name);
        if (name !== "out") setTimeout(again, Number(part.dataset.every) * 1000);
    }

    document.addEventListener("visibilitychange", () => {
        if (resting && !document.hidden) again();
    });
    setTimeout(again, Number(part.dataset.every) * 1000);
}

for (const part of document.querySelectorAll("[data-live]")) keep(part);

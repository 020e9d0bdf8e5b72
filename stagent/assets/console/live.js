// Parts of a page that keep themselves fresh: <div data-live="url" data-every="3">.
// The server's part is fetched while somebody looks, and put in place only when it changed.
// A part that answers with the header X-Over is over and is not asked for again.

const PATIENCE_MS = 20000;
const TOLD = /(<time [^>]*data-ago>)[^<]*/g;

function keep(part) {
    const state = document.querySelector("[data-live-state]");
    let last = "";

    function tell(name) {
        if (!state) return;
        state.dataset.state = name;
        state.textContent = { live: "live", lost: "connection lost, trying again", out: "signed out" }[name];
    }

    function put(html) {
        const facts = html.replace(TOLD, "$1"); // "3 min ago" is kept up to date by the page itself
        if (facts === last) return;
        last = facts;
        const focused = part.contains(document.activeElement) ? document.activeElement.id : "";
        const open = [...part.querySelectorAll("details[open][id]")].map((details) => details.id);
        part.innerHTML = html;
        for (const id of open) document.getElementById(id)?.setAttribute("open", "");
        if (focused) document.getElementById(focused)?.focus();
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

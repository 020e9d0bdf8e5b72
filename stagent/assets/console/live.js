// Parts of a page that keep themselves fresh: <div data-live="url" data-every="3">.
// The server's part is fetched while somebody looks, and put in place only when it changed.
// A part that answers with the header X-Over is over and is not asked for again.

const PATIENCE_MS = 20000;

function keep(part) {
    const state = document.querySelector("[data-live-state]");
    let last = "";

    function tell(name) {
        if (!state) return;
        state.dataset.state = name;
        state.textContent = { live: "live", lost: "connection lost, trying again", out: "signed out" }[name];
    }

    function put(html) {
        if (html === last) return;
        const focused = part.contains(document.activeElement) ? document.activeElement.id : "";
        const open = [...part.querySelectorAll("details[open][id]")].map((details) => details.id);
        part.innerHTML = last = html;
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

    async function again() {
        let name = "live";
        if (!document.hidden) {
            name = await fetchPart().catch(() => "lost");
            if (name === "over") return part.dispatchEvent(new CustomEvent("over", { bubbles: true }));
            tell(name);
        }
        if (name !== "out") setTimeout(again, Number(part.dataset.every) * 1000);
    }

    setTimeout(again, Number(part.dataset.every) * 1000);
}

for (const part of document.querySelectorAll("[data-live]")) keep(part);

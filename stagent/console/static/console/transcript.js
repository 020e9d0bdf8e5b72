// Follows a run: asks for the turns that have news, and puts each in its place.
// Watching costs a server little: where nothing is said it is asked less and less often, and what takes long to
// render is let rest.

import { isMarkedIn } from "./liveParts.js";

const PACE_MS = 700;
const SLOWEST_MS = 2500;
const REST = 5; // times as long as the last answer took
const log = document.querySelector("[data-said]");

function place(article) {
    const there = document.getElementById(article.id);
    if (!there) {
        const again = log.querySelectorAll(`[data-number="${article.dataset.number}"]`);
        if (article.dataset.number) again.forEach((turn) => turn.classList.add("superseded"));
        log.append(article);
        return;
    }
    if (!over && (there.dataset.last === article.dataset.last || isMarkedIn(there))) return;
    for (const details of there.querySelectorAll("details[open]")) {
        article.querySelector(`#${CSS.escape(details.id)}`)?.setAttribute("open", "");
    }
    there.replaceWith(article);
}

let last = Number(log.lastElementChild?.dataset.last ?? 0);
let over = false;
let pace = PACE_MS;

async function follow() {
    const began = performance.now();
    if (!document.hidden) {
        const answer = await fetch(`${log.dataset.said}?after=${last}`, { redirect: "manual" }).catch(() => null);
        if (answer?.ok) {
            const atBottom = innerHeight + scrollY >= document.body.scrollHeight - 60;
            over = answer.headers.has("X-Over");
            const part = document.createElement("template");
            part.innerHTML = await answer.text();
            const articles = [...part.content.querySelectorAll("article")];
            articles.forEach(place);
            if (articles.length) document.getElementById("nothing-said")?.remove();
            const newest = Number(answer.headers.get("X-Last"));
            pace = newest > last ? PACE_MS : Math.min(SLOWEST_MS, pace * 1.3);
            last = Math.max(last, newest);
            if (atBottom && articles.length) scrollTo({ top: document.body.scrollHeight });
        }
    }
    if (!over) return setTimeout(follow, Math.max(pace, REST * (performance.now() - began)));
    log.setAttribute("aria-busy", "false");
}

setTimeout(follow, PACE_MS);

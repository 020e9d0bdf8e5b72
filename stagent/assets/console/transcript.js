// Follows a run: asks for the turns that have news, and puts each in its place.
// They come rendered: the longer one takes, the later the next is asked for, so that watching costs a server little.

import { isMarkedIn } from "./live.js";

const PACE_MS = 700;
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
            last = Math.max(last, Number(answer.headers.get("X-Last")));
            if (atBottom && articles.length) scrollTo({ top: document.body.scrollHeight });
        }
    }
    if (!over) return setTimeout(follow, Math.max(PACE_MS, REST * (performance.now() - began)));
    log.setAttribute("aria-busy", "false");
}

setTimeout(follow, PACE_MS);

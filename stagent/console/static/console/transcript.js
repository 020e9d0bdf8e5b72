// Follows a run: loads the turns that changed, and puts each in its place.
// A server must bear many watchers: a quiet run is asked about less and less often, and a run that takes long to
// render rests in between.

import { hasSelection } from "./liveParts.js";

const PACE_MS = 700;
const MAX_PACE_MS = 2500;
const REST = 5; // times as long as the last response took
const NEAR_BOTTOM_PX = 60;

const log = /** @type {HTMLElement | null} */ (document.querySelector("[data-transcript]"));
if (log) followRun(log);

/** @param {HTMLElement} log */
function followRun(log) {
    const lastTurn = /** @type {HTMLElement | null} */ (log.lastElementChild);
    let last = Number(lastTurn?.dataset.last ?? 0);
    let isOver = false;
    let pace = PACE_MS;

    async function poll() {
        const began = performance.now();
        if (!document.hidden) await load();
        if (!isOver) return setTimeout(poll, Math.max(pace, REST * (performance.now() - began)));
        log.setAttribute("aria-busy", "false");
    }

    async function load() {
        const response = await fetch(`${log.dataset.transcript}?after=${last}`, { redirect: "manual" }).catch(() => null);
        if (!response?.ok) return;
        const wasAtBottom = innerHeight + scrollY >= document.body.scrollHeight - NEAR_BOTTOM_PX;
        isOver = response.headers.has("X-Over");
        const turns = parseTurns(await response.text());
        for (const turn of turns) place(log, turn, isOver);
        if (turns.length) document.getElementById("empty-transcript")?.remove();
        const newest = Number(response.headers.get("X-Last"));
        pace = newest > last ? PACE_MS : Math.min(MAX_PACE_MS, pace * 1.3);
        last = Math.max(last, newest);
        if (wasAtBottom && turns.length) scrollTo({ top: document.body.scrollHeight });
    }

    setTimeout(poll, PACE_MS);
}

/** @param {string} html */
function parseTurns(html) {
    const template = document.createElement("template");
    template.innerHTML = html;
    return [...template.content.querySelectorAll("article")];
}

/**
 * Adds a turn, or replaces its earlier version; a turn of a later attempt supersedes that of the earlier one.
 * @param {HTMLElement} log
 * @param {HTMLElement} turn
 * @param {boolean} isOver
 */
function place(log, turn, isOver) {
    const known = document.getElementById(turn.id);
    const { number, last } = turn.dataset;
    if (!known) {
        if (number) log.querySelectorAll(`[data-number="${number}"]`).forEach((each) => each.classList.add("superseded"));
        log.append(turn);
        return;
    }
    if (!isOver && (known.dataset.last === last || hasSelection(known))) return;
    for (const details of known.querySelectorAll("details[open]")) {
        turn.querySelector(`#${CSS.escape(details.id)}`)?.setAttribute("open", "");
    }
    known.replaceWith(turn);
}

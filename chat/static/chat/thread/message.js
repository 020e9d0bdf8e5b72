// One message as it is shown: the words, what came with them, and what can be done with it.

import { Actions } from "./messageActions.js";
import { cardOf } from "./scheduleCard.js";
import { h, icon } from "../lib/dom.js";
import { filesOf } from "../compose/attachments.js";
import { folded } from "./folding.js";
import { Parts } from "./answerParts.js";
import { Questions } from "./approvalCard.js";
import { waitsFor, waysOut } from "./queuedAnswer.js";

const SILENT_MS = 20_000;
export const UNFINISHED = ["pending", "streaming"];

// A person's words. `entry` is one of the outbox, which the server has not confirmed yet.
export class Said {
    constructor(message, desk) {
        this.message = message;
        this.bubble = h("div", { class: "bubble" }, folded(message.text));
        this.bubble.hidden = !message.text;
        this.element = h("article", { class: "message user", "data-id": message.id, "aria-label": "You" }, filesOf(message.attachments), this.bubble);
        this.actions = new Actions(this, desk);
        this.element.append(this.actions.element);
    }

    update(message) {
        this.message = message;
        this.actions.show(message);
    }
}

// An answer: drawn from its frames while it streams, from what the server stored when it is finished.
export class Answer {
    #key = "";
    #frame = 0;
    #reply = null;
    #last = undefined; // the kind of the part it is at

    constructor(message, desk) {
        this.message = message;
        this.desk = desk;
        this.parts = new Parts();
        this.questions = new Questions(this.parts);
        this.state = h("p", { class: "state" });
        this.notice = h("p", { class: "notice" });
        this.actions = new Actions(this, desk);
        const below = [this.state, this.notice, this.actions.element];
        this.element = h("article", { class: "message assistant", "data-id": message.id, "aria-label": "Answer" }, cardOf(message, desk.links), this.parts.element, below);
        this.update(message);
    }

    get isFinished() {
        return !UNFINISHED.includes(this.message.status);
    }

    update(message) {
        const key = JSON.stringify([message.status, message.text.length, message.siblings, message.notice, message.html?.length]);
        this.message = message;
        this.#showParts();
        this.questions.show(message.questions ?? []);
        if (key === this.#key) return;
        this.#key = key;
        if (this.isFinished) this.#settle(message);
        else this.#showState();
        this.actions.show(message);
    }

    follow(reply) {
        this.#reply = reply;
        this.draw();
    }

    // Draws at the next frame; of many words that come together, once. Hidden pages have no frames.
    heard() {
        this.#frame ||= document.hidden ? setTimeout(() => this.draw(), 200) : requestAnimationFrame(() => this.draw());
    }

    draw() {
        this.#frame = 0;
        const reply = this.#reply;
        if (!reply || this.isFinished) return;
        this.#showParts();
        this.questions.show([...reply.questions.values()]);
        this.#showState();
        this.desk.drawn(this);
    }

    // Time passes: a silent reply says so.
    tick() {
        if (this.isFinished) return;
        this.#showState();
    }

    get asksPerson() {
        return !this.isFinished && this.questions.hasOpen;
    }

    // Leads to the question that is open: into sight, and the keyboard to its first button.
    showQuestion() {
        this.questions.lead();
    }

    get isSilent() {
        const waits = this.asksPerson || this.desk.before(this).length > 0;
        return !waits && this.#reply !== null && !this.isFinished && Date.now() - this.#reply.heardAt > SILENT_MS;
    }

    #showState() {
        const before = this.desk.before(this);
        const waits = waitsFor(before);
        const [symbol, words] = waits ? [icon("clock"), waits] : this.#situation();
        const idle = waits || this.asksPerson;
        this.element.setAttribute("aria-busy", String(!idle));
        this.element.classList.toggle("streaming", this.#last === "text" && !idle);
        this.state.hidden = !words;
        const key = `${words} ${before.length}`;
        if (this.state.dataset.key === key) return;
        this.state.dataset.key = key;
        this.state.replaceChildren(symbol, words, waits && waysOut(this, before, this.desk));
        this.actions.show(this.message);
    }

    #situation() {
        if (this.asksPerson) return [icon("hand"), "Waiting for your answer"];
        if (this.isSilent) return [h("span", { class: "dots" }), "Still working? Nothing was heard for a while; looking again."];
        if (this.#last === "text" || this.#last === "thinking") return ["", ""]; // they show it themselves
        return [h("span", { class: "dots" }), this.#last ? "Working" : "Getting ready"];
    }

    #settle(message) {
        this.#reply = null;
        this.state.hidden = true;
        this.questions.close();
        this.element.classList.remove("streaming");
        this.element.setAttribute("aria-busy", "false");
        this.element.dataset.status = message.status;
        this.notice.hidden = !message.notice;
        this.notice.replaceChildren(icon(message.status === "error" ? "warn" : "stop"), message.notice ?? "");
    }

    // Until the frames have caught up with what the server told at once, that is shown.
    #showParts() {
        const { message } = this;
        const heard = this.isFinished || (this.#reply?.seq ?? 0) < (message.last_seq ?? 0) ? null : this.#reply;
        const stored = message.parts ?? [];
        const parts = heard ? heard.parts.map((part, at) => ({ ...part, duration_ms: stored[at]?.duration_ms ?? part.duration_ms })) : stored;
        const calls = new Map((message.tools ?? []).map((call) => [call.call_id, call]));
        heard?.tools.forEach((call, id) => calls.set(id, { ...calls.get(id), ...call }));
        const saysItAll = message.card?.type === "self_pause";
        this.parts.show(saysItAll ? [] : parts, calls, !this.isFinished);
        this.#last = parts.at(-1)?.kind;
    }
}
